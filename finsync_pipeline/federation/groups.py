"""The groups that one source makes of its rows for an aggregation, as lines of `partials`."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import SourceErrors
from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.extraction.cell_text import cell_as_text
from finsync_pipeline.extraction.fetch import count_of
from finsync_pipeline.extraction.source_query import DIALECT, column_of, literal
from finsync_pipeline.federation.aggregates import Aggregation
from finsync_pipeline.federation.conditions import MOST, OTHERS, SLACK, company_condition, has_type, literals_of
from finsync_pipeline.federation.pushdown import Part
from finsync_pipeline.federation.schema import STATEMENTS
from finsync_pipeline.federation.source_index import SourceIndex, has_numeric_words, name_columns
from finsync_pipeline.statements.mapping import SourceMapping, ValueColumn

MOST_LISTED = 500
"""More rows or names than these are not excluded by a list: the rows are fetched."""


Line = dict[str, Any]


class Inexact(Exception):
    """The groups of a source do not say exactly what its rows do."""


@dataclass(frozen=True)
class SourceGroups:
    """How a source groups its rows. Make it by `groups_of`."""

    aggregation: Aggregation
    mapping: SourceMapping
    index: SourceIndex
    part: Part
    by_company: bool
    by_period: bool

    def sql(self) -> str:
        """The SELECT for the source: a row for each group, columns in the order in which `partials` reads them."""
        grouped = [self._column(name) for name, is_grouped in self._named() if is_grouped]
        selected = [
            self._column(name) if is_grouped else exp.Min(this=self._column(name)) for name, is_grouped in self._named()
        ]
        counted: list[exp.Expr] = [exp.Count(this=exp.Star())]
        for item in self._items():
            cell = self._column(self.mapping.items[item].column)
            others = exp.Case(ifs=[exp.If(this=has_type(cell, OTHERS), true=exp.Literal.number(1))])
            counted += [exp.Count(this=others), exp.Count(this=cell), exp.Min(this=cell), exp.Max(this=cell)]
        named = [each.as_(f"c{place}") for place, each in enumerate([*selected, *counted])]
        rows = exp.select(*named).from_(exp.table_(self.mapping.table, quoted=True)).where(*self._conditions())
        return (rows.group_by(*grouped) if grouped else rows).sql(dialect=DIALECT)

    def partials(self, rows: Rows) -> pa.Table:
        """The lines of `partials`. Raises Inexact if a group has cells that are not plain numbers.

        Raises SourceInvalid for a group that the source cannot have, or cells that none of the columns can have.
        """
        if len(rows.columns) != len(self._named()) + 1 + 4 * len(self._items()):
            raise self._invalid()
        companies = self._companies()
        periods = {line["literal"]: line for line in frames.to_arrow(self.index.periods).to_pylist()}
        lines = [line for row in rows.as_lists() if (line := self._line(row, companies, periods)) is not None]
        return pa.Table.from_pylist(lines, schema=self.aggregation.schema)

    def _invalid(self) -> SourceInvalid:
        return SourceErrors(self.mapping.name, self.mapping.url).invalid("its groups are not those of its rows")

    def _named(self) -> list[tuple[str, bool]]:
        """The columns that decide about a row, and whether each group has a single value of it."""
        decided = [(each.column, True) for each in self._declared() if isinstance(each, ValueColumn)]
        names = [(name, self.by_company) for name in name_columns(self.mapping)]
        return [*names, (self.mapping.period_end.column, self.by_period), *decided]

    def _items(self) -> list[str]:
        return [item for item in self.aggregation.items if item in self.mapping.items]

    def _column(self, name: str) -> exp.Column:
        return column_of(self.mapping, name)

    def _conditions(self) -> Iterator[exp.Expr]:
        """Which rows: of these period ends and names, but for the dependent ones and those of no listed company."""
        literals = list(self.index.periods["literal"]) if self.part.literals is None else self.part.literals
        yield self._in(self.mapping.period_end.column, list(literals))
        if self.part.names is not None:
            yield company_condition(self.mapping, self.part.names)
        if not self.by_company and (unlisted := self._unlisted()):
            yield exp.not_(company_condition(self.mapping, unlisted))
        # A key stands for one row within a quarter only
        for period, rows in self.index.dependent.dropna().groupby("literal"):
            keys = [text for key in rows["row_key"] for text in literals_of(key)]
            is_dependent = (
                self._in(self.mapping.period_end.column, [str(period)]),
                self._in(self.mapping.row_key, keys),
            )
            yield exp.not_(exp.and_(*is_dependent))
        yield exp.not_(self._column(self.mapping.row_key).is_(exp.null()))
        yield exp.not_(self._column(self.mapping.company.column).is_(exp.null()))

    def _in(self, column: str, literals: list[str]) -> exp.Expr:
        parsed: list[exp.Expr] = [exp.maybe_parse(text, dialect=DIALECT) for text in literals]
        return exp.In(this=self._column(column), expressions=parsed)

    def _unlisted(self) -> list[str]:
        names = self.index.names
        return list(names.loc[names["finsync_company"].isna(), self.mapping.company.column].dropna().unique())

    def _companies(self) -> dict[tuple[Any, ...], str | None]:
        """The company of each name and epoch; None if there is none."""
        columns = [*name_columns(self.mapping), "finsync_epoch", "finsync_company"]
        lines = frames.to_arrow(self.index.names[columns]).to_pylist()
        return {tuple(line[name] for name in columns[:-1]): line["finsync_company"] for line in lines}

    def _line(
        self, row: list[Any], companies: dict[tuple[Any, ...], str | None], periods: dict[str, Any]
    ) -> Line | None:
        """The line of a group; None if its rows are not used."""
        named = [name for name, _ in self._named()]
        cells, values = dict(zip(named, row, strict=False)), row[len(named) + 1 :]
        count = count_of(row[len(named)], self.mapping)
        if not count:  # the one group of no rows
            return None
        period = periods.get(literal(cells[self.mapping.period_end.column]))
        names = [cell_as_text(cells[name]) for name in name_columns(self.mapping)]
        if period is None or (*names, period["epoch"]) not in companies:
            raise self._invalid()
        company = companies[(*names, period["epoch"])]
        months, currency, exponent = (_read(each, cells) for each in self._declared())
        if (
            company is None
            or currency is None
            or exponent is None
            or (self.mapping.months is not None and months is None)
        ):
            return None
        is_instant = STATEMENTS[self.aggregation.view] == "balance"
        line = {"source": self.mapping.name, "company_id": company, "period_end": period["period_end"], "n": count}
        line |= {"months": 0 if is_instant else months, "currency": currency}
        for place, item in enumerate(self._items()):
            line |= self._of_item(item, int(exponent), *values[4 * place : 4 * place + 4])
        return {**dict.fromkeys((f"count_{item}" for item in self.aggregation.items), 0), **line}

    def _declared(self) -> tuple[Any, Any, Any]:
        return self.mapping.months, self.mapping.currency, self.mapping.scale

    def _of_item(self, item: str, exponent: int, others: Any, count: Any, least: Any, greatest: Any) -> Line:
        """How many values of the item, the least and the greatest, in units of the currency."""
        others, count = count_of(others, self.mapping), count_of(count, self.mapping)
        own, sign = self.mapping.exponent_of(item), self.mapping.items[item].sign
        cells = [] if others or not count else [least, greatest]
        ends = [self._value(cell, exponent if own is None else own, sign) for cell in cells]
        if others or any(abs(end) >= MOST * (1 - SLACK) for end in ends):
            raise Inexact(f"{item}: some cells are not plain numbers")
        return {f"count_{item}": count} | ({f"min_{item}": min(ends), f"max_{item}": max(ends)} if ends else {})

    def _value(self, cell: Any, exponent: int, sign: int) -> float:
        try:
            number = Decimal(cell_as_text(cell) or "")
        except InvalidOperation:
            raise self._invalid() from None
        if number.is_nan():
            raise self._invalid()
        return float(number.scaleb(exponent) if number.is_finite() else number) * sign + 0.0


def groups_of(aggregation: Aggregation, mapping: SourceMapping, index: SourceIndex, part: Part) -> SourceGroups:
    """How the source groups its rows. Raises Inexact, with the reason, where that is not exact."""
    if mapping.known_since is not None:
        raise Inexact("known_since is compared with the period end of each row")
    if aggregation.view not in index.filled or has_numeric_words(mapping):
        raise Inexact("not all rows certainly have an item of the statement")
    if len(index.dependent) > MOST_LISTED:
        raise Inexact(f"{len(index.dependent):,} rows have a meaning only together with others")
    is_one_epoch = index.periods["epoch"].nunique() <= 1
    unlisted = int(index.names["finsync_company"].isna().sum())
    by_company = "company_id" in aggregation.grouped or len(name_columns(mapping)) > 1 or unlisted > MOST_LISTED
    by_period = "period_end" in aggregation.grouped or not is_one_epoch
    if not by_company and _some_listed_for_a_time(mapping, index):
        raise Inexact("some names are listed for a time only")
    if by_company and by_period:
        raise Inexact("each row would be a group of its own")
    return SourceGroups(aggregation, mapping, index, part, by_company or part.names is not None, by_period)


def cells_of(partials: pa.Table, aggregation: Aggregation) -> pd.DataFrame:
    """The cells of these groups, all of which are numbers, as of `quality.fit.count_cells`."""
    given = [int(pc.sum(partials[f"count_{item}"]).as_py() or 0) for item in aggregation.items]
    return pd.DataFrame({"item": aggregation.items, "given": given, "unread": 0})


def _some_listed_for_a_time(mapping: SourceMapping, index: SourceIndex) -> bool:
    """Whether a name stands for a company at one time, and for none at another."""
    is_listed = index.names["finsync_company"].notna()
    return bool((is_listed.groupby(index.names[mapping.company.column]).nunique() > 1).any())


def _read(declared: Any, cells: dict[str, Any]) -> Any:
    """What the mapping reads in a group's cells: the constant, or the meaning of the column's text."""
    if not isinstance(declared, ValueColumn):
        return declared
    text = cell_as_text(cells[declared.column])
    return None if text is None else declared.read(text)
