"""A source in a database of a real Datasette: the same rows as from FinSync's own service, however few come at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasette_servers import datasette
from extraction_sources import COLUMNS, Q3, Q4, QUARTERS, deliver, extract, json_lines, pnl_mapping
from local_services import answering_service
from plain_servers import write_table

from finsync_pipeline.clients.datasette import DatasetteService
from finsync_pipeline.clients.errors import ResultTooLarge, SourceChanged
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.extraction.connect import Prefetch, service_of
from finsync_pipeline.extraction.inventory import quarter_versions
from finsync_pipeline.statements.mapping import SourceMapping
from source_services.settings import Service

FEW_ROWS = 7
"""The cap of the server of the small table; the other one has Datasette's own, 1,000."""


def some_rows(most: int, other: int, keyless: int) -> list[tuple[Any, ...]]:
    """Rows of one period end with `most` rows, of 40 with `other` each, of none and of no date; some without a key."""
    days = [f"2009-{month:02}-{day:02}" for month in (7, 8, 10, 11) for day in range(11, 21)]
    rows: list[tuple[Any, ...]] = [(f"r{number}", "A", "2009-12-31", number, 0.1 * number) for number in range(most)]
    rows += [(number, "B", days[number % 40], 2**53 + number, -1.5) for number in range(40 * other)]
    rows += [(None, "C", "2009-12-31", number, "1,000") for number in range(keyless)]
    rows += [(None, "C", days[0], number, None) for number in range(keyless)]
    rows += [("it's", "D", None, 1, 2), ("Größe", "D", "n/a", 1e300, "None"), (7.5, "D", None, None, 500.0)]
    return rows


ROWS = {"many": some_rows(1_700, 60, 30), "few": some_rows(25, 2, 5)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasette")
    for name, rows in ROWS.items():
        write_table(folder / f"{name}.db", COLUMNS, rows)
    return folder


@pytest.fixture(scope="module")
def urls(folder: Path) -> Iterator[dict[str, str]]:
    """By database, the Datasette server: of many rows an immutable one, of few a mutable one that caps at FEW_ROWS."""
    with (
        datasette("-i", folder / "many.db") as many,
        datasette(folder / "few.db", max_returned_rows=FEW_ROWS) as few,
    ):
        yield {"many": many, "few": few}


@pytest.fixture(scope="module", params=["many", "few"])
def sources(
    request: pytest.FixtureRequest, urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SourceMapping, SourceMapping]]:
    """The same rows from FinSync's own service and from Datasette."""
    name = request.param
    file = tmp_path_factory.mktemp("own") / "pnl.jsonl"
    file.write_text(json_lines(dict(zip(COLUMNS, row, strict=True)) for row in ROWS[name]), encoding="utf-8")
    with answering_service(Service("pnl", 0, "Period Ended"), file) as own:
        yield pnl_mapping(own.url), in_datasette(urls[name], name)


def in_datasette(url: str, database: str) -> SourceMapping:
    return pnl_mapping(url, connection={"kind": "datasette", "database": database})


def without_versions(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["data_version", "content_hash", "finsync_data_version"], errors="ignore")


def test_rows_are_those_of_the_own_service(sources: tuple[SourceMapping, SourceMapping]) -> None:
    own, other = sources
    with service_of(own) as one, service_of(other) as another:
        assert isinstance(one, SourceService)
        assert isinstance(another, DatasetteService)
        assert one.dialect == another.dialect == "sqlite"
    expected, found = deliver(own), deliver(other)
    assert found.row_count == expected.row_count
    assert found.unmapped == expected.unmapped == []
    pairs = [(expected.periods, found.periods), (expected.unassigned, found.unassigned)]
    pairs += [
        (extract(own, expected.periods, quarters), extract(other, found.periods, quarters))
        for quarters in (QUARTERS, [Q3], [Q4])
    ]
    for one_frame, other_frame in pairs:
        pd.testing.assert_frame_equal(without_versions(one_frame), without_versions(other_frame))
    assert len(pairs[2][1]) + len(found.unassigned) == found.row_count
    assert str(2**53 + 1) in pairs[2][1]["Total Revenue"].tolist()


def test_a_whole_table_is_fetched_when_it_is_needed_not_before(urls: dict[str, str]) -> None:
    mapping = in_datasette(urls["few"], "few")
    with Prefetch() as prefetch:
        prefetch.start([mapping], QUARTERS, {"pnl": QUARTERS})
        assert prefetch.inventory("pnl") is not None
        assert prefetch.table("pnl") is None


def test_the_version_of_an_immutable_database_is_its_hash_and_a_mutable_one_has_its_counts(
    urls: dict[str, str], folder: Path
) -> None:
    with datasette(folder / "few.db") as another:
        counted = [quarter_versions(deliver(in_datasette(url, "few")).periods) for url in (urls["few"], another)]
    hashed = deliver(in_datasette(urls["many"], "many")).periods
    with service_of(in_datasette(urls["many"], "many")) as service:
        version = service.version()
    assert counted[0] == counted[1]
    assert version is not None
    assert hashed["data_version"].unique().tolist() == [version.data_version]


def test_more_rows_without_a_key_than_the_cap_are_an_error(tmp_path: Path) -> None:
    file = write_table(tmp_path / "keyless.db", COLUMNS, some_rows(1, 1, FEW_ROWS + 1))
    with datasette(file, max_returned_rows=FEW_ROWS) as url:
        mapping = in_datasette(url, "keyless")
        periods = deliver(mapping).periods
        with pytest.raises(ResultTooLarge, match=r"7 rows of a larger result .* or give each row a key of its own"):
            extract(mapping, periods, [Q4])


def test_rows_that_change_between_inventory_and_fetch_are_noticed(tmp_path: Path) -> None:
    file = write_table(tmp_path / "live.db", COLUMNS, some_rows(20, 1, 1))
    with datasette(file, max_returned_rows=FEW_ROWS) as url:
        mapping = in_datasette(url, "live")
        periods = deliver(mapping).periods
        extract(mapping, periods)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM pnl WHERE \"Row\" = 'r3'")
        with pytest.raises(SourceChanged, match=r"Run: finsync run"):
            extract(mapping, periods)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"connection": {"kind": "datasette", "database": "nowhere"}}, "connection.database, nowhere, in defs/sources"),
        ({"table": "nowhere"}, "no such table: nowhere. Check table and the columns in defs/sources/pnl/defs.yaml."),
        ({"row_key": "nowhere"}, "nowhere"),
    ],
)
def test_a_wrong_name_is_an_error_with_the_fix(urls: dict[str, str], changes: dict[str, Any], expected: str) -> None:
    parts = {"connection": {"kind": "datasette", "database": "few"}, **changes}
    with pytest.raises(SourceInvalid) as error:
        deliver(pnl_mapping(urls["few"], **parts))
    assert expected in str(error.value)
