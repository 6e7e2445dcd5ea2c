"""What all cells of a row share: company, length of period, currency, unit, and whether the row can be used."""

from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.identity.results import Status
from finsync_pipeline.statements.dates import readable_date
from finsync_pipeline.statements.deduplicate import certainty
from finsync_pipeline.statements.mapping import Dates, SourceMapping, ValueColumn
from finsync_pipeline.statements.validate import failing, row_schema


def with_row_ids(raw: pd.DataFrame) -> pd.DataFrame:
    """The raw rows with `finsync_row`: the place of each in the frame, which is also its index."""
    places = pd.Series(range(len(raw)), dtype=pd.ArrowDtype(pa.int64()))
    return raw.reset_index(drop=True).assign(finsync_row=places)


def source_names(raw: pd.DataFrame, mapping: SourceMapping, earlier: pd.DataFrame | None = None) -> pd.DataFrame:
    """The distinct companies that the rows name, and those of rows delivered earlier, as the source writes them.

    Columns: source_name, supporting_columns (JSON of their cells, or null), period_end, row_count (only of `raw`), and
    kind: what the mapping declares that the column holds, or null.
    """
    named = _named_companies(raw, mapping)
    names = frames.query(
        """
        SELECT * EXCLUDE (rows), sum(rows)::BIGINT AS row_count
        FROM (SELECT *, 1 AS rows FROM named UNION ALL SELECT *, 0 FROM earlier)
        GROUP BY ALL ORDER BY ALL
        """,
        named=named,
        earlier=named.head(0) if earlier is None else _named_companies(earlier, mapping),
    )
    return names.assign(kind=read_column(names, mapping.company.kind, pa.string()))


def read_rows(raw: pd.DataFrame, company_ids: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """One line per raw row (`with_row_ids`), in its order.

    Columns: finsync_row, row_key, period_end, data_version, months, currency, exponent (power of ten of
    money), known_since, first_seen, company_id, name (of the company, however it is written, with its supporting
    columns), decision (a number for each decision on a name) and its certainty, and `reason`: why the row cannot be
    used, or null. What could not be read is null. Raises DataError if a usable row names its company as `company_ids`
    do not.
    """
    rows = frames.query(
        f"""
        SELECT
            finsync_row, row_key, rows.period_end, data_version, months, currency, exponent, known_since, first_seen,
            ids.company_id, ids.name, ids.decision, ids.certainty,
            CASE
                WHEN schema_reason IS NOT NULL THEN schema_reason
                WHEN {mapping.months is not None} AND months IS NULL THEN 'length_unknown'
                WHEN currency IS NULL THEN 'currency_unknown'
                WHEN exponent IS NULL THEN 'scale_unknown'
                WHEN known_since IS NULL AND has_known_since THEN 'known_since_unreadable'
                WHEN known_since > first_seen THEN 'known_since_after_delivery'
                WHEN has_known_since AND known_since < rows.period_end - {mapping.period_end.snap_days}
                    THEN 'known_since_before_period_end'
                WHEN ids.status IS NULL THEN 'undecided'
                WHEN ids.status <> '{Status.ACCEPTED}' THEN 'company_' || ids.status
            END AS reason
        FROM rows
        LEFT JOIN ids
            ON rows.source_name IS NOT DISTINCT FROM ids.source_name
            AND rows.supporting_columns IS NOT DISTINCT FROM ids.supporting_columns
            AND rows.period_end = ids.period_end
        ORDER BY finsync_row
        """,
        rows=_read_columns(raw, mapping),
        ids=_decisions(company_ids),
    )
    if (rows["reason"] == "undecided").any():
        raise DataError(
            f"made of other rows than {mapping.name}/raw, so it does not decide all companies that these name",
            f"Materialize {mapping.name} (all assets of the group) for these quarters again",
            where=f"{mapping.name}/company_ids",
        )
    return rows


def _decisions(company_ids: pd.DataFrame) -> pd.DataFrame:
    """The decisions with a number each, how certain they are, and the name without punctuation, case, leading zeros."""
    certainties = frames.map_unique(company_ids["method"], certainty, pa.int64())
    return frames.query(
        """
        SELECT
            source_name, supporting_columns, period_end, status, company_id, certainty,
            row_number() OVER (ORDER BY period_end, source_name, supporting_columns) AS decision,
            ltrim(regexp_replace(lower(source_name), '[^\\p{L}\\p{N}&]', '', 'g'), '0')
                || coalesce(supporting_columns, '') AS name
        FROM ids
        """,
        ids=company_ids.assign(certainty=certainties),
    )


def _named_companies(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    supporting = mapping.company.supporting_columns
    cells = raw[list(supporting.values())].set_axis(list(supporting), axis="columns")
    return pd.DataFrame(
        {
            "source_name": raw[mapping.company.column],
            "supporting_columns": frames.rows_as_json(cells) if supporting else read_column(raw, None, pa.string()),
            "period_end": raw["finsync_period_end"],
        }
    )


def _read_columns(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """What the mapping declares of the rows, each column read once; null where it cannot be read."""
    known_since = mapping.known_since
    return _named_companies(raw, mapping).assign(
        finsync_row=raw["finsync_row"],
        row_key=raw[mapping.row_key],
        data_version=raw["finsync_data_version"],
        months=read_column(raw, mapping.months, pa.int64()),
        currency=read_column(raw, mapping.currency, pa.string()),
        exponent=read_column(raw, mapping.scale, pa.int64()),
        known_since=raw["finsync_first_seen"] if known_since is None else read_column(raw, known_since, pa.date32()),
        first_seen=raw["finsync_first_seen"],
        has_known_since=known_since is not None and raw[known_since.column].str.strip().fillna("") != "",
        schema_reason=_schema_reasons(raw, mapping),
    )


def read_column(raw: pd.DataFrame, declared: Any, dtype: pa.DataType) -> "pd.Series[Any]":
    """The readings of the declared column, or the declared constant in every row."""
    if isinstance(declared, ValueColumn):
        return frames.map_unique(raw[declared.column], declared.read, dtype)
    if isinstance(declared, Dates):
        return frames.map_unique(raw[declared.column], lambda text: readable_date(text, declared), dtype)
    return pd.Series(declared, index=raw.index, dtype=pd.ArrowDtype(dtype))


def _schema_reasons(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    """`repeated_row` for later copies of a row, `schema:<check>` for rows that break a check."""
    delivered = [column for column in raw.columns if not column.startswith("finsync_")]
    repeated = raw.duplicated(subset=delivered, keep="first")
    reasons = read_column(raw, None, pa.string()).mask(repeated, "repeated_row")
    broken = failing(row_schema(mapping), raw[~repeated].drop(columns="finsync_row"))
    reasons[broken.index] = broken["reason"]
    return reasons
