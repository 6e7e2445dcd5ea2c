"""One way to make a reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from resolving import MakeReference, write_csv

from finsync_pipeline.identity import Reference, read_reference


@pytest.fixture
def make_reference(tmp_path: Path) -> MakeReference:
    """A reference of companies and aliases given as rows."""

    def make(companies: Iterable[Mapping[str, str]], aliases: Iterable[Mapping[str, str]] = ()) -> Reference:
        write_csv(tmp_path / "companies.csv", companies)
        (tmp_path / "aliases.csv").unlink(missing_ok=True)
        if aliases := list(aliases):
            write_csv(tmp_path / "aliases.csv", aliases)
        return read_reference(tmp_path)

    return make
