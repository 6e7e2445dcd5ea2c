"""From raw rows and decided companies to facts, texts and rejects: each cell in one place, or empty."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.statements.deduplicate import contradicted, supersede, withdraw
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.numbers import number_parts_sql, number_sql
from finsync_pipeline.statements.reasons import REASONS
from finsync_pipeline.statements.row_context import read_rows, with_row_ids
from finsync_pipeline.statements.tables import FACTS, REJECTS, TEXTS, VERSIONS, Table, raw_table
from finsync_pipeline.statements.validate import failing


@dataclass(frozen=True)
class StandardizedTables:
    """What became of the rows: tables FACTS, TEXTS, REJECTS and VERSIONS of `statements.tables`."""

    facts: pd.DataFrame
    texts: pd.DataFrame
    rejects: pd.DataFrame
    versions: pd.DataFrame


@dataclass(frozen=True)
class _Readings:
    """Rows (`read_rows`), their delivered cells, and what the cells of usable rows were read as."""

    rows: pd.DataFrame
    cells: pd.DataFrame
    readings: pd.DataFrame

    @property
    def usable_rows(self) -> pd.DataFrame:
        """The rows without a reason."""
        return self.rows[self.rows["reason"].isna()]

    @property
    def usable(self) -> pd.DataFrame:
        """The readings of usable rows."""
        return self.readings[self.readings["finsync_row"].isin(self.usable_rows["finsync_row"])]


def standardize(
    raw: pd.DataFrame, company_ids: pd.DataFrame, mapping: SourceMapping, earlier: pd.DataFrame | None = None
) -> StandardizedTables:
    """Read every cell of the raw rows by the mapping.

    `raw` has the mapping's columns as text and the bookkeeping columns of `tables.RAW_BOOKKEEPING`; `earlier` are rows
    that the source no longer delivers (`tables.earlier_raw_table`), of which only versions are made; `company_ids` is a
    table COMPANY_IDS with the decisions for all these rows. Raises pandera's SchemaErrors if `raw` has other columns,
    DataError if `company_ids` were made of other rows.
    """
    raw = with_row_ids(raw)
    read = _read(raw, company_ids, mapping)
    decided = supersede(read.usable)
    if mapping.blank_means == "withdrawn":
        decided = withdraw(decided, read.usable_rows)
    return StandardizedTables(
        facts=_used(decided[~decided["is_text"]], FACTS, mapping),
        texts=_used(decided[decided["is_text"]], TEXTS, mapping),
        rejects=_rejects(raw, read.rows, read.cells, decided, mapping),
        versions=_versions(decided, raw.head(0) if earlier is None else earlier, company_ids, mapping),
    )


def _read(raw: pd.DataFrame, company_ids: pd.DataFrame, mapping: SourceMapping) -> _Readings:
    cells = delivered_cells(raw, mapping)
    rows = read_rows(raw, company_ids, mapping)
    rows = _add_reason(rows, "row_without_values", ~rows["finsync_row"].isin(cells["finsync_row"]))
    readings = _reject_beyond_bounds(_read_cells(cells, rows, mapping))
    rows = _add_reason(rows, "company_contradicted", rows["decision"].isin(contradicted(readings)))
    return _Readings(rows, cells, readings)


def _versions(
    decided: pd.DataFrame, earlier: pd.DataFrame, company_ids: pd.DataFrame, mapping: SourceMapping
) -> pd.DataFrame:
    """The table VERSIONS: what the rows give now, and what rows of earlier deliveries gave."""
    given = [decided]
    for day, rows in earlier.groupby("finsync_replaced_on") if len(earlier) else ():
        # Those of one delivery, in which a key stands for one row
        readings = _read(with_row_ids(raw_table(mapping).conform(rows)), company_ids, mapping).usable
        given.append(readings.assign(replaced_on=pd.Series(day, readings.index, readings["replaced_on"].dtype)))
    versions = frames.query(_VERSIONS_SQL, given=pd.concat(given, ignore_index=True))
    return VERSIONS.conform(versions.assign(source=mapping.name))


def rejected_rows(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The table REJECTS of rows that are rejected as a whole, before their cells are read, in their order.

    `raw` is as for `standardize`, with the code of the reason in `finsync_reason`; `finsync_period_end` may be null.
    """
    raw = with_row_ids(raw)
    no_day = pd.Series(pd.NA, raw.index, pd.ArrowDtype(pa.date32()))
    rows = raw[["finsync_row"]].assign(row_key=raw[mapping.row_key], reason=raw["finsync_reason"], known_since=no_day)
    no_cells = frames.frame_of([], _REJECTED_CELLS)
    return _rejects(raw, rows, delivered_cells(raw, mapping), no_cells, mapping)


_REJECTED_CELLS = pa.schema(
    {"finsync_row": pa.int64(), "known_since": pa.date32()}
    | dict.fromkeys(
        ("row_key", "item", "source_column", "reason", "raw_text", "other_row_key", "other_raw_text"), pa.string()
    )
)


def delivered_cells(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The cells of the raw rows (`with_row_ids`) that hold a value: finsync_row, source_column, raw_text, text
    (without blanks around it).

    Null, nothing but blanks, and the mapping's null words are no value.
    """
    columns = ", ".join(frames.quoted(column) for column in mapping.item_of_column)
    null_words = [{"word": word} for word in ("", *mapping.numbers.null_words)]
    return frames.query(
        f"""
        SELECT finsync_row, source_column, raw_text, trim(raw_text, {BLANKS}) AS text
        FROM (
            UNPIVOT (SELECT finsync_row, {columns} FROM raw) ON {columns}
            INTO NAME source_column VALUE raw_text
        )
        WHERE trim(raw_text, {BLANKS}) NOT IN (SELECT word FROM null_words)
        ORDER BY finsync_row, source_column
        """,
        raw=raw,
        null_words=frames.frame_of(null_words, pa.schema({"word": pa.string()})),
    )


# Space, tab, line feed, carriage return, no-break space.
BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


def _add_reason(rows: pd.DataFrame, reason: str, is_concerned: "pd.Series[Any]") -> pd.DataFrame:
    """The rows with this reason where they are concerned and have none yet."""
    return rows.assign(reason=rows["reason"].mask(is_concerned & rows["reason"].isna(), reason))


def _read_cells(cells: pd.DataFrame, rows: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The cells of usable rows with `value` or `text`; `reason` where a number could not be read.

    The other columns, empty here, say what becomes of a reading: another row that counts, days of its withdrawal, or of
    the first delivery without its row.
    """
    placed = frames.query(
        """
        SELECT
            cells.*, declared.item, declared.kind, declared.sign,
            CASE
                WHEN declared.kind = 'text' THEN 0 ELSE coalesce(declared.exponent, rows.exponent)
            END AS exponent,
            CASE WHEN declared.kind = 'instant' THEN 0 ELSE coalesce(rows.months, 0) END AS months,
            rows.company_id, rows.name, rows.decision, rows.certainty,
            rows.period_end, rows.currency, rows.row_key, rows.data_version, rows.known_since, rows.first_seen
        FROM cells
        JOIN rows USING (finsync_row)
        JOIN declared USING (source_column)
        WHERE rows.reason IS NULL
        """,
        cells=cells,
        rows=rows,
        declared=_declared_columns(mapping),
    )
    return frames.query(
        f"""
        SELECT
            * EXCLUDE (exponent, sign, kind),
            kind = 'text' AS is_text,
            CASE WHEN kind <> 'text' AND value IS NULL THEN 'not_a_number' END AS reason,
            NULL::VARCHAR AS other_row_key, NULL::VARCHAR AS other_raw_text,
            NULL::DATE AS withdrawn_since, NULL::DATE AS withdrawn_seen, NULL::DATE AS replaced_on
        FROM (
            SELECT * EXCLUDE (parts), {number_sql(mapping.numbers, "parts", "exponent", "sign")} AS value
            FROM (SELECT *, {number_parts_sql(mapping.numbers, "text")} AS parts FROM cells)
        )
        """,
        cells=placed,
    )


def _declared_columns(mapping: SourceMapping) -> pd.DataFrame:
    """Per mapped column: item, kind, sign, and power of ten, null if each row has its own."""
    text, count = pa.string(), pa.int64()
    rows = [
        {
            "source_column": declared.column,
            "item": item,
            "kind": ITEMS[item].kind,
            "sign": declared.sign,
            "exponent": mapping.exponent_of(item),
        }
        for item, declared in mapping.items.items()
    ]
    schema = pa.schema({"source_column": text, "item": text, "kind": text, "sign": count, "exponent": count})
    return frames.frame_of(rows, schema)


def _reject_beyond_bounds(readings: pd.DataFrame) -> pd.DataFrame:
    """Reject the readings that break a check on values of the table FACTS."""
    numbers = readings[~readings["is_text"] & readings["value"].notna()]
    broken = failing(FACTS.pandera.select_columns(["value"]), numbers[["value"]])
    reasons = readings["reason"].copy()
    reasons[broken.index] = broken["reason"]
    return readings.assign(reason=reasons)


def _used(decided: pd.DataFrame, table: Table, mapping: SourceMapping) -> pd.DataFrame:
    used = decided[decided["reason"].isna()].assign(source=mapping.name)
    keys = ["company_id", "item", "period_end", "months", "row_key"]
    return table.conform(used.sort_values(keys, ignore_index=True))


def _rejects(
    raw: pd.DataFrame, rows: pd.DataFrame, cells: pd.DataFrame, decided: pd.DataFrame, mapping: SourceMapping
) -> pd.DataFrame:
    """Rejected and superseded rows (with all their cells), then cells."""
    unused = rows[rows["reason"].notna()]
    whole = raw[raw["finsync_row"].isin(unused["finsync_row"])]
    rejects = frames.query(
        _REJECTS_SQL,
        raw=raw[["finsync_row", "finsync_period_end"]],
        unused=unused,
        whole=whole[["finsync_row"]].assign(raw_text=frames.rows_as_json(whole[mapping.columns])),
        cells=cells,
        decided=decided,
        reasons=frames.frame_of(
            [{"reason": reason.code, "stage": reason.stage, "outcome": reason.outcome} for reason in REASONS.values()],
            pa.schema({"reason": pa.string(), "stage": pa.string(), "outcome": pa.string()}),
        ),
    )
    return REJECTS.conform(rejects.assign(source=mapping.name))


_VERSIONS_SQL = files(__package__).joinpath("versions.sql").read_text(encoding="utf-8")
_REJECTS_SQL = """
    WITH places AS (
        SELECT
            finsync_row, quarter,
            row_number() OVER (PARTITION BY quarter ORDER BY finsync_row) - 1 AS row_number
        FROM (SELECT finsync_row, date_trunc('quarter', finsync_period_end)::DATE AS quarter FROM raw)
    ),
    rejected AS (
        SELECT
            finsync_row, row_key, NULL::VARCHAR AS item, NULL::VARCHAR AS source_column, reason, whole.raw_text,
            (SELECT count(*) FROM cells WHERE cells.finsync_row = unused.finsync_row) AS cells,
            known_since, NULL::VARCHAR AS other_row_key, NULL::VARCHAR AS other_raw_text
        FROM unused JOIN whole USING (finsync_row)
        UNION ALL
        SELECT
            finsync_row, row_key, item, source_column, reason, raw_text, 1, known_since, other_row_key, other_raw_text
        FROM decided WHERE reason IS NOT NULL
    )
    SELECT
        quarter, row_key, row_number, item, source_column AS "column", outcome, stage, reason, raw_text, cells,
        known_since, other_row_key, other_raw_text
    FROM rejected JOIN places USING (finsync_row) JOIN reasons USING (reason)
    ORDER BY quarter, row_number, item NULLS FIRST
"""
