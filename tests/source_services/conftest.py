"""How these tests make a data file, load it and serve it."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from service_client import Client, serving

from source_services.data.loader import load
from source_services.data.table_metadata import TableMetadata
from source_services.settings import Service

PNL_CSV = """\
Company Name,Period Ended,Total Revenue
ABBOTT LABORATORIES,"December 31, 2009","30,764,707"
WYETH,"June 30, 2009","(5,695,160)"
Unum Group,"December 31, 2009",
"""

Write = Callable[[str, str | bytes], Path]
Load = Callable[..., TableMetadata]
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

    def load_content(
        name: str, content: str | bytes, period_column: str | None = None, indexes: Any = ()
    ) -> TableMetadata:
        service = Service(name.split(".")[0], 5001, period_column, indexes)
        return load(service, write(name, content), tmp_path / "databases")

    return load_content


@pytest.fixture
def serve(write: Write) -> Iterator[Serve]:
    """Write a data file and serve it until the test ends."""
    with ExitStack() as stack:

        def serve_content(name: str, content: str | bytes, *shape: Any, **how: Any) -> Client:
            return stack.enter_context(serving(write(name, content), *shape, **how))

        yield serve_content


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service over three rows, which the tests of a module only read."""
    data_file = tmp_path_factory.mktemp("served") / "pnl.csv"
    data_file.write_text(PNL_CSV)
    with serving(data_file, "Period Ended") as client:
        yield client
