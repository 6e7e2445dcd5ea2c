"""The tables between the assets, each declared once in `tables.csv`: columns, types, descriptions and checks.

Pandera schemas, empty frames and the columns that the Dagster UI shows are all derived from it. Columns of the wide
tables that are named `{numeric_item}` or `{text_item}` stand for a column of each such item.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from pandera.errors import SchemaErrors

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.identity.results import Status
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS, TEXT_ITEMS, packaged_rows
from finsync_pipeline.statements.mapping import SourceMapping

TEXT = pa.string()
_OPERAND = [
    ("sign", pa.int64()),
    ("item", TEXT),
    ("period_end", pa.date32()),
    ("months", pa.int64()),
    ("value", pa.float64()),
]
_TYPES = {
    "text": TEXT,
    "day": pa.date32(),
    "count": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "texts": pa.list_(TEXT),
    "operands": pa.list_(pa.struct(_OPERAND)),
}
_ALLOWED = {
    "{numeric_item}": NUMERIC_ITEMS,
    "{derived_item}": (*NUMERIC_ITEMS, *FORMULAS),
    "{text_item}": TEXT_ITEMS,
    "{status}": tuple(map(str, Status)),
}


@dataclass(frozen=True)
class Field:
    """A column: its Arrow type, what it holds, whether it may be empty, and the values that it may have.

    `allowed` lists the values, `pattern` matches texts, numbers are below the `bound` in size: that of `facts.value` is
    such that a sum over a million sources still fits DECIMAL(38,6).
    """

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False
    allowed: tuple[Any, ...] | None = None
    bound: float | None = None
    pattern: str | None = None

    @property
    def pandera_column(self) -> pandera.Column:
        """The column of the Pandera schema with its checks, each named after what it requires."""
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
    """A table that one package hands to another."""

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

    def checked(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The stored frame, if it has the form of now. Raises DataError if another version of FinSync wrote it."""
        try:
            return self.validate(frame)
        except SchemaErrors:
            raise self.outdated() from None

    def outdated(self) -> DataError:
        """The error of a stored table of another form."""
        what = "has other columns than now: another version of FinSync, or other standard items, made it"
        return DataError(what, "Run: finsync run", f"Table {self.name}")

    def validate(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame, if it matches the schema. Raises pandera's SchemaErrors otherwise."""
        return self.pandera.validate(frame, lazy=True)


def _within(bound: float) -> Any:
    return lambda values: values.abs() < bound


def _named(name: str, check: Any, requirement: Any) -> Any:
    """The check under this name: pandera reports its own checks by `error`, and others by `name`."""
    return check(requirement, name=name, error=name)


def _declared_fields(rows: Iterable[dict[str, str]]) -> Iterator[Field]:
    """The columns of a table; those of the same kind of items are repeated together for each item."""
    for items, declared in groupby(rows, key=_items_of):
        columns = list(declared)
        for item in items:
            description = ITEMS[item].description if item else ""
            names = {"numeric_item": item, "text_item": item, "description": description}
            for row in columns:
                yield _field(row, row["column"].format(**names), row["description"].format(**names))


def _items_of(row: dict[str, str]) -> tuple[str, ...]:
    """The items that the column stands for; of any other column one that is empty."""
    by_name = (items for name, items in _ALLOWED.items() if name in row["column"])
    return next(by_name, ("",))


def _field(row: dict[str, str], name: str, description: str) -> Field:
    allowed: tuple[Any, ...] = _ALLOWED.get(row["allowed"]) or tuple(filter(None, row["allowed"].split("|")))
    return Field(
        name=name,
        type=_TYPES[row["type"]],
        description=description,
        nullable=row["nullable"] == "yes",
        allowed=(tuple(map(int, allowed)) if row["type"] == "count" else allowed) or None,
        bound=float(row["bound"]) if row["bound"] else None,
        pattern=row["pattern"] or None,
    )


TABLES: dict[str, Table] = {
    name: Table(name, tuple(_declared_fields(rows)))
    for name, rows in groupby(packaged_rows("tables.csv"), key=lambda row: row["table"])
}
INVENTORY, RAW_BOOKKEEPING, EARLIER_BOOKKEEPING = (
    TABLES[name] for name in ("inventory", "raw_bookkeeping", "earlier_bookkeeping")
)
COMPANIES, COMPANY_ALIASES, REVIEW_LINES = TABLES["companies"], TABLES["company_aliases"], TABLES["review_lines"]
COMPANY_IDS, IDENTITY_REVIEW = TABLES["company_ids"], TABLES["identity_review"]
FACTS, TEXTS, REJECTS, LEDGER = TABLES["facts"], TABLES["texts"], TABLES["rejects"], TABLES["ledger"]
VERSIONS = TABLES["versions"]
FINANCIALS, AGREEMENT, SUMMARY = TABLES["financials"], TABLES["agreement"], TABLES["company_summary"]
DERIVED = TABLES["derived"]
HISTORY, REVISIONS = TABLES["history"], TABLES["revisions"]
ACCOUNTING_CHECKS, ACCOUNTING_GRADES = TABLES["accounting_checks"], TABLES["accounting_grades"]


def raw_table(mapping: SourceMapping) -> Table:
    """The table of a source's raw rows: the mapping's columns as text, and FinSync's own."""
    delivered = (Field(name, TEXT, f"Column {name} as delivered", nullable=True) for name in mapping.columns)
    return Table("raw", (*delivered, *RAW_BOOKKEEPING.fields))


def earlier_raw_table(mapping: SourceMapping) -> Table:
    """The table of the raw rows that a source delivered before, and no longer delivers."""
    return Table("earlier_raw", (*raw_table(mapping).fields, *EARLIER_BOOKKEEPING.fields))
