"""How these tests make a data file, serve it and ask the service over HTTP."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from given import Answering, answering_service

from source_services.loading.holdings import Holdings
from source_services.loading.load import load
from source_services.services import Service
from source_services.settings import Limits

PNL_CSV = """\
Company Name,Period Ended,Total Revenue
ABBOTT LABORATORIES,"December 31, 2009","30,764,707"
WYETH,"June 30, 2009","(5,695,160)"
Unum Group,"December 31, 2009",
"""

Write = Callable[[str, str | bytes], Path]
Load = Callable[..., Holdings]


class Client:
    """Asks one service; nothing of the environment gets in between."""

    def __init__(self, service: Answering) -> None:
        self.service, self.url, self.table = service, service.url, service.table
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **how: Any) -> requests.Response:
        """GET the path, which begins with /."""
        return self.request("GET", path, **how)

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        """Ask by any method."""
        return self.session.request(method, self.url + path, timeout=30, **how)

    def query(self, sql: str, **parameters: str) -> requests.Response:
        """GET /query."""
        return self.get("/query", params={"q": sql, **parameters})

    def post(self, sql: str, **how: Any) -> requests.Response:
        """POST /query."""
        return self.request("POST", "/query", json={"q": sql, **how})

    def rows(self, sql: str) -> list[list[Any]]:
        """The rows of a query that must be answered."""
        answer = self.post(sql)
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["rows"]
        return rows


Serve = Callable[..., Client]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a data file into `tmp_path/data`; gzipped if its name says so."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write_file


@pytest.fixture
def load_file(tmp_path: Path, write: Write) -> Load:
    """Write a data file and load it as the service that its name says."""

    def load_content(name: str, content: str | bytes, period_column: str | None = None) -> Holdings:
        service = Service(name.split(".")[0], 5001, period_column)
        return load(service, write(name, content), tmp_path / "databases")

    return load_content


@pytest.fixture
def serve(write: Write) -> Iterator[Serve]:
    """Write a data file (or take one) and serve it until the test ends."""
    with ExitStack() as stack:

        def serve_content(
            name: str, content: str | bytes | None, period_column: str | None = None, indexes: Any = (), **how: Any
        ) -> Client:
            data_file = Path(name) if content is None else write(name, content)
            service = Service(data_file.name.split(".")[0], 0, period_column, indexes)
            limits = {key: how.pop(key) for key in list(how) if key in Limits.__dataclass_fields__}
            return Client(stack.enter_context(answering_service(service, data_file, Limits(**limits), **how)))

        yield serve_content


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("pnl.csv", PNL_CSV, "Period Ended")
