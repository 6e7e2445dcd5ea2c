"""Fixtures that make a data file, load it and serve it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from service_client import Client, serving, write_data_file

from source_services.data.loader import load
from source_services.data.table_metadata import TableMetadata
from source_services.settings import Limits, Service

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
    """Write a data file into `tmp_path/data`; gzipped if its name ends in .gz."""
    return partial(write_data_file, tmp_path / "data")


@pytest.fixture
def load_file(tmp_path: Path, write: Write) -> Load:
    """Write a data file and load it as the service of its name."""

    def load_content(
        name: str,
        content: str | bytes,
        period_column: str | None = None,
        indexes: Any = (),
        limits: Limits | None = None,
    ) -> TableMetadata:
        service = Service(name.split(".")[0], 5001, period_column, indexes)
        return load(service, write(name, content), tmp_path / "databases", limits)

    return load_content


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Write a data file and serve it until the test ends."""
    with ExitStack() as stack:
        yield _server(stack, tmp_path / "data")


@pytest.fixture(scope="module")
def serve_to_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Write a data file and serve it until the last test of the module ends, to tests that only read."""
    with ExitStack() as stack:
        yield _server(stack, tmp_path_factory.mktemp("served"))


def _server(stack: ExitStack, folder: Path) -> Serve:
    def serve_content(name: str, content: str | bytes, *shape: Any, **how: Any) -> Client:
        return stack.enter_context(serving(write_data_file(folder, name, content), *shape, **how))

    return serve_content


@pytest.fixture(scope="module")
def client(serve_to_module: Serve) -> Client:
    """A service over three rows."""
    return serve_to_module("pnl.csv", PNL_CSV, "Period Ended")
