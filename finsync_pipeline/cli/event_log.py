"""Dagster's event log in SQLite, its files kept open for the length of a run in this process.

Dagster opens and closes a file for each event that it stores or looks up; that is a third of the time of a small run.
This overrides a private method of Dagster's, and can go when its SqliteEventLogStorage keeps its engines itself. Where
the storage is another one, or has no such method, Dagster goes on in its own way.
"""

import inspect
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, Protocol

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 30
OVERRIDDEN = "_connect"


class _Connect(Protocol):
    """A connection within a transaction to one of the log's files: a run's, or the index over all."""

    def __call__(self, shard: str) -> AbstractContextManager[Connection]: ...


@contextmanager
def event_log_kept_open(instance: dg.DagsterInstance) -> Iterator[bool]:
    """Within the block, the instance opens each file of its event log once; gives whether it does.

    Other instances and processes see each event as soon as it is stored, as ever.
    """
    storage: Any = instance.event_log_storage
    if not _can_be_overridden(storage):
        yield False
        return
    with closing(_OpenFiles(storage)) as files:
        setattr(storage, OVERRIDDEN, files.connect)
        try:
            yield True
        finally:
            delattr(storage, OVERRIDDEN)


def _can_be_overridden(storage: object) -> bool:
    own = getattr(storage, OVERRIDDEN, None)
    return (
        type(storage) is SqliteEventLogStorage
        and OVERRIDDEN not in vars(storage)
        and own is not None
        and list(inspect.signature(own).parameters) == ["shard"]
    )


class _OpenFiles:
    """The log's files that were used so far, each with a connection."""

    def __init__(self, storage: SqliteEventLogStorage) -> None:
        self._storage = storage
        self._own: _Connect = getattr(storage, OVERRIDDEN)
        self._engines: dict[str, Engine] = {}
        self._one_at_a_time = threading.Lock()  # as Dagster does

    @contextmanager
    def connect(self, shard: str) -> Iterator[Connection]:
        with self._one_at_a_time:
            engine = self._engines.get(shard)
            if engine is None:  # Dagster makes the tables, if there are none
                with self._own(shard) as connection:
                    yield connection
                self._engines[shard] = _engine(self._storage.conn_string_for_shard(shard))
            else:
                with engine.begin() as connection:
                    yield connection

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # Safe with the write-ahead log that Dagster sets: a power cut may take the last events, never the file
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
