"""Settings: the declared services, and every environment variable with its default and a sentence.

`describe` lists all variables for `--help` and for pages of documentation. Nothing here reads data or opens a port.
"""

import os
import re
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self

from source_services.errors import ConfigurationError

PREFIX = "FINSYNC_SERVICES_"
BASE_PORT = 5001


@dataclass(frozen=True)
class Service:
    """A service over one table, which has the service's name.

    `period_column` contains the period end, None if unknown. `indexes` are groups of columns that SQLite indexes
    together, besides the period column.
    """

    name: str
    port: int
    period_column: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()


SERVICES = (
    Service("pnl", 5001, "Period Ended"),
    Service("balance_sheet", 5002, "fiscalDateEnding"),
    Service("cash_flow", 5003, "asOf"),
)
"""The declared services. Any other data file can be served too; only these have a known period column."""


class Setting(NamedTuple):
    """A setting: its name, its value or default, and what it means."""

    name: str
    value: object
    sentence: str


STARTUP_SETTINGS = (
    Setting("data", "the sample data", "Folder of the data files, or the data file of one service."),
    Setting("host", "127.0.0.1", "Address to listen on."),
    Setting(
        "databases", "a temporary folder", "Folder for all that services write; each has a folder of its own in it."
    ),
    Setting("log", "warning", "Lowest level that is logged as JSON; info logs each request."),
    Setting("token_file", "none", "File with the token that callers must send."),
    Setting("token", "none", "The token itself, if there is no token_file."),
)


def _limit(default: float, sentence: str) -> Any:
    return field(default=default, metadata={"sentence": sentence})


@dataclass(frozen=True)
class Limits:
    """Limits of a service. Those in seconds may have a fraction; all others are whole numbers."""

    connections: int = _limit(4, "Queries that run at the same time; others wait for a connection.")
    client_queries: int = _limit(2, "Queries of one client that run at the same time; its others wait.")
    checkout_seconds: float = _limit(5, "How long a query waits for a connection before the response is 503.")
    query_seconds: float = _limit(10, "Processor time of a query, in seconds; then it is stopped.")
    export_seconds: float = _limit(60, "Processor time of a request to /data, likewise.")
    json_rows: int = _limit(100_000, "Rows of a result in JSON, which the caller holds in memory.")
    result_rows: int = _limit(5_000_000, "Rows of a result in any other format.")
    result_bytes: int = _limit(1 << 30, "Bytes of a result, in any format.")
    page_rows: int = _limit(10_000, "Rows of a page of /data.")
    sql_bytes: int = _limit(256 << 10, "Bytes of a statement. In a URL fewer fit: 8,000.")
    parameters: int = _limit(5_000, "Parameters of a statement.")
    table_bytes: int = _limit(16 << 30, "Bytes of the SQLite file that is made of a data file, and of its Arrow file.")
    row_bytes: int = _limit(16 << 20, "Bytes of one row of a data file; of CSV and JSON lines, characters.")
    load_seconds: float = _limit(3_600, "How long it may take to load a newer data file.")
    columns: int = _limit(2_000, "Columns of a data file. A result may have as many as its table, or 100.")
    name_bytes: int = _limit(1_000, "Bytes of the name of a column, of a data file and of a result.")
    value_bytes: int = _limit(64 << 10, "Bytes of one value that SQL computes; at least those of the longest row.")
    heap_bytes: int = _limit(128 << 20, "Memory of SQLite for all queries of all services of the process.")
    disk_bytes: int = _limit(4 << 30, "Bytes on disk: results being sent and in the cache, SQLite's temporary files.")
    client_disk_bytes: int = _limit(2 << 30, "Bytes of these on disk for the requests of one client.")
    temporary_bytes: int = _limit(1 << 30, "Bytes that SQLite writes to sort and group for one query, on Linux.")
    kept_bytes: int = _limit(1 << 30, "Bytes of large results in the cache, which are on disk.")
    kept_small_bytes: int = _limit(16 << 20, "Bytes of small results in the cache, which are in memory.")
    requests_per_minute: int = _limit(12_000, "Requests of one client.")
    http_connections: int = _limit(1_000, "Open connections of all clients; further ones are closed at once.")
    client_http_connections: int = _limit(
        100, "Open connections of one client; requests on as many more get 429, further ones are closed at once."
    )
    header_seconds: float = _limit(10, "How long a client may take to send the headers of its first request.")
    body_seconds: float = _limit(30, "How long a client may take to send the body of a request.")
    idle_seconds: float = _limit(60, "How long a connection may stay open between two requests.")
    send_seconds: float = _limit(600, "How long a client may take to receive one response.")

    @classmethod
    def from_environment(cls) -> Self:
        """The limits, each from its variable where that is set. Raises ConfigurationError."""
        texts = {each.name: os.environ.get(variable(each.name)) for each in fields(cls)}
        numbers: dict[str, Any] = {name: _number(name, text) for name, text in texts.items() if text}
        return cls(**numbers)

    def describe(self) -> list[Setting]:
        """Each limit with its value here and its sentence."""
        return [Setting(each.name, getattr(self, each.name), each.metadata["sentence"]) for each in fields(self)]


def describe() -> list[Setting]:
    """Every setting with its default and its sentence; `variable` names its environment variable."""
    return [*STARTUP_SETTINGS, *Limits().describe()]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def _number(name: str, text: str) -> float:
    is_seconds = name.endswith("_seconds")
    pattern = r"\d{1,9}(\.\d{1,9})?" if is_seconds else r"\d{1,18}"
    if re.fullmatch(pattern, text, re.ASCII) and (number := float(text) if is_seconds else int(text)):
        return number
    kind, example = ("number above 0", "10 or 0.5") if is_seconds else ("whole number of 1 or more", "1000")
    raise ConfigurationError(f"{text!r} is not a {kind}", f"write it like {example}", variable(name))
