"""The IO manager in real Dagster runs: files by quarter, ranges as single runs, what is missing told."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from finsync_pipeline import frames
from finsync_pipeline.orchestration.io_manager import PARTITION_COLUMN, parquet_io_manager
from finsync_pipeline.storage.parquet import ParquetFiles

QUARTERS = dg.TimeWindowPartitionsDefinition(
    cron_schedule="0 0 1 1,4,7,10 *", start="2009-01-01", end="2010-04-01", fmt="%Y-%m-%d", timezone="UTC"
)
KEYS = ["2009-01-01", "2009-04-01", "2009-07-01", "2009-10-01", "2010-01-01"]
SCHEMA = pa.schema([("day", pa.date32()), ("text", pa.string()), ("value", pa.float64())])
ROWS = [
    {"day": date(2009, 12, 31), "text": "a", "value": 1.5},
    {"day": date(2009, 3, 31), "text": None, "value": 2.0},
    {"day": date(2009, 10, 1), "text": "é", "value": None},
    {"day": date(2010, 1, 31), "text": "b", "value": 3.0},
]
PARTITIONED: dict[str, Any] = {"partitions_def": QUARTERS, "backfill_policy": dg.BackfillPolicy.single_run()}


def rows_between(first: str, last: str) -> pd.DataFrame:
    ends = dict(zip(KEYS, [*KEYS[1:], "2010-04-01"], strict=True))
    return frames.frame_of([row for row in ROWS if first <= str(row["day"]) < ends[last]], SCHEMA)


@dg.asset(key=["pnl", "facts"], metadata={PARTITION_COLUMN: "day"}, **PARTITIONED)
def facts(context: dg.AssetExecutionContext) -> pd.DataFrame:
    return rows_between(context.partition_keys[0], context.partition_keys[-1])


@dg.asset
def companies() -> pd.DataFrame:
    return frames.frame_of([{"text": "a"}], pa.schema([("text", pa.string())]))


def run(assets: list[Any], folder: Path, first: str | None = None, last: str | None = None) -> Any:
    """Materialize the assets in one real run: of no partition, of one, or of a range."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last} if last else {}
    return dg.materialize(
        assets,
        resources={"io_manager": parquet_io_manager(str(folder))},
        partition_key=None if last else first,
        tags={key: str(value) for key, value in tags.items()},
        raise_on_error=True,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def table(folder: Path, key: str) -> pa.Table:
    return frames.to_arrow(pd.read_parquet(folder / "pnl" / "facts" / f"{key}.parquet", dtype_backend="pyarrow"))


def test_a_table_without_partitions_is_one_file(tmp_path: Path) -> None:
    run([companies], tmp_path)
    assert list(files(tmp_path)) == ["companies.parquet"]


def test_a_run_cannot_say_where_tables_are_written(tmp_path: Path) -> None:
    elsewhere = tmp_path / "published"
    with pytest.raises(dg.DagsterInvalidConfigError, match="folder"):
        dg.materialize(
            [companies],
            resources={"io_manager": parquet_io_manager(str(tmp_path / "tables"))},
            run_config={"resources": {"io_manager": {"config": {"folder": str(elsewhere)}}}},
        )
    assert not elsewhere.exists()


def test_a_range_writes_one_file_for_each_quarter_with_its_rows(tmp_path: Path) -> None:
    run([facts], tmp_path, KEYS[0], KEYS[-1])
    assert sorted(files(tmp_path)) == [f"pnl/facts/{key}.parquet" for key in KEYS]
    texts = {key: table(tmp_path, key)["text"].to_pylist() for key in KEYS}
    assert texts == dict(zip(KEYS, [[None], [], [], ["a", "é"], ["b"]], strict=True))


def test_a_quarter_without_rows_is_an_empty_table_of_the_same_columns(tmp_path: Path) -> None:
    run([facts], tmp_path, KEYS[0], KEYS[1])
    run([facts], tmp_path, KEYS[2])
    for key in KEYS[:3]:
        assert table(tmp_path, key).schema == SCHEMA
    assert [table(tmp_path, key).num_rows for key in KEYS[:3]] == [1, 0, 0]


def test_a_range_and_its_quarters_one_by_one_are_the_same_bytes(tmp_path: Path) -> None:
    run([facts], tmp_path / "range", KEYS[0], KEYS[-1])
    for key in reversed(KEYS):
        run([facts], tmp_path / "single", key)
    assert files(tmp_path / "range") == files(tmp_path / "single")


@pytest.mark.parametrize(
    ("day", "said"),
    [(date(2009, 12, 31), "rows of 2009-10-01 in a run of 2009-01-01"), (None, "rows of no date")],
)
def test_a_row_of_no_quarter_of_the_run_fails_it_and_nothing_is_written(tmp_path: Path, day: date, said: str) -> None:
    @dg.asset(key=["pnl", "facts"], metadata={PARTITION_COLUMN: "day"}, **PARTITIONED)
    def strange() -> pd.DataFrame:
        return frames.frame_of([{"day": date(2009, 1, 31)}, {"day": day}], SCHEMA)

    with pytest.raises(ValueError, match=f"{said}.* would be lost"):
        run([strange], tmp_path, KEYS[0], KEYS[1])
    assert files(tmp_path) == {}


def reading(kind: Any, seen: list[Any], is_partitioned: bool = True) -> Any:
    @dg.asset(
        ins={"facts": dg.AssetIn(["pnl", "facts"], dagster_type=kind)},
        metadata={PARTITION_COLUMN: "day"},
        **(PARTITIONED if is_partitioned else {}),
    )
    def reader(facts: Any) -> None:
        seen.append(facts)

    return reader


def test_a_range_is_read_as_one_frame_in_the_order_of_quarters(tmp_path: Path) -> None:
    seen: list[Any] = []
    run([facts, reading(pd.DataFrame, seen)], tmp_path, KEYS[0], KEYS[-1])
    assert frames.to_arrow(seen[0]).schema == SCHEMA
    assert seen[0]["text"].fillna("-").tolist() == ["-", "a", "é", "b"]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (KEYS[1], None, "pnl/facts: was never materialized for 2009-04-01. Materialize it first"),
        (
            KEYS[0],
            KEYS[2],
            "pnl/facts: was never materialized for 2009-04-01, 2009-07-01. Materialize it first",
        ),
        (KEYS[0], KEYS[4], "for 2009-04-01, 2009-07-01, 2009-10-01 and more. Materialize it first"),
    ],
)
def test_a_table_that_was_never_made_is_named_with_its_quarters(
    tmp_path: Path, first: str, last: str | None, said: str
) -> None:
    run([facts], tmp_path, KEYS[0])
    with pytest.raises(dg.Failure) as error:
        run_reader_alone(reading(pd.DataFrame, []), tmp_path, first, last)
    assert said in str(error.value.description)


def test_a_table_without_partitions_that_was_never_made_is_named(tmp_path: Path) -> None:
    @dg.asset
    def reader(companies: pd.DataFrame) -> None: ...

    with pytest.raises(dg.Failure) as error:
        run([reader, dg.AssetSpec("companies")], tmp_path)
    assert str(error.value.description).startswith("companies: was never materialized. Materialize it first")


def test_an_input_of_files_says_which_are_there_and_which_are_not(tmp_path: Path) -> None:
    seen: list[ParquetFiles] = []
    run([facts], tmp_path, KEYS[0])
    run([facts], tmp_path, KEYS[3])
    run_reader_alone(reading(ParquetFiles, seen), tmp_path, KEYS[0], KEYS[-1])
    run_reader_alone(reading(ParquetFiles, seen, is_partitioned=False), tmp_path)
    there = [tmp_path / "pnl" / "facts" / f"{key}.parquet" for key in (KEYS[0], KEYS[3])]
    assert seen == [ParquetFiles(there, [KEYS[1], KEYS[2], KEYS[4]])] * 2


def test_a_second_run_replaces_the_quarter_and_leaves_nothing_beside(tmp_path: Path) -> None:
    run([facts], tmp_path, KEYS[3])
    before = files(tmp_path)
    run([facts], tmp_path, KEYS[3])
    assert files(tmp_path) == before
    assert list(before) == ["pnl/facts/2009-10-01.parquet"]


def run_reader_alone(reader: Any, folder: Path, first: str | None = None, last: str | None = None) -> None:
    run([reader, dg.AssetSpec(["pnl", "facts"], partitions_def=QUARTERS)], folder, first, last)
