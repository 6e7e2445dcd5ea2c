"""The raw rows that a release keeps, so that each of its numbers leads back to the very text that a source delivered.

A release holds for each source the tables `raw_<source>`, the rows that its facts, texts and rejects were made of, and
`earlier_raw_<source>`, those that the source delivered before. Its manifest holds the mappings by which they were read.
All of it lies in the release itself: what writes, verifies or removes a release does so with its raw rows, and no later
delivery, run or change of a mapping touches them. `serving.trace` reads them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from finsync_pipeline import frames
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.release import read_release
from finsync_pipeline.publishing.staleness import labels, run_command
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import earlier_raw_table, raw_table


@dataclass(frozen=True)
class KeptRows:
    """What a release keeps of one source.

    `tables` has `raw_<source>` and `earlier_raw_<source>`; `mappings` the `SourceMapping.content` by its hash;
    `missing` the quarters whose raw rows are no longer there.
    """

    tables: dict[str, pd.DataFrame]
    mappings: dict[str, dict[str, Any]]
    missing: list[date]


def kept_rows(
    mapping: SourceMapping,
    raw: Sequence[Path],
    earlier: Sequence[Path],
    ledger: pd.DataFrame,
    before: Path | None,
    may_be_missing: bool,
) -> KeptRows:
    """The raw rows of which the quarters in the ledger (table LEDGER, of one source) were made.

    `raw` and `earlier` are the stored files of the source, one for each quarter, and `before` is the folder of the
    current release. Where a source has delivered other rows since the facts were made, those that they were made of are
    in that release. Raises PublicationError if they are in neither, and `may_be_missing` is false.
    """
    mappings = _mappings(mapping, ledger, before)
    stored = {date.fromisoformat(file.stem): file for file in raw}
    found: list[pa.Table] = [raw_table(mapping).arrow.empty_table()]
    missing: list[date] = []
    for line in ledger[ledger["rows_in"] > 0].to_dict("records"):
        columns = _columns(mappings.get(line["mapping_hash"]))
        candidates = _candidates(stored.get(line["quarter"]), before, mapping.name, line["quarter"])
        rows = next((rows for rows in candidates if _fits(rows, line, columns)), None)
        if rows is None:
            missing.append(line["quarter"])
        else:
            found.append(rows)
    if missing and not may_be_missing:
        raise PublicationError(
            f"the stored raw rows of {labels(missing)} are not those that its facts were made of",
            f"Run: {run_command(missing)}; or publish without these rows: finsync release --allow-missing "
            f"{mapping.name}",
            f"Source {mapping.name!r}",
        )
    replaced = [earlier_raw_table(mapping).arrow.empty_table(), *map(_read, earlier)]
    tables = {raw_name(mapping.name): _sorted(found, mapping), earlier_name(mapping.name): _sorted(replaced, mapping)}
    return KeptRows(tables, mappings, missing)


def raw_name(source: str) -> str:
    """The name of the table of a release with the raw rows of the source."""
    return f"raw_{source}"


def earlier_name(source: str) -> str:
    """The name of the table of a release with the raw rows that the source delivered before."""
    return f"earlier_raw_{source}"


def _mappings(mapping: SourceMapping, ledger: pd.DataFrame, before: Path | None) -> dict[str, dict[str, Any]]:
    """The mappings by which the quarters were read: that of now, and those that the release before knows."""
    known = read_release(before).manifest["sources"].get(mapping.name, {}).get("mappings", {}) if before else {}
    known |= {mapping.hash: mapping.content}
    return {each: known[each] for each in sorted(ledger["mapping_hash"].unique()) if each in known}


def _columns(content: Mapping[str, Any] | None) -> list[str]:
    """The columns that a mapping names; none of an unknown one, or of one that this FinSync cannot read."""
    try:
        return SourceMapping.of_content(content).columns if content else []
    except ValidationError:
        return []


def _candidates(stored: Path | None, before: Path | None, source: str, quarter: date) -> Iterator[pa.Table]:
    """The stored raw rows of the quarter, then those of it in the release before."""
    if stored is not None:
        yield _read(stored)
    if before is not None and (file := before / f"{raw_name(source)}.parquet").exists():
        kept = _read(file)
        quarters = pc.floor_temporal(kept["finsync_period_end"], unit="quarter")
        yield kept.filter(pc.equal(quarters, pa.scalar(quarter, pa.date32())))


def _fits(rows: pa.Table, line: Mapping[Any, Any], columns: Sequence[str]) -> bool:
    """Whether the rows are as many, of the same data version, and with the same columns as those that were counted."""
    versions = rows["finsync_data_version"].unique().to_pylist()
    counted = len(rows) == line["rows_in"] and versions == [line["data_version"]]
    return counted and {*columns} <= {*rows.column_names}


def _read(file: Path) -> pa.Table:
    return pq.ParquetFile(file).read()


def _sorted(parts: Sequence[pa.Table], mapping: SourceMapping) -> pd.DataFrame:
    """The rows of all parts, those of a company and period together, so that few pages are read to find them."""
    rows = pa.concat_tables(parts, promote_options="default")
    first = [mapping.company.column, "finsync_period_end", mapping.row_key]
    order = ", ".join(frames.quoted(name) for name in dict.fromkeys([*first, *rows.column_names]))
    return frames.query(f"SELECT * FROM rows ORDER BY {order}", rows=frames.from_arrow(rows))
