"""Quarters together and quarters alone: the same rows, the same bytes, whatever the order of delivery."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml
from extraction_sources import (
    Q1,
    Q4,
    QUARTERS,
    csv_text,
    deliver,
    extract,
    parquet_bytes,
    pnl_mapping,
)
from local_services import running_services

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.extraction.inventory import quarter_versions, rows_by_quarter
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.storage.parquet import read_frame, write_frame

SOURCES = Path(__file__).parents[2] / "finsync_pipeline" / "defs" / "sources"
DAYS = [date(2009, 7, 1) + timedelta(days=number * 7) for number in range(39)]
FORMATS = ["%B %d, %Y", "%Y-%m-%d"]
Row = tuple[object, ...]


def generated_rows() -> list[Row]:
    """400 rows of three quarters in two spellings, some twice, keys of different lengths."""
    chance = random.Random(7)
    rows: list[Row] = [
        (
            number,
            f"C{number % 17}",
            chance.choice(DAYS).strftime(chance.choice(FORMATS)),
            f"{number:,}",
            number % 5,
        )
        for number in range(1, 401)
    ]
    return rows + rows[:9] + [(401, "C1", "n/a", 1, 1)]


@dataclass(frozen=True)
class Served:
    """The same source as generated, in another order, and with one row of 2010-Q1 changed."""

    generated: SourceMapping
    shuffled: SourceMapping
    changed: SourceMapping


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    rows = generated_rows()
    shuffled = random.Random(8).sample(rows, len(rows))
    at = next(place for place, row in enumerate(rows) if "2010-02" in str(row[2]))
    changed = [*rows[:at], (*rows[at][:3], "999", rows[at][4]), *rows[at + 1 :]]
    folders = []
    for name, content in (("generated", rows), ("shuffled", shuffled), ("changed", changed)):
        folders.append(tmp_path_factory.mktemp(name))
        (folders[-1] / "pnl.csv").write_text(csv_text(content))
    with (
        running_services(folders[0]) as first,
        running_services(folders[1]) as second,
        running_services(folders[2]) as third,
    ):
        yield Served(*(pnl_mapping(urls["pnl"]) for urls in (first, second, third)))


def of_quarter(rows: pd.DataFrame, quarter: date) -> pd.DataFrame:
    return rows[rows["finsync_period_end"].map(quarter_of) == quarter]


def assert_quarters_alone_are_as_together(mapping: SourceMapping, quarters: list[date], folder: Path) -> pd.DataFrame:
    periods = deliver(mapping, quarters).periods
    together = extract(mapping, periods, quarters)
    some = extract(mapping, periods, quarters[:-1])
    for quarter in quarters:
        alone = parquet_bytes(extract(mapping, periods, [quarter]), folder)
        assert alone == parquet_bytes(of_quarter(together, quarter), folder)
        assert quarter == quarters[-1] or alone == parquet_bytes(of_quarter(some, quarter), folder)
    counts = {quarter: len(of_quarter(together, quarter)) for quarter in quarters}
    assert {quarter: count for quarter, count in counts.items() if count} == rows_by_quarter(periods)
    return together


def test_quarters_alone_are_the_bytes_of_quarters_together(served: Served, tmp_path: Path) -> None:
    rows = assert_quarters_alone_are_as_together(served.generated, QUARTERS, tmp_path)
    assert len(rows) + len(deliver(served.generated).unassigned) == len(generated_rows())


@pytest.mark.parametrize(("source", "row_count"), [("pnl", 4168), ("balance_sheet", 1991), ("cash_flow", 3214)])
def test_on_real_statements_quarters_alone_are_the_bytes_of_quarters_together(
    real_services: dict[str, str], source: str, row_count: int, tmp_path: Path
) -> None:
    declared = yaml.safe_load((SOURCES / source / "defs.yaml").read_text())["attributes"]
    mapping = SourceMapping.model_validate(declared).at(real_services[source])
    quarters = [date(year, month, 1) for year in range(2009, 2011) for month in (1, 4, 7, 10)]
    inventory = deliver(mapping, quarters)
    rows = assert_quarters_alone_are_as_together(mapping, quarters, tmp_path)
    assert len(rows) + len(inventory.unassigned) == inventory.row_count == row_count


@pytest.fixture(scope="module")
def real_services(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("real")
    for file in (shared_data / "services").iterdir():
        if file.suffix == ".gz":
            (folder / file.name).symlink_to(file)
    with running_services(folder) as urls:
        yield urls


def test_the_order_of_delivery_does_not_matter(served: Served, tmp_path: Path) -> None:
    both = [
        parquet_bytes(extract(mapping, deliver(mapping).periods), tmp_path)
        for mapping in (served.generated, served.shuffled)
    ]
    assert both[0] == both[1]


def test_rows_come_by_quarter_in_the_order_of_their_keys(served: Served) -> None:
    rows = extract(served.shuffled, deliver(served.shuffled).periods)
    places = list(zip(rows["finsync_period_end"].map(quarter_of), rows["Row"].astype(int), strict=True))
    assert places == sorted(places)


def test_only_the_quarter_whose_rows_changed_has_another_version(served: Served) -> None:
    before, after = (quarter_versions(deliver(mapping).periods) for mapping in (served.generated, served.changed))
    assert sorted(before) == sorted(after) == QUARTERS
    assert [quarter for quarter in QUARTERS if before[quarter] != after[quarter]] == [Q1]


def test_the_rows_carry_the_version_of_their_quarter_and_it_survives_storage(served: Served, tmp_path: Path) -> None:
    periods = deliver(served.generated).periods
    write_frame(periods, tmp_path / "delivery.parquet")
    rows = extract(served.generated, read_frame([tmp_path / "delivery.parquet"]))
    shown = frames.query(
        "SELECT DISTINCT date_trunc('quarter', finsync_period_end)::DATE q, finsync_data_version v FROM rows",
        rows=rows,
    )
    assert dict(zip(shown["q"], shown["v"], strict=True)) == quarter_versions(periods)


@pytest.mark.parametrize("quarters", [[Q1], [Q4], QUARTERS])
def test_rows_of_another_version_than_the_inventory_are_an_error_with_the_fix(
    served: Served, quarters: list[date]
) -> None:
    periods = deliver(served.generated).periods
    with pytest.raises(SourceChanged) as error:
        extract(served.changed, periods, quarters)
    assert "Source 'pnl'" in str(error.value)
    assert "Run: finsync run" in str(error.value)
