"""Screening: companies by conditions on any item, before or after the mean, and their ranking; one typed request.

The values of a company are means over its periods of one length, each currency by itself. Conditions in `where_periods`
are met by single periods, and the mean is over those; conditions in `where` are met by the mean. An item that is
missing meets no condition but `is_null`. A derived item is computed of the items of a period, or of the means: it is
itself never averaged. Conditions in `texts` are on the texts of a company in the summary, such as its sector.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import narwhals as nw
import pyarrow as pa
from pydantic import Field

from finsync_pipeline import frames
from finsync_pipeline.aggregation.means import means_of
from finsync_pipeline.federation.errors import QueryError, nearest
from finsync_pipeline.federation.request import Filter, RequestPart, read_condition
from finsync_pipeline.serving.open_release import ANNUAL, OpenRelease, Rows, with_balances
from finsync_pipeline.serving.parameters import Days, Flag, Length, Text, Whole
from finsync_pipeline.serving.written_numbers import read_number
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import NUMERIC_ITEMS, TEXT_ITEMS
from finsync_pipeline.statements.tables import SUMMARY

KEYS = ("company_id", "currency")
ABOUT = ("company_id", "company_name", "currency", "periods", "first_period", "last_period")
_ABOUT_TYPES = [SUMMARY.arrow.field(name).type for name in ABOUT]
TEXTS = ("company_name", *TEXT_ITEMS)
"""What a company is in words: its name, and the items of kind text."""
CONDITIONS = ("where", "where_periods", "texts")
YEARS = "JOIN fiscal_years USING (company_id, period_end)"
_COMPARED = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
Name = Annotated[str, Field(max_length=80)]
FiscalYear = Annotated[Whole, Field(ge=1800, le=2200)]


class Screen(RequestPart):
    """Which companies, by which values of theirs, and in which order."""

    where: Annotated[Sequence[Filter], Field(max_length=50)] = Field((), description="Conditions on the means")
    where_periods: Annotated[Sequence[Filter], Field(max_length=50)] = Field(
        (), description="Conditions on each period; the mean is over those that meet all of them"
    )
    fiscal_years: Annotated[Sequence[FiscalYear], Field(max_length=100)] = Field(
        (), description="Only periods of these fiscal years, by the year end of the company"
    )
    texts: Annotated[Sequence[Filter], Field(max_length=50)] = Field(
        (), description="Conditions on company_name or an item of kind text; upper and lower case are the same"
    )
    companies: Annotated[Sequence[Text], Field(max_length=1000)] = Field((), description="Only companies of these ids")
    period_end: Days | None = Field(None, description="Only periods that end on these days: first...last")
    months: Length = Field(12, description="The length of the periods; balances are at their ends")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    items: Annotated[Sequence[Name], Field(max_length=100)] = Field((), description="Further items to show")
    order_by: Name | None = Field(None, description="The item by which companies are ranked; those without it are last")
    descending: Flag = True
    limit: Whole = Field(100, ge=1, le=10_000)
    after: Whole = Field(0, ge=0, lt=2**62, description="How many companies come before the page")

    @property
    def is_of_summary(self) -> bool:
        """Whether the means are those of the published summary, and not over some periods."""
        return self.months == ANNUAL and not (self.where_periods or self.fiscal_years or self.period_end)

    @property
    def shown_texts(self) -> list[str]:
        """The texts of the answer, each once; the name of the company is there anyway."""
        named = [*(each.item for each in self.texts), *self.items]
        return [name for name in dict.fromkeys(named) if name in TEXT_ITEMS]

    @property
    def shown(self) -> list[str]:
        """The items of the answer with numbers, each once."""
        filtered = [each.item for each in (*self.where, *self.where_periods)]
        named = [*([self.order_by] if self.order_by else []), *filtered, *self.items]
        return [name for name in dict.fromkeys(named) if name in NUMERIC_ITEMS or name in FORMULAS]

    @property
    def operands(self) -> list[str]:
        """The standard items that the answer needs."""
        needed = (FORMULAS[name].items if name in FORMULAS else (name,) for name in self.shown)
        return list(dict.fromkeys(item for items in needed for item in items))


@dataclass(frozen=True)
class Screened:
    """The answer: a row for each company and currency, and what a person has to know to read it."""

    rows: Rows
    notes: tuple[str, ...]

    def table(self, limit: int) -> pa.Table:
        """The first rows as an Arrow table."""
        columns = zip(*self.rows.rows[:limit], strict=True) if self.rows.rows[:limit] else [()] * len(self.rows.columns)
        items = self.rows.columns[len(ABOUT) :]
        types = [*_ABOUT_TYPES, *[pa.string() if name in TEXT_ITEMS else pa.float64() for name in items]]
        arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
        return pa.table(arrays, names=self.rows.columns)


def screened(release: OpenRelease, asked: Screen) -> Screened:
    """The companies of the release that meet the conditions: columns ABOUT, then the texts and items of the request.

    Raises QueryError for an unknown item, or a value that an item cannot be compared with.
    """
    for name in [each.item for each in (*asked.where, *asked.where_periods)] + [asked.order_by]:
        check_item(name)
    for name in asked.items:
        check_item(None if name in TEXT_ITEMS else name)
    for table in ("company_summary", "financials"):
        release.require(table)
    rows = _of_summary(release, asked) if asked.is_of_summary else _of_periods(release, asked)
    return Screened(rows, tuple(_notes(rows, asked)))


def screen_of(parameters: Mapping[str, Any]) -> Screen:
    """The screen of parameters as an address has them, with conditions as texts. Raises QueryError."""
    read = {name: list(map(read_condition, parameters.get(name, ()))) for name in CONDITIONS}
    return Screen(**{**parameters, **read})


def _of_summary(release: OpenRelease, asked: Screen) -> Rows:
    """By the published means."""
    sql, values = _ranked("company_summary", asked)
    return release.query(sql, *values)


def _of_periods(release: OpenRelease, asked: Screen) -> Rows:
    """By means over the periods that meet the conditions."""
    met, of_periods = _periods_sql(asked)
    ranked, of_means = _ranked("(SELECT * FROM means LEFT JOIN named USING (company_id))", asked)
    sql = f"""
        WITH met AS ({met}),
        means AS ({_means_sql(tuple(asked.operands))}),
        named AS (SELECT DISTINCT company_id, {", ".join(TEXTS)} FROM company_summary)
        {ranked}
    """
    return release.query(sql, *of_periods, *of_means)


@lru_cache(maxsize=256)
def _means_sql(items: tuple[str, ...]) -> str:
    """SQL of the means of the items in `met`, and which periods they are over: to write it takes longer than to run it.

    `met` has KEYS, period_end and the items.
    """
    with frames.empty_database() as connection:
        columns = ["company_id VARCHAR", "currency VARCHAR", "period_end DATE", *(f"{item} DOUBLE" for item in items)]
        connection.execute(f"CREATE TEMP TABLE met ({', '.join(columns)})")
        rows = nw.from_native(connection.table("met"))
        means = means_of(
            rows,
            KEYS,
            items,
            periods=nw.len().cast(nw.Int64),
            first_period=nw.col("period_end").min(),
            last_period=nw.col("period_end").max(),
        )
        return str(means.to_native().sql_query())


def _periods_sql(asked: Screen) -> tuple[str, list[Any]]:
    """SQL of the periods that meet the conditions: KEYS, period_end and the operands, and the values for it.

    What a company has at the end of a period, in months 0, stands beside what it has over the period.
    """
    conditions, values = _conditions(asked.where_periods)
    if asked.currency:
        conditions, values = ["currency = ?", *conditions], [asked.currency, *values]
    if asked.companies:
        conditions, values = ["list_contains(?, company_id)", *conditions], [list(asked.companies), *values]
    if asked.period_end:
        first, dots, last = asked.period_end.partition("...")
        conditions = ["period_end BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)", *conditions]
        values = [first, last if dots else first, *values]
    if asked.fiscal_years:
        conditions, values = ["list_contains(?, fiscal_year)", *conditions], [list(asked.fiscal_years), *values]
    periods = "annual_periods" if asked.months == ANNUAL else f"({with_balances(asked.months, asked.operands)})"
    sql = f"""
        SELECT {", ".join(["company_id, currency, period_end", *asked.operands])}
        FROM {periods} {YEARS if asked.fiscal_years else ""}
        WHERE {" AND ".join(conditions) or "true"}
    """
    return sql, values


def _ranked(table: str, asked: Screen) -> tuple[str, list[Any]]:
    """SQL of the rows of the table that meet the conditions on means, in order, and the values for it."""
    conditions, values = _conditions(asked.where)
    if asked.currency:
        conditions, values = [*conditions, "currency = ?"], [*values, asked.currency]
    if asked.companies:
        conditions, values = [*conditions, "list_contains(?, company_id)"], [*values, list(asked.companies)]
    for condition, of_text in map(_text_condition, asked.texts):
        conditions, values = [*conditions, condition], [*values, *of_text]
    shown = [f"{expression(name)} AS {frames.quoted(name)}" for name in asked.shown]
    order = (
        f"{expression(asked.order_by)} {'DESC' if asked.descending else 'ASC'} NULLS LAST, " if asked.order_by else ""
    )
    sql = (
        f"SELECT {', '.join([*ABOUT, *asked.shown_texts, *shown])} FROM {table} "
        f"WHERE {' AND '.join(conditions) or 'true'} ORDER BY {order}company_id, currency "
        f"LIMIT {asked.limit + 1} OFFSET {asked.after}"
    )
    return sql, values


def expression(name: str) -> str:
    """SQL of an item or derived item over a wide table."""
    return FORMULAS[name].sql() if name in FORMULAS else frames.quoted(name)


def _conditions(filters: Sequence[Filter]) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for each in filters:
        condition, of_filter = _condition(each)
        conditions.append(condition)
        values += of_filter
    return conditions, values


def _condition(asked: Filter) -> tuple[str, list[Any]]:
    column = expression(asked.item)
    if asked.op in ("is_null", "is_not_null"):
        return f"{column} IS {'NOT ' if asked.op == 'is_not_null' else ''}NULL", []
    if asked.op == "between":
        return f"{column} BETWEEN ? AND ?", [_number(asked, each) for each in asked.value]
    if asked.op == "in":
        return f"list_contains(?, {column})", [[_number(asked, each) for each in asked.value]]
    if asked.op not in _COMPARED:
        raise QueryError(f"{asked.op} does not compare numbers", f"use {', '.join(_COMPARED)}", asked.item)
    return f"{column} {_COMPARED[asked.op]} ?", [_number(asked, asked.value)]


def _text_condition(asked: Filter) -> tuple[str, list[Any]]:
    """SQL of a condition on a text, and the values for it. Raises QueryError."""
    if asked.item not in TEXTS:
        raise QueryError(f"{asked.item} is not a text of companies", f"there are {', '.join(TEXTS)}", "texts")
    column = f"lower({asked.item})"
    match asked.op:
        case "is_null" | "is_not_null":
            return f"{column} IS {'NOT ' if asked.op == 'is_not_null' else ''}NULL", []
        case "in":
            return f"list_contains(?, {column})", [[str(each).lower() for each in asked.value]]
        case "=" | "!=":
            return f"{column} {_COMPARED[asked.op]} lower(?)", [str(asked.value)]
        case "like":
            return f"{column} LIKE lower(?) ESCAPE '\\'", [str(asked.value)]
    raise QueryError(f"{asked.op} does not compare texts", "use =, !=, in, like, is null", asked.item)


def _number(asked: Filter, value: Any) -> float:
    if isinstance(value, str):
        return read_number(value, asked.item)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise QueryError(f"{value!r} is not a number", f"{asked.item} is compared with it", asked.item)
    return number


def check_item(name: str | None) -> None:
    """Raise QueryError if it is not an item with numbers."""
    if name is not None and name not in FORMULAS and name not in NUMERIC_ITEMS:
        near = nearest(name, [*NUMERIC_ITEMS, *FORMULAS])
        raise QueryError(f"no item {name}", f"did you mean {near}?" if near else "GET /api/v1/items lists them")


def _notes(rows: Rows, asked: Screen) -> Iterator[str]:
    place = rows.columns.index("currency")
    currencies = sorted({row[place] for row in rows.rows})
    if len(currencies) > 1:
        yield f"amounts of {', '.join(currencies)} stand side by side and are not converted: name a currency"
    for name in asked.shown:
        if name in FORMULAS:
            yield f"{name} is derived: {FORMULAS[name].formula}"
