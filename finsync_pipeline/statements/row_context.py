"""What a row says of all its cells: company, length of period, currency, unit, and if it can be used."""

import json
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.identity.results import Status
from finsync_pipeline.statements.dates import UnreadableDate, read_date
from finsync_pipeline.statements.deduplicate import certainty
from finsync_pipeline.statements.mapping import (
    CurrencyColumn,
    Dates,
    LengthColumn,
    ScaleColumn,
    SourceMapping,
)
from finsync_pipeline.statements.validate import failing, row_schema


class DecisionsOutdated(ValueError):
    """Rows name companies that the decisions know nothing of; the message says what to materialize again."""


REPEATED = "repeated_row"


def numbered(raw: pd.DataFrame) -> pd.DataFrame:
    """The raw rows with `finsync_row`: the place of each in the frame, which is also its index."""
    places = pd.Series(range(len(raw)), dtype=pd.ArrowDtype(pa.int64()))
    return raw.reset_index(drop=True).assign(finsync_row=places)


def company_spellings(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The distinct things that the rows say of their company.

    Columns: spelling, evidence (JSON of the declared cells, or null), period_end, row_count, and kind: what the mapping
    says that the column holds, or null.
    """
    said = _company_said(raw, mapping)
    spellings = frames.query(
        "SELECT spelling, evidence, period_end, count(*) AS row_count FROM said GROUP BY ALL ORDER BY ALL",
        said=said,
    )
    return spellings.assign(kind=_constant(spellings, mapping.company.kind, pa.string()))


def read_rows(raw: pd.DataFrame, company_ids: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """One line per raw row (`numbered`), in its order.

    Columns: finsync_row, row_key, period_end, data_version, months, currency, exponent (power of ten of
    money), known_since, company_id, name (of the company, however it is written, with its evidence), decision (a
    number for each decision on a name) and its certainty, and `reason`: why the row cannot be used, or null. What could
    not be read is null. Raises DecisionsOutdated if a usable row names its company as `company_ids` do not.
    """
    judged = frames.query(
        f"""
        SELECT
            finsync_row, row_key, rows.period_end, data_version, months, currency, exponent, known_since,
            ids.company_id, ids.name, ids.decision, ids.certainty,
            CASE
                WHEN schema_reason IS NOT NULL THEN schema_reason
                WHEN {mapping.months is not None} AND months IS NULL THEN 'length_unknown'
                WHEN currency IS NULL THEN 'currency_unknown'
                WHEN exponent IS NULL THEN 'scale_unknown'
                WHEN known_since IS NULL AND says_known_since THEN 'known_since_unreadable'
                WHEN ids.status IS NULL THEN 'undecided'
                WHEN ids.status <> '{Status.ACCEPTED}' THEN 'company_' || ids.status
            END AS reason
        FROM rows
        LEFT JOIN ids
            ON rows.spelling IS NOT DISTINCT FROM ids.spelling
            AND rows.evidence IS NOT DISTINCT FROM ids.evidence
            AND rows.period_end = ids.period_end
        ORDER BY finsync_row
        """,
        rows=_cells_of_rows(raw, mapping),
        ids=_decisions(company_ids),
    )
    if (judged["reason"] == "undecided").any():
        raise DecisionsOutdated(
            f"{mapping.name}/company_ids were made of other rows than {mapping.name}/raw, which spells a company as "
            f"was never decided. Materialize {mapping.name} (all assets of the group) for these quarters again."
        )
    return judged


def _cells_of_rows(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    return _company_said(raw, mapping).assign(
        finsync_row=raw["finsync_row"],
        row_key=raw[mapping.row_key],
        data_version=raw["finsync_data_version"],
        months=_lengths(raw, mapping),
        currency=_currencies(raw, mapping),
        exponent=_exponents(raw, mapping),
        known_since=_known_since(raw, mapping),
        schema_reason=_schema_reasons(raw, mapping),
        says_known_since=_says_known_since(raw, mapping),
    )


def _decisions(company_ids: pd.DataFrame) -> pd.DataFrame:
    """The decisions with a number each, how certain they are, and the name without punctuation, case, leading zeros."""
    certainties = frames.by_distinct(company_ids["method"], certainty, pa.int64())
    return frames.query(
        """
        SELECT
            spelling, evidence, period_end, status, company_id, certainty,
            row_number() OVER (ORDER BY period_end, spelling, evidence) AS decision,
            ltrim(regexp_replace(lower(spelling), '[^\\p{L}\\p{N}&]', '', 'g'), '0') || coalesce(evidence, '') AS name
        FROM ids
        """,
        ids=company_ids.assign(certainty=certainties),
    )


def _company_said(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "spelling": raw[mapping.company.column],
            "evidence": _evidence(raw, mapping.company.evidence),
            "period_end": raw["finsync_period_end"],
        }
    )


def _evidence(raw: pd.DataFrame, declared: dict[str, str]) -> "pd.Series[Any]":
    dtype = pd.ArrowDtype(pa.string())
    if not declared:
        return pd.Series(pd.NA, index=raw.index, dtype=dtype)
    cells = raw[list(declared.values())].itertuples(index=False)
    texts = [json.dumps(dict(zip(declared, row, strict=True)), ensure_ascii=False, default=_null) for row in cells]
    return pd.Series(texts, index=raw.index, dtype=dtype)


def _null(_: object) -> None:
    return None


def _constant(raw: pd.DataFrame, value: Any, dtype: pa.DataType) -> "pd.Series[Any]":
    return pd.Series(value, index=raw.index, dtype=pd.ArrowDtype(dtype))


def _lengths(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    if isinstance(mapping.months, LengthColumn):
        return frames.by_distinct(raw[mapping.months.column], mapping.months.read, pa.int64())
    return _constant(raw, mapping.months, pa.int64())


def _currencies(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    if isinstance(mapping.currency, CurrencyColumn):
        return frames.by_distinct(raw[mapping.currency.column], mapping.currency.read, pa.string())
    return _constant(raw, mapping.currency, pa.string())


def _exponents(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    if isinstance(mapping.scale, ScaleColumn):
        return frames.by_distinct(raw[mapping.scale.column], mapping.scale.read, pa.int64())
    return _constant(raw, mapping.scale, pa.int64())


def _known_since(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    declared = mapping.known_since
    if declared is None:
        return _constant(raw, None, pa.date32())

    def day(text: str, declared: Dates = declared) -> Any:
        try:
            return read_date(text, declared)
        except UnreadableDate:
            return None

    return frames.by_distinct(raw[declared.column], day, pa.date32())


def _says_known_since(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    if mapping.known_since is None:
        return _constant(raw, False, pa.bool_())
    return raw[mapping.known_since.column].str.strip().fillna("") != ""


def _schema_reasons(raw: pd.DataFrame, mapping: SourceMapping) -> "pd.Series[Any]":
    """`repeated_row` for later copies of a row, `schema:<check>` for rows that break a check."""
    delivered = [column for column in raw.columns if not column.startswith("finsync_")]
    repeated = raw.duplicated(subset=delivered, keep="first")
    reasons = pd.Series(pd.NA, index=raw.index, dtype=pd.ArrowDtype(pa.string()))
    reasons[repeated] = REPEATED
    broken = failing(row_schema(mapping), raw[~repeated].drop(columns="finsync_row"))
    reasons[broken.index] = broken["reason"]
    return reasons
