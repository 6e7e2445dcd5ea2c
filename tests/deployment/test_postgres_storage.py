"""Which calls of Dagster's storage are made again, and how often. test_stack_faults_of_dagster.py cuts connections."""

import inspect
from collections.abc import Callable

import pytest
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import OperationalError

from finsync_pipeline.orchestration import postgres_storage
from finsync_pipeline.orchestration.postgres_storage import (
    CONNECTIONS,
    EventLogStorage,
    RunStorage,
    ScheduleStorage,
    survives_lost_connections,
)


def cut() -> Exception:
    return OperationalError("SELECT 1", {}, Exception("server closed the connection"), connection_invalidated=True)


def no_space() -> Exception:
    return OperationalError("INSERT", {}, Exception("no space left on device"))


def not_connected(reason: str) -> Exception:
    error = DagsterPostgresException("too many retries for DB connection")
    error.__cause__ = OperationalError("", {}, Exception(reason))
    return error


@survives_lost_connections
class Storage:
    """Its calls fail with these errors, the last one first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def write(self) -> str:
        return self.read()

    def read(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop()
        return "answer"


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(postgres_storage, "PAUSE", 0)


@pytest.mark.parametrize("lost", [cut, lambda: not_connected("the database system is starting up")])
def test_a_call_that_lost_its_connection_is_made_again(lost: Callable[[], Exception]):
    storage = Storage(lost(), lost(), lost())
    assert storage.read() == "answer"
    assert storage.calls == 4


@pytest.mark.parametrize(
    "error", [no_space(), not_connected('password authentication failed for user "finsync"'), KeyError("run")]
)
def test_what_time_does_not_mend_is_raised_at_once(error: Exception):
    storage = Storage(error)
    with pytest.raises(type(error)):
        storage.read()
    assert storage.calls == 1


def test_a_call_within_a_call_does_not_multiply_the_patience(monkeypatch):
    monkeypatch.setattr(postgres_storage, "PATIENCE", 0)
    storage = Storage(cut(), cut(), cut())
    for calls in (1, 2):
        with pytest.raises(OperationalError):
            storage.write()
        assert storage.calls == calls


def test_after_an_error_calls_are_made_again_as_before():
    storage = Storage(cut(), no_space())
    with pytest.raises(OperationalError):
        storage.write()
    assert storage.write() == "answer"


@pytest.mark.parametrize("storage", [RunStorage, EventLogStorage, ScheduleStorage])
def test_every_method_that_dagster_calls_is_made_again(storage: type):
    own = storage.__mro__[1]
    methods = {name for name in dir(own) if not name.startswith("_") and inspect.isfunction(getattr(own, name))}
    assert len(methods) > 20
    assert {name for name in methods if getattr(own, name) is getattr(storage, name)} <= {
        *CONNECTIONS,
        "create_clean_storage",
    }
