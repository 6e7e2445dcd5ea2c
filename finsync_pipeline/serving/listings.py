"""Listings: the tables of a release that can be read row by row, by filters on their columns, in pages.

The filters, their types and the columns of the answer come from the declared tables (`statements/tables.csv`). Rows are
in the order of the release, and a page begins after the place of a row, so pages neither overlap nor leave rows out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, create_model

from finsync_pipeline import frames
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.request import read_parts
from finsync_pipeline.serving.open_release import ROW, OpenRelease
from finsync_pipeline.serving.parameters import MOST_VALUES, Days, Flag, FormatName, Text, Whole
from finsync_pipeline.statements.tables import TABLES, Table
from finsync_pipeline.statements.tables import Field as Column

MOST_ROWS = 10_000
"""Rows of a page at most."""
DEFAULT_ROWS = 100
_PYTHON: dict[pa.DataType, type] = {
    pa.string(): str, pa.date32(): date, pa.int64(): int, pa.float64(): float, pa.bool_(): bool,
}  # fmt: skip


_FILTERS: dict[pa.DataType, Any] = {
    pa.string(): Annotated[list[Text], Field(max_length=MOST_VALUES)],
    pa.date32(): Days,
    pa.int64(): Annotated[list[Annotated[Whole, Field(ge=-(2**63), lt=2**63)]], Field(max_length=MOST_VALUES)],
    pa.bool_(): Flag,
}
"""How columns are filtered: texts and whole numbers by equality with one of several, days also from one to another."""


class AskedRelease(BaseModel):
    """What every route of a release takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: Annotated[str, Field(max_length=80)] = Field(
        "current", description="current, the name of a release, or its beginning"
    )


class AskedFormat(BaseModel):
    """What every route that answers in all formats takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: FormatName | None = Field(None, description="The format of the answer, instead of the header Accept")


class Asked(AskedFormat, AskedRelease):
    """What every route that answers in all formats takes of a release."""


class AskedPage(Asked):
    """What a listing takes besides its filters."""

    limit: Whole = Field(DEFAULT_ROWS, ge=1, le=MOST_ROWS, description="Rows of the page")
    after: Whole = Field(-1, ge=-1, lt=2**62, description="The place after which the page begins; `next` has it")
    columns: Annotated[list[Text], Field(max_length=400)] = Field([], description="Only these columns, in this order")


@dataclass(frozen=True)
class Listing:
    """A table of a release under the path of its name; `condition` is SQL that all of its rows meet."""

    name: str
    table: Table
    summary: str
    condition: str = "true"
    order: str = ROW

    @cached_property
    def filters(self) -> dict[str, Column]:
        """The columns that can be filtered."""
        reserved = AskedPage.model_fields
        return {each.name: each for each in self.table.fields if each.type in _FILTERS and each.name not in reserved}

    @cached_property
    def asked(self) -> type[AskedPage]:
        """The parameters of the route."""
        fields: dict[str, Any] = {
            name: (_FILTERS[column.type], Field(None, description=column.description))
            for name, column in self.filters.items()
            if not name.endswith("_sources")
        }
        return create_model(f"{_title(self.name)}Asked", __base__=AskedPage, **fields)

    @cached_property
    def row(self) -> type[BaseModel]:
        """A row of the answer, for the documentation."""
        fields: dict[str, Any] = {
            column.name: (
                _PYTHON[column.type] | None if column.nullable else _PYTHON[column.type],
                Field(None if column.nullable else ..., description=column.description),
            )
            for column in self.table.fields
        }
        return create_model(f"{_title(self.name)}Row", **fields)


@dataclass(frozen=True)
class Page:
    """Rows of a listing; `next` is the place after which the next page begins, None after the last one."""

    rows: Any
    next: int | None
    count: int


_TABLES: Sequence[tuple[str, str, str, str]] = (
    ("facts", "facts", "Numbers of single sources", "true"),
    ("texts", "texts", "Texts of single sources", "true"),
    ("periods", "financials", "Published values of each company, period, length and currency", "true"),
    ("summary", "company_summary", "Means of each company and currency over its annual periods", "true"),
    ("rejects", "rejects", "Rows and cells that are not used, and why", "true"),
    ("decisions", "company_ids", "Which company each source name means, and why", "true"),
    (
        "corrections",
        "company_ids",
        "Decisions on source names that are not exactly a listed id",
        "company_id IS DISTINCT FROM source_name AND row_count > 0",
    ),
    ("agreement", "agreement", "What the comparison of the sources found in each cell", "true"),
    (
        "disputes",
        "agreement",
        "Cells on which sources differ, or that are suspect",
        "verdict NOT IN ('single', 'agreed')",
    ),
    ("accounting-checks", "accounting_checks", "Accounting identities that do not hold", "true"),
    ("grades", "accounting_grades", "How well the items of each source fulfil the accounting identities", "true"),
    ("history", "history", "Every version of each number", "true"),
    ("revisions", "revisions", "Numbers that a source changed, and the likely cause", "true"),
    (
        "reconciliation",
        "ledger",
        "Rows and cells of each source and quarter: what came in and what became of it",
        "true",
    ),
)
LISTINGS: Mapping[str, Listing] = {
    name: Listing(name, TABLES[table], summary, condition) for name, table, summary, condition in _TABLES
}


def read_page(release: OpenRelease, listing: Listing, asked: AskedPage, as_arrow: bool = False) -> Page:
    """A page of the listing, as Rows or as an Arrow table.

    Raises PublicationError if the release lacks the table, QueryError for an unknown column.
    """
    release.require(listing.table.name)
    columns = _columns(release, listing, asked.columns)
    conditions, values = _conditions(release, listing, asked)
    sql = (
        f"SELECT {ROW}, {', '.join(map(frames.quoted, columns))} FROM {listing.table.name} "
        f"WHERE {' AND '.join([listing.condition, f'{ROW} > ?', *conditions])} ORDER BY {ROW} LIMIT ?"
    )
    parameters = [asked.after, *values, asked.limit + 1]
    if as_arrow:
        table = release.arrow(sql, *parameters)
        last = table[ROW][asked.limit - 1].as_py() if len(table) > asked.limit else None
        return Page(table.slice(0, asked.limit).drop_columns([ROW]), last, min(len(table), asked.limit))
    found = release.query(sql, *parameters).rows
    last = found[asked.limit - 1][0] if len(found) > asked.limit else None
    rows = [dict(zip(columns, row[1:], strict=True)) for row in found[: asked.limit]]
    return Page(rows, last, len(rows))


def read_all(release: OpenRelease, listing: Listing, asked: AskedPage) -> pa.Table:
    """All rows of the listing that meet the filters, as an Arrow table. Raises as `read_page` does."""
    release.require(listing.table.name)
    columns = ", ".join(map(frames.quoted, _columns(release, listing, asked.columns)))
    conditions, values = _conditions(release, listing, asked)
    where = " AND ".join([listing.condition, *conditions])
    return release.arrow(f"SELECT {columns} FROM {listing.table.name} WHERE {where} ORDER BY {ROW}", *values)


def read_listing(release: OpenRelease, name: str, filters: Mapping[str, Any]) -> pa.Table:
    """All rows of the listing of this name that meet the filters; one value may stand for a list of one.

    Raises QueryError for an unknown listing or filter, and for a value that does not fit.
    """
    if name not in LISTINGS:
        near = get_close_matches(name, LISTINGS, n=1)
        raise QueryError(f"no table {name}", f"did you mean {near[0]}?" if near else f"there are {', '.join(LISTINGS)}")
    listing = LISTINGS[name]
    given = {key: _given(value, listing.filters.get(key)) for key, value in filters.items()}
    return read_all(release, listing, read_parts(listing.asked, given))


def _given(value: Any, column: Column | None) -> Any:
    if column is not None and column.type == pa.date32():
        return str(value)
    is_one = isinstance(value, str | int | date) and not isinstance(value, bool)
    return [value] if is_one and (column is None or column.type != pa.bool_()) else value


def _columns(release: OpenRelease, listing: Listing, wanted: Sequence[str] | None) -> Sequence[str]:
    for name in wanted or ():
        _check_column(release, listing, name, "columns")
    return list(dict.fromkeys(wanted)) if wanted else release.columns[listing.table.name]


def _check_column(release: OpenRelease, listing: Listing, name: str, where: str) -> None:
    """Raise QueryError if the release does not have the column."""
    there = release.columns[listing.table.name]
    if name not in there:
        fix = f"there are {', '.join(there[:20])}{', ...' if len(there) > 20 else ''}"
        raise QueryError(f"no column {name[:60]} in {listing.name}", fix, where)


def _conditions(release: OpenRelease, listing: Listing, asked: AskedPage) -> tuple[list[str], list[Any]]:
    """SQL of the filters, and the values that stand for its parameters."""
    conditions: list[str] = []
    values: list[Any] = []
    for name, column in listing.filters.items():
        given = getattr(asked, name, None)
        if given is None:
            continue
        _check_column(release, listing, name, name)
        quoted = frames.quoted(name)
        if column.type == pa.date32():
            first, dots, last = given.partition("...")
            conditions.append(f"{quoted} BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)")
            values += [first, last if dots else first]
        elif isinstance(given, list):
            conditions.append(f"{quoted} IN ({', '.join('?' * len(given)) or 'NULL'})")
            values += given
        else:
            conditions.append(f"{quoted} = ?")
            values.append(given)
    return conditions, values


def _title(name: str) -> str:
    return re.sub(r"(^|-)(.)", lambda found: found[2].upper(), name)
