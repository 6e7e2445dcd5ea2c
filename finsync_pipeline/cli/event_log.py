"""Dagster's event log in SQLite, its files kept open for the length of a run in this process.

Dagster opens and closes a file for each event that it stores or looks up; that is a third of the time of a small run.
This overrides a private method of Dagster's, and can go when its SqliteEventLogStorage keeps its engines itself. Where
the storage is another one, or has no such method, Dagster goes on in its own way.
"""

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 30
OVERRIDDEN = "_connect"


@contextmanager
def event_log_kept_open(instance: dg.DagsterInstance) -> Iterator[bool]:
    """Within the block, the instance opens each file of its event log once; the block receives whether it does.

    Other instances and processes see each event as soon as it is stored.
    """
    storage: Any = instance.event_log_storage
    dagsters_connect: Any = getattr(storage, OVERRIDDEN, None)
    if type(storage) is not SqliteEventLogStorage or not _takes_a_shard(dagsters_connect):
        yield False
        return
    engines: dict[str, Engine] = {}
    one_at_a_time = threading.Lock()  # as Dagster does

    @contextmanager
    def connect(shard: str) -> Iterator[Connection]:
        """A connection within a transaction to one of the files: that of a run, or the index over all."""
        with one_at_a_time:
            first = shard not in engines  # Dagster then makes the tables
            with dagsters_connect(shard) if first else engines[shard].begin() as connection:
                yield connection
            if first:
                engines[shard] = _engine(storage.conn_string_for_shard(shard))

    setattr(storage, OVERRIDDEN, connect)
    try:
        yield True
    finally:
        delattr(storage, OVERRIDDEN)
        for engine in engines.values():
            engine.dispose()


def _takes_a_shard(connect: Any) -> bool:
    return connect is not None and list(inspect.signature(connect).parameters) == ["shard"]


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=1, max_overflow=0, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        # Safe with the write-ahead log that Dagster sets: a power cut may take the last events, never the file
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
