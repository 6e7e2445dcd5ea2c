"""The limits of a service: each has a default and a sentence, and is set by an environment variable."""

import os
import re
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from typing import Any, Self

PREFIX = "FINSYNC_SERVICES_"


class SettingMistake(ValueError):
    """A setting that cannot be used; the message names it and the cure."""


@dataclass(frozen=True)
class _Form:
    """How a number is written, and what reads it."""

    pattern: str
    read: Callable[[str], float]
    told: str


_WHOLE = _Form(r"\d{1,18}", int, "whole number of 1 or more; write it like 1000")
_FRACTION = _Form(r"\d{1,9}(\.\d{1,9})?", float, "number above 0; write it like 10 or 0.5")


def _limit(default: int, sentence: str) -> int:
    value: int = field(default=default, metadata={"sentence": sentence, "form": _WHOLE})
    return value


def _seconds(default: float, sentence: str) -> float:
    value: float = field(default=default, metadata={"sentence": sentence, "form": _FRACTION})
    return value


@dataclass(frozen=True)
class Limits:
    """What a service grants one caller, or all of them; seconds may have a fraction, all others are whole numbers."""

    connections: int = _limit(4, "Queries that run at the same time; others wait for a connection.")
    checkout_seconds: float = _seconds(5, "How long a query waits for a connection before it is answered 503.")
    query_seconds: float = _seconds(10, "How long a query may work, in seconds of a processor, before it is stopped.")
    export_seconds: float = _seconds(60, "How long /data may work to write rows into a format, likewise.")
    json_rows: int = _limit(100_000, "Rows of a result in JSON, which the caller holds as a whole.")
    result_rows: int = _limit(5_000_000, "Rows of a result in any other format.")
    result_bytes: int = _limit(1 << 30, "Bytes of a result, in any format.")
    page_rows: int = _limit(10_000, "Rows of a page of /data.")
    sql_bytes: int = _limit(256 << 10, "Bytes of a statement. In a URL fewer fit: 8,000.")
    parameters: int = _limit(5_000, "Parameters of a statement.")
    value_bytes: int = _limit(64 << 10, "Bytes of one value that SQL makes; never less than the table's longest row.")
    heap_bytes: int = _limit(128 << 20, "Memory of SQLite, all queries of all services of the process together.")
    disk_bytes: int = _limit(4 << 30, "Bytes of large answers on disk: those that wait to be fetched, and those kept.")
    kept_bytes: int = _limit(1 << 30, "Bytes of large answers kept on disk, to answer the same question again.")
    kept_small_bytes: int = _limit(16 << 20, "Bytes of small answers kept in memory.")
    requests_per_minute: int = _limit(12_000, "Requests of one client.")
    send_seconds: float = _seconds(600, "How long a client may take to receive one answer.")

    @classmethod
    def from_environment(cls) -> Self:
        """The limits, each by its variable where that is set. Raises SettingMistake."""
        given = {each: os.environ.get(variable(each.name)) for each in fields(cls)}
        numbers: dict[str, Any] = {each.name: _read(each, text) for each, text in given.items() if text}
        return cls(**numbers)

    def told(self) -> list[tuple[str, float, str]]:
        """Each limit's name, value and sentence."""
        return [(each.name, getattr(self, each.name), each.metadata["sentence"]) for each in fields(self)]


def variable(name: str) -> str:
    """The environment variable of a limit."""
    return PREFIX + name.upper()


def _read(limit: "Field[Any]", text: str) -> float:
    form: _Form = limit.metadata["form"]
    if re.fullmatch(form.pattern, text, re.ASCII) and (number := form.read(text)):
        return number
    raise SettingMistake(f"{variable(limit.name)}: {text!r} is no {form.told}")
