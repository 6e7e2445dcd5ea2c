"""The tables between the assets, each declared once: columns, types, descriptions and checks.

Pandera schemas, empty frames and the columns that the Dagster UI shows are all derived from here, and the
columns of the wide tables from the standard items.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.identity.results import Status
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS, TEXT_ITEMS
from finsync_pipeline.statements.mapping import LENGTHS, SourceMapping

VALUE_BOUND = 1e18  # so that a sum over a million sources still fits DECIMAL(38,6)

TEXT, DAY, COUNT, NUMBER = pa.string(), pa.date32(), pa.int64(), pa.float64()


@dataclass(frozen=True)
class Field:
    """A column: its Arrow type, what it holds, whether it may be empty, and the values that it is held to."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False
    allowed: tuple[Any, ...] | None = None
    bound: float | None = None
    pattern: str | None = None

    @property
    def pandera_column(self) -> pandera.Column:
        """The column of the Pandera schema with its checks, each named after what it demands."""
        checks = []
        if self.allowed is not None:
            checks.append(_named(f"{self.name}_is_known", pandera.Check.isin, self.allowed))
        if self.bound is not None:
            checks.append(_named(f"{self.name}_within_bounds", pandera.Check, _within(self.bound)))
        if self.pattern is not None:
            checks.append(_named(f"{self.name}_is_well_formed", pandera.Check.str_matches, self.pattern))
        return pandera.Column(pd.ArrowDtype(self.type), checks, nullable=self.nullable, description=self.description)


@dataclass(frozen=True)
class Table:
    """A table that one part hands to another."""

    name: str
    fields: tuple[Field, ...]

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema: columns in order, with their types."""
        return pa.schema([(field.name, field.type) for field in self.fields])

    @property
    def pandera(self) -> pandera.DataFrameSchema:
        """The Pandera schema: exactly these columns, types and checks."""
        columns = {field.name: field.pandera_column for field in self.fields}
        return pandera.DataFrameSchema(columns, name=self.name, strict=True, ordered=True)

    def frame(self, rows: Iterable[dict[str, Any]] = ()) -> pd.DataFrame:
        """A frame of this table from rows; without rows, an empty one."""
        return frames.frame_of(list(rows), self.arrow)

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame's columns of this table in its order and types, validated; a missing one is null."""
        given = frames.to_arrow(frame[[name for name in self.arrow.names if name in frame]])
        columns = [
            given[field.name].cast(field.type) if field.name in given.schema.names else pa.nulls(len(frame), field.type)
            for field in self.arrow
        ]
        return self.validate(frames.from_arrow(pa.table(columns, schema=self.arrow)))

    def validate(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame, if it holds to the schema. Raises pandera's SchemaErrors otherwise."""
        return self.pandera.validate(frame, lazy=True)


def _within(bound: float) -> Any:
    return lambda values: values.abs() < bound


def _named(name: str, check: Any, demand: Any) -> Any:
    """The check, told by this name: pandera tells its own checks by `error`, and others by `name`."""
    return check(demand, name=name, error=name)


_PROVENANCE = (
    Field("source", TEXT, "Source that delivered the row"),
    Field("row_key", TEXT, "Key of the row at its source"),
    Field("data_version", TEXT, "Version of the quarter's data at the source"),
    Field("known_since", DAY, "Day since which the row is known, where the source tells", nullable=True),
)
_COMPANY = Field("company_id", TEXT, "Company in the reference list")
_PERIOD_END = Field("period_end", DAY, "Last day of the period, snapped where the mapping says so")
_MONTHS = Field("months", COUNT, "Length of the period: 0 an instant, else 3, 6, 9, 12", allowed=(0, *LENGTHS))
_CURRENCY = Field("currency", TEXT, "ISO 4217 code", pattern=r"^[A-Z]{3}$")
_QUARTER = Field("quarter", DAY, "First day of the calendar quarter that the period ends in")

DELIVERY = Table(
    "delivery",
    (
        Field(
            "spelling",
            TEXT,
            "The period end as the source writes it; empty where there is none",
            nullable=True,
        ),
        Field("literal", TEXT, "The same as a literal in SQL"),
        Field("row_count", COUNT, "Rows with this spelling"),
        Field("content_hash", TEXT, "The service's hash over these rows, where it gives one", nullable=True),
        Field("period_end", DAY, "The day that the spelling means, snapped; empty if undated", nullable=True),
        Field("quarter", DAY, "First day of its calendar quarter; empty if undated", nullable=True),
        Field("reason", TEXT, "Why the spelling belongs to no quarter", nullable=True),
        Field("data_version", TEXT, "Version of the whole source"),
    ),
)

RAW_BOOKKEEPING = (
    Field("finsync_period_end", DAY, "The day that the row's period end means"),
    Field("finsync_data_version", TEXT, "Version of the quarter's data at the source"),
)


def raw_table(mapping: SourceMapping) -> Table:
    """The table of a source's raw rows: the mapping's columns as text, and FinSync's own."""
    delivered = (Field(name, TEXT, f"Column {name} as delivered", nullable=True) for name in mapping.columns)
    return Table("raw", (*delivered, *RAW_BOOKKEEPING))


COMPANIES = Table(
    "companies",
    (
        Field("company_id", TEXT, "Id that everything else uses"),
        Field("name", TEXT, "Usual name", nullable=True),
        Field("tickers", TEXT, "Tickers, separated by |", nullable=True),
        Field("cik", TEXT, "Central Index Keys of the SEC, separated by |", nullable=True),
        Field("lei", TEXT, "Legal Entity Identifiers, separated by |", nullable=True),
        Field("isin", TEXT, "ISINs, separated by |", nullable=True),
        Field("cusip", TEXT, "CUSIPs, separated by |", nullable=True),
        Field("country", TEXT, "ISO 3166 code of two letters, or what cannot be read as one", nullable=True),
    ),
)

COMPANY_ALIASES = Table(
    "company_aliases",
    (
        Field("company_id", TEXT, "Company in the reference list"),
        Field("alias", TEXT, "Another name or ticker"),
        Field("kind", TEXT, "What the alias is", allowed=("name", "ticker")),
        Field("valid_from", DAY, "First period end that it stands for; open if empty", nullable=True),
        Field("valid_to", DAY, "Last period end that it stands for; open if empty", nullable=True),
        Field("note", TEXT, "Why", nullable=True),
    ),
)

REVIEW_LINES = Table(
    "review_lines",
    (
        Field("source", TEXT, "Source whose rows it decides; empty: all", nullable=True),
        Field("spelling", TEXT, "The company as the source writes it"),
        Field(
            "evidence", TEXT, "Only rows with these cells beside it, as JSON; empty: whatever they are", nullable=True
        ),
        Field("company_id", TEXT, "The listed company that is meant, or reject"),
        Field("valid_from", DAY, "First period end that it decides; open if empty", nullable=True),
        Field("valid_to", DAY, "Last period end that it decides; open if empty", nullable=True),
        Field("who", TEXT, "Who decided it"),
        Field("when", DAY, "When"),
        Field("note", TEXT, "Why", nullable=True),
    ),
)

COMPANY_IDS = Table(
    "company_ids",
    (
        Field("source", TEXT, "Source that spells so"),
        Field("spelling", TEXT, "The company as the source writes it", nullable=True),
        Field("evidence", TEXT, "Declared cells of the same row, as JSON", nullable=True),
        Field("kind", TEXT, "What the source says that the column holds: ticker, cik, name, ...", nullable=True),
        _PERIOD_END,
        Field("row_count", COUNT, "Rows of the quarter with this spelling"),
        Field("status", TEXT, "Decision", allowed=tuple(map(str, Status))),
        Field("company_id", TEXT, "The listed company, if accepted", nullable=True),
        Field("method", TEXT, "How it was found; review: a person decided it", nullable=True),
        Field("steps", TEXT, "What was done to the spelling, or who reviewed it; empty if exact", nullable=True),
        Field("score", NUMBER, "Likeness to the company found, 0 to 100", nullable=True),
        Field("runner_up", TEXT, "The next best company", nullable=True),
        Field("runner_up_score", NUMBER, "Its likeness, 0 to 100", nullable=True),
        Field("precision", NUMBER, "Share of right decisions that is promised for this kind", nullable=True),
        Field("suggestion", TEXT, "The company that a person should look at first", nullable=True),
        Field("candidates", TEXT, "Companies to choose from, as JSON: [[company_id, score], ...]", nullable=True),
        Field("reference_version", TEXT, "Version of the reference list"),
        Field("review_version", TEXT, "Version of the review"),
    ),
)

IDENTITY_REVIEW = Table(
    "identity_review",
    (
        Field("source", TEXT, "Source that spells so"),
        Field("spelling", TEXT, "The company as the source writes it"),
        Field("evidence", TEXT, "Declared cells of the same row, as JSON", nullable=True),
        Field("company_id", TEXT, "To fill in: the company's id, or reject", nullable=True),
        Field("valid_from", TEXT, "To fill in, if you like: the first period end that it decides", nullable=True),
        Field("valid_to", TEXT, "To fill in, if you like: the last one", nullable=True),
        Field("who", TEXT, "To fill in: who decides it", nullable=True),
        Field("when", TEXT, "To fill in: the day, as 2026-01-31", nullable=True),
        Field("note", TEXT, "To fill in, if you like: why", nullable=True),
        Field("row_count", COUNT, "Rows with this spelling that are refused for it, or used and in doubt"),
        Field("first_period", DAY, "The earliest period end of them"),
        Field("last_period", DAY, "The latest of them"),
        Field("status", TEXT, "Why it is refused, or accepted; of several, that of the latest period"),
        Field("suggestion", TEXT, "The company to look at first", nullable=True),
        Field("suggestion_name", TEXT, "Its name", nullable=True),
        Field("candidates", TEXT, "Companies to choose from, with their likeness", nullable=True),
    ),
)

FACTS = Table(
    "facts",
    (
        _COMPANY,
        Field("item", TEXT, "Standard item", allowed=NUMERIC_ITEMS),
        _PERIOD_END,
        _MONTHS,
        _CURRENCY,
        Field("value", NUMBER, "The number, in units of the currency", bound=VALUE_BOUND),
        *_PROVENANCE,
    ),
)

TEXTS = Table(
    "texts",
    (
        _COMPANY,
        Field("item", TEXT, "Standard item of kind text", allowed=TEXT_ITEMS),
        _PERIOD_END,
        _MONTHS,
        Field("text", TEXT, "The text as delivered, without blanks around it"),
        *_PROVENANCE,
    ),
)

REJECTS = Table(
    "rejects",
    (
        Field("source", TEXT, "Source that delivered it"),
        Field("quarter", DAY, "Quarter of the row; empty if undated", nullable=True),
        Field("row_key", TEXT, "Key of the row at its source", nullable=True),
        Field("row_number", COUNT, "Number of the row within its quarter"),
        Field("item", TEXT, "Standard item of the cell; empty if the whole row is meant", nullable=True),
        Field("column", TEXT, "Column of the source", nullable=True),
        Field("outcome", TEXT, "refused or superseded", allowed=("refused", "superseded")),
        Field("stage", TEXT, "Where it was found"),
        Field("reason", TEXT, "Reason code"),
        Field("raw_text", TEXT, "The cell, or the whole row as JSON, as delivered", nullable=True),
        Field("cells", COUNT, "Cells with a value that this entry accounts for"),
    ),
)

LEDGER = Table(
    "ledger",
    (
        Field("source", TEXT, "Source"),
        _QUARTER,
        Field("data_version", TEXT, "Version of the quarter's data that was worked on"),
        Field("mapping_hash", TEXT, "Version of the mapping"),
        Field("rules", COUNT, "Version of the rules by which FinSync reads cells"),
        Field("reference_version", TEXT, "Version of the reference list that its companies were decided by"),
        Field("review_version", TEXT, "Version of the review that they were decided by"),
        Field("rows_in", COUNT, "Rows delivered"),
        Field("rows_used", COUNT, "Rows of which at least one cell is used"),
        Field("rows_refused", COUNT, "Rows of which no cell is used and that are not superseded"),
        Field("rows_superseded", COUNT, "Rows whose cells are given by other rows"),
        Field("cells_in", COUNT, "Cells of mapped item columns"),
        Field("cells_used", COUNT, "Cells that became a fact or a text"),
        Field("cells_refused", COUNT, "Cells refused, those of refused rows with them"),
        Field("cells_superseded", COUNT, "Cells given by another row"),
        Field("cells_empty", COUNT, "Cells without a value"),
    ),
)

FINANCIALS = Table(
    "financials",
    (
        _COMPANY,
        _PERIOD_END,
        _MONTHS,
        _CURRENCY,
        Field("facts_version", TEXT, "Version of the facts of the quarter, of all sources, that it was made from"),
        *(
            field
            for name in NUMERIC_ITEMS
            for field in (
                Field(name, NUMBER, f"{ITEMS[name].description}; mean over sources", nullable=True),
                Field(f"{name}_sources", COUNT, f"Sources that give {name}"),
            )
        ),
    ),
)

SUMMARY = Table(
    "company_summary",
    (
        _COMPANY,
        Field("company_name", TEXT, "Name in the reference list", nullable=True),
        Field("basis", TEXT, "annual: periods of 12 months, and instants at their ends", allowed=("annual",)),
        _CURRENCY,
        Field("periods", COUNT, "Period ends of the basis that the company has"),
        Field("first_period", DAY, "The earliest of them", nullable=True),
        Field("last_period", DAY, "The latest of them", nullable=True),
        *(Field(name, TEXT, ITEMS[name].description, nullable=True) for name in TEXT_ITEMS),
        *(
            field
            for name in NUMERIC_ITEMS
            for field in (
                Field(name, NUMBER, f"{ITEMS[name].description}; mean over periods", nullable=True),
                Field(f"{name}_n", COUNT, f"Periods that have {name}"),
                Field(f"{name}_first", DAY, f"First period that has {name}", nullable=True),
                Field(f"{name}_last", DAY, f"Last period that has {name}", nullable=True),
            )
        ),
    ),
)
