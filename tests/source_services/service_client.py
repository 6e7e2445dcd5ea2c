"""A client of source services, which run in a thread of this process or in a process of their own."""

import base64
import csv
import gzip
import hashlib
import io
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import problem_details
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import requests
from local_services import LINE, WAIT_SECONDS, Answering, answering_service
from prometheus_client.parser import text_string_to_metric_families

from source_services.errors import PROBLEM_TYPES
from source_services.settings import Limits, Service

FORMATS = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}


class Client:
    """A client of one service, without the proxies of the environment."""

    def __init__(self, url: str, service: Answering | None = None, address: str = "") -> None:
        self.url, self.table = url, service.table if service is not None else None
        self.source = (address, 0)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", _Adapter(self.source))

    @contextmanager
    def at(self, address: str) -> Iterator["Client"]:
        """Another client of the same service, which connects from this address."""
        other = Client(self.url, address=address)
        with other.session:
            yield other

    def get(self, path: str, **how: Any) -> requests.Response:
        """GET the path, which begins with /."""
        return self.request("GET", path, **how)

    def head(self, path: str, **how: Any) -> requests.Response:
        """HEAD of the path."""
        return self.request("HEAD", path, **how)

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        """A request with any method."""
        return self.session.request(method, self.url + path, **{"timeout": WAIT_SECONDS, **how})

    def query(self, sql: str, **parameters: str) -> requests.Response:
        """GET /query."""
        return self.get("/query", params={"q": sql, **parameters})

    def post(self, sql: str, format_: str = "json", **parameters: Any) -> requests.Response:
        """POST /query."""
        return self.request("POST", f"/query?format={format_}", json={"q": sql, "parameters": parameters})

    def rows(self, sql: str, **parameters: Any) -> list[list[Any]]:
        """The rows of a query that must succeed."""
        response = self.post(sql, **parameters)
        assert response.status_code == 200, response.text
        rows: list[list[Any]] = response.json()["rows"]
        return rows

    def send(self, raw: bytes, seconds: float = WAIT_SECONDS) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the response to these bytes, on a connection of their own."""
        with self.connect(seconds) as connection:
            connection.sendall(raw)
            with HTTPResponse(connection) as response:
                response.begin()
                return response.status, dict(response.headers), response.read()

    def connect(self, seconds: float = WAIT_SECONDS) -> socket.socket:
        """A new connection."""
        address = urlsplit(self.url)
        return socket.create_connection((address.hostname, address.port), seconds, self.source)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum(value for each, given, value in self.samples() if each == name and labels.items() <= given.items())

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """All samples of /metrics: name, labels, value."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return [(each.name, each.labels, each.value) for family in families for each in family.samples]

    def pages(self, **parameters: Any) -> Iterator[requests.Response]:
        """The pages of /data, from the first to the last, by the token of each."""
        token: dict[str, str] = {}
        while True:
            page = self.get("/data", params={**parameters, **token})
            assert page.status_code == 200, page.text
            yield page
            if page.json()["next"] is None:
                return
            token = {"next": page.json()["next"]}


class _Adapter(requests.adapters.HTTPAdapter):
    """Connects from an address."""

    def __init__(self, source: tuple[str, int]) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **how: Any) -> None:
        super().init_poolmanager(*arguments, **how, source_address=self._source)


# Data files


def write_data_file(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a data file; gzipped if its name ends in .gz."""
    folder.mkdir(exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder / name


def json_lines(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def sqlite_bytes(*statements: str | tuple[str, list[Any]]) -> bytes:
    """A SQLite file that the statements made; a tuple is a statement to execute for each of its rows."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            if isinstance(statement, tuple):
                connection.executemany(*statement)
            else:
                connection.execute(statement)
        connection.commit()
        return connection.serialize()


@contextmanager
def serving(data_file: Path, period_column: str | None = None, indexes: Any = (), **how: Any) -> Iterator[Client]:
    """A service over the data file in a thread of this process; `how` are limits, and what answering_service takes."""
    limits = {name: how.pop(name) for name in list(how) if name in Limits.__dataclass_fields__}
    service = Service(data_file.name.split(".")[0], 0, period_column, indexes)
    with answering_service(service, data_file, Limits(**limits), **how) as answering:
        client = Client(answering.url, answering)
        with client.session:
            yield client


# Responses


def result_of(response: requests.Response) -> tuple[list[str], list[list[Any]]]:
    """The columns and rows of a response, after checking its status, length, digest and row count.

    Cells are as the format has them, which is text in CSV. A cell of a mixed column is read from its JSON.
    """
    assert response.status_code == 200, response.text
    check_complete(response)
    columns, rows = _READERS[response.headers["Content-Type"].partition(";")[0]](response.content)
    assert int(response.headers["X-Row-Count"]) == len(rows)
    return columns, rows


def check_complete(response: requests.Response) -> None:
    """The length and the digest in the headers are those of the body."""
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert response.headers["Repr-Digest"] == digest(response.content)


def digest(content: bytes) -> str:
    """The content's Repr-Digest."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def check_problem(response: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The response is this problem of the services; returns it."""
    return problem_details.check_problem(response, status, code, PROBLEM_TYPES, "/")


def _json(content: bytes) -> tuple[list[str], list[list[Any]]]:
    def reject_constant(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    body = json.loads(content, parse_constant=reject_constant)
    assert body["row_count"] == len(body["rows"])
    return body["columns"], body["rows"]


def _ndjson(content: bytes) -> tuple[list[str], list[list[Any]]]:
    records = [json.loads(line) for line in content.splitlines()]
    return list(records[0]) if records else [], [list(record.values()) for record in records]


def _csv(content: bytes) -> tuple[list[str], list[list[Any]]]:
    header = next(csv.reader(io.StringIO(content.decode(), newline="")))
    texts = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    lines = pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    return _table(pyarrow.csv.read_csv(io.BytesIO(content), convert_options=texts, parse_options=lines))


def _arrow(content: bytes) -> tuple[list[str], list[list[Any]]]:
    return _table(pa.ipc.open_stream(content).read_all())


def _parquet(content: bytes) -> tuple[list[str], list[list[Any]]]:
    return _table(pq.read_table(io.BytesIO(content)))


def _table(table: pa.Table) -> tuple[list[str], list[list[Any]]]:
    columns = [
        [None if cell is None else json.loads(cell) for cell in column.to_pylist()]
        if column.type == pa.json_()
        else column.to_pylist()
        for column in table.columns
    ]
    return table.column_names, [list(row) for row in zip(*columns, strict=True)]


_READERS: dict[str, Callable[[bytes], tuple[list[str], list[list[Any]]]]] = {
    FORMATS["json"]: _json,
    FORMATS["ndjson"]: _ndjson,
    FORMATS["csv"]: _csv,
    FORMATS["arrow"]: _arrow,
    FORMATS["parquet"]: _parquet,
}


# Processes


def clients_of(lines: list[str]) -> dict[str, Client]:
    """A client of each service in the lines, by its name."""
    found = [LINE.match(line) for line in lines]
    return {match[1]: Client(match[2]) for match in found if match is not None}


def until(condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """What `condition` returns as soon as it is true. Fails after the seconds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"the condition is not true after {seconds} s"
        time.sleep(0.02)
    return found
