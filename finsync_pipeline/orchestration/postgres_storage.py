"""Dagster's storage on Postgres, which survives the loss of its connections: a call that lost one is made again.

Dagster itself tries again only to connect. A connection that is cut while a statement waits for its answer fails the
call, and what that breaks depends on who made it. A step fails. The daemon, half way through launching a failed run
once more, leaves a new run that nobody starts, and never tries again (`retry_run` in
dagster/_daemon/auto_run_reexecution). So the storage makes the call again, whoever made it. This can go when Dagster
does it.

It belongs to the deployment (`dagster.yaml`); a checkout has Dagster's own storage on SQLite. Where Postgres is away
for longer, `retry_on_storage_loss` and Dagster's monitoring of runs take over.
"""

import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, Self, TypeVar

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.config import pg_config
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from dagster_postgres.utils import DagsterPostgresException, pg_url_from_config
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

Answer = TypeVar("Answer")
Storage = TypeVar("Storage", bound=type)

PATIENCE = 60.0
"""Seconds for which a call is made again: a restart of Postgres takes less. A page of the web UI may wait as long."""

PAUSE = 0.2
"""Seconds between two calls, and so the load on a Postgres that comes up again."""

CONNECTIONS = frozenset({"connect", "run_connection", "index_connection", "index_transaction"})
"""Methods that hand out a connection. What their caller does with it is a part of another call."""

WRITES_OF_SEVERAL_STATEMENTS = frozenset({"add_run", "add_run_tags", "handle_run_event", "add_backfill"})
"""Dagster commits each of their statements, and some of them cannot be made twice: a run would be there already."""

_this_thread = threading.local()


def until_answered(call: Callable[[], Answer]) -> Answer:
    """What the call returns, made again while it loses its connection to Postgres. Other errors pass."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except (DBAPIError, DagsterPostgresException) as error:
            if not _lost_its_connection(error) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


def _lost_its_connection(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        return error.connection_invalidated
    # Dagster could not connect. Waiting does not fix a wrong password
    return "authentication failed" not in str(error.__cause__)


def _call_of_this_thread() -> str | None:
    """The name of the method that is being called, the outermost one."""
    return getattr(_this_thread, "call", None)


def _made_again(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, made again as a whole; what it calls itself is not, since that would multiply the patience."""

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _call_of_this_thread():
            return method(*args, **kwargs)
        _this_thread.call = method.__name__
        try:
            return until_answered(lambda: method(*args, **kwargs))
        finally:
            _this_thread.call = None

    return call


def survives_lost_connections(storage: Storage) -> Storage:
    """Let every public method of the class make its call again."""
    for name in dir(storage):
        method = inspect.getattr_static(storage, name)
        if inspect.isfunction(method) and not name.startswith("_") and name not in CONNECTIONS:
            setattr(storage, name, _made_again(method))
    return storage


@survives_lost_connections
class RunStorage(PostgresRunStorage):
    """Runs and their tags. A call made again finds no half of what it wrote before."""

    def connect(self) -> AbstractContextManager[Connection]:
        """A connection, which has begun a transaction if several statements belong together."""
        return self._transaction() if _call_of_this_thread() in WRITES_OF_SEVERAL_STATEMENTS else super().connect()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with super().connect() as connection:
            transactional = connection.execution_options(isolation_level="READ COMMITTED")
            with transactional.begin():
                yield transactional


@survives_lost_connections
class EventLogStorage(PostgresEventLogStorage):
    """Events. One may be there twice, if the connection was cut when it had just been written; Dagster bears that."""


@survives_lost_connections
class ScheduleStorage(PostgresScheduleStorage):
    """Ticks of schedules and sensors."""


class PostgresStorage(DagsterStorage[Any], ConfigurableClass):
    """The three of them, with the settings of Dagster's own storage on Postgres."""

    def __init__(self, url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data
        self._runs = until_answered(lambda: RunStorage(url))
        self._events = until_answered(lambda: EventLogStorage(url))
        self._schedules = until_answered(lambda: ScheduleStorage(url))

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where Dagster found it."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> Any:
        """The settings that it takes."""
        return pg_config()

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The storage with these settings."""
        return cls(pg_url_from_config(config_value), inst_data)

    @property
    def run_storage(self) -> RunStorage:
        """Runs and their tags."""
        return self._runs

    @property
    def event_log_storage(self) -> EventLogStorage:
        """Events."""
        return self._events

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """Ticks."""
        return self._schedules
