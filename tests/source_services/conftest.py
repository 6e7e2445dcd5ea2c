"""How these tests make a data file, load it and ask the service that holds it."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from source_services.app import create_app
from source_services.holdings import Holdings
from source_services.loading import load
from source_services.services import Service

PNL_CSV = """\
Company Name,Period Ended,Total Revenue
ABBOTT LABORATORIES,"December 31, 2009","30,764,707"
WYETH,"June 30, 2009","(5,695,160)"
Unum Group,"December 31, 2009",
"""

Write = Callable[[str, str | bytes], Path]
Load = Callable[..., Holdings]


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
def pnl(load_file: Load) -> Holdings:
    return load_file("pnl.csv", PNL_CSV, "Period Ended")


@pytest.fixture
def client(pnl: Holdings) -> FlaskClient:
    return create_app(pnl).test_client()


@pytest.fixture
def table() -> Callable[[Holdings], tuple[list[str], list[list[Any]]]]:
    """The columns and rows that /data gives for some holdings."""

    def read(holdings: Holdings) -> tuple[list[str], list[list[Any]]]:
        answer = create_app(holdings).test_client().get("/data?limit=1000").json
        return answer["columns"], answer["rows"]

    return read
