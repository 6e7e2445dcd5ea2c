"""The part of a query that one source is sent: which items, period ends and names, and conditions on its numbers.

Each condition is translated so that it lets through every row that it must, and perhaps others: DuckDB evaluates the
query's own conditions over the rows that come. So a condition that has no translation is left out, and a text among
numbers always passes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from finsync_pipeline.federation.conditions import all_of, any_of, operands, within
from finsync_pipeline.federation.engine import Limits, open_engine
from finsync_pipeline.federation.explain_error import explained
from finsync_pipeline.federation.plan import Scan
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.federation.source_index import SourceIndex
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import SourceMapping

MOST_NAMES = 5_000
"""More names than these are not sent: the rows of all are fetched."""
_COMPARISONS = {exp.GT: (True, False), exp.GTE: (True, False), exp.LT: (False, True), exp.LTE: (False, True)}
"""Whether a comparison of a column with a number is a lower bound, and whether it is an upper one."""


@dataclass(frozen=True)
class Part:
    """What is asked of one source.

    `items` are those whose columns are fetched; of the rows only those with the `literals` as period end and the
    `names` in the column of the company (None: all), and those that fulfil the `condition`, SQL of the source. `local`
    has what is not sent, with the reason. `needs_first_seen`: the days of the first delivery are read.
    """

    items: tuple[str, ...]
    literals: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    condition: exp.Expr | None = None
    needs_first_seen: bool = False
    local: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether no row is left out."""
        return self.literals is None and self.names is None and self.condition is None


def part_of(scans: Sequence[Scan], mapping: SourceMapping, index: SourceIndex) -> Part | None:
    """What the scans together ask of the source; None if no row of it can be in them."""
    parts = [part for scan in scans if (part := _Translator(scan, mapping, index).part()) is not None]
    return reduce(lambda one, other: _joined(one, other, mapping), parts) if parts else None


def may_read(scan: Scan, source: str) -> bool:
    """Whether the conditions of the scan on its source allow this one."""
    conditions = [each for each in scan.conditions if _columns_of(each) == {"source"}]
    rows = pa.table({"source": [source]})
    try:
        return not conditions or len(_selected(rows, conditions)) > 0
    except duckdb.Error:
        return True


def _selected(rows: pa.Table, conditions: Sequence[exp.Expr]) -> pa.Table:
    with open_engine(Limits()) as connection:
        connection.register("rows", rows)
        sql = f"SELECT * FROM rows WHERE {exp.and_(*conditions).sql(dialect='duckdb')}"
        return connection.sql(sql).to_arrow_table()


def _joined(one: Part, other: Part, mapping: SourceMapping) -> Part:
    """The part that has the rows and columns of both."""
    conditions = [each for each in (one.condition, other.condition) if each is not None]
    return Part(
        items=tuple(item for item in mapping.items if item in one.items or item in other.items),
        literals=_union(one.literals, other.literals),
        names=_union(one.names, other.names),
        condition=any_of(conditions) if len(conditions) == 2 else None,
        needs_first_seen=one.needs_first_seen or other.needs_first_seen,
        local=tuple(dict.fromkeys((*one.local, *other.local))),
    )


def _union(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if one is None or other is None else tuple(dict.fromkeys((*one, *other)))


@dataclass
class _Translator:
    """Translates the conditions of one scan for one source."""

    scan: Scan
    mapping: SourceMapping
    index: SourceIndex
    local: list[str] = field(default_factory=list)

    def part(self) -> Part | None:
        """What the scan asks of the source; None if no row of it can be in the scan."""
        items = self._items()
        if not items or not self._may_have(items):
            return None
        literals, names = self._literals(), self._names()
        if literals == () or names == ():
            return None
        fetched, condition = self._columns(items), self._values(items)
        if condition == exp.false():
            return None
        columns = self.scan.columns or frozenset(VIEWS[self.scan.view].columns)
        is_seen = "first_seen" in columns or ("known_since" in columns and self.mapping.known_since is None)
        return Part(fetched, literals, names, condition, is_seen, tuple(self.local))

    def _items(self) -> tuple[str, ...]:
        """The items of the source that the scan is about."""
        view = self.scan.view
        if view in STATEMENTS:
            return tuple(item for item in self.mapping.items if ITEMS[item].statement == STATEMENTS[view])
        items = [item for item in self.mapping.items if (ITEMS[item].kind == "text") == (view == "texts")]
        return tuple(self._fulfilling(pa.table({"item": pa.array(items, pa.string())}), "item")["item"].to_pylist())

    def _may_have(self, items: Sequence[str]) -> bool:
        """Whether the conditions on what is the same in all rows of the source are true."""
        constants: dict[str, Any] = {"source": self.mapping.name}
        if isinstance(self.mapping.currency, str):
            constants["currency"] = self.mapping.currency
        lengths = {0 if ITEMS[item].kind == "instant" else self.mapping.months for item in items}
        if len(lengths) == 1 and isinstance(length := next(iter(lengths)), int):
            constants["months"] = length
        return len(self._fulfilling(pa.Table.from_pylist([constants]), *constants)) > 0

    def _literals(self) -> tuple[str, ...] | None:
        """The texts of the period ends that the conditions allow; None for all."""
        periods = self._fulfilling(self.index.arrow["periods"].select(["literal", "period_end"]), "period_end")
        return None if len(periods) == len(self.index.periods) else tuple(periods["literal"].to_pylist())

    def _names(self) -> tuple[str, ...] | None:
        """The names of the companies that the conditions allow; None for all, or where they are too many."""
        names = self.index.companies
        allowed = self._fulfilling(names, "company_id")
        if len(allowed) == len(names):
            return None
        if len(allowed) > MOST_NAMES:
            self.local.append(f"company_id: {len(allowed):,} names are more than the {MOST_NAMES:,} that are sent")
            return None
        return tuple(allowed["name"].unique().to_pylist())

    def _fulfilling(self, rows: pa.Table, *columns: str) -> pa.Table:
        """The rows that fulfil the conditions on these columns alone."""
        conditions = [each for each in self.scan.conditions if _columns_of(each) <= set(columns)]
        if not conditions:
            return rows
        try:
            return _selected(rows, conditions)
        except duckdb.Error as error:
            reason = explained(error, "", ()).what
            self.local += [
                f"{each.sql(dialect='duckdb')}: cannot be evaluated beforehand ({reason})" for each in conditions
            ]
            return rows

    def _columns(self, items: tuple[str, ...]) -> tuple[str, ...]:
        """The items whose columns are fetched: all from which it depends whether there is a row, and those read."""
        view, columns = self.scan.view, self.scan.columns
        if view not in STATEMENTS or columns is None:
            return items
        is_certain = view in self.index.filled or any(_requires_value(each) for each in self.scan.conditions)
        return tuple(item for item in items if item in columns) if is_certain else items

    def _values(self, items: tuple[str, ...]) -> exp.Expr | None:
        """The conditions on numbers as SQL of the source."""
        translated = []
        for condition in self.scan.conditions:
            if _columns_of(condition) & {*ITEMS, "value", "text", "row_key", "known_since", "first_seen"}:
                found = self._translated(condition, items)
                translated += [] if found is None else [found]
                if found is None:
                    self.local.append(
                        f"{condition.sql(dialect='duckdb')}: not sent, since the source might decide it otherwise"
                    )
        if exp.false() in translated:
            return exp.false()
        return all_of(translated) if translated else None

    def _translated(self, tree: exp.Expr, items: tuple[str, ...]) -> exp.Expr | None:
        """A condition that every row fulfils for which the tree is true; None if there is none."""
        tree = tree.unnest()
        if isinstance(tree, exp.Or):
            sides = [self._translated(side, items) for side in operands(tree, exp.Or)]
            known = [side for side in sides if side is not None]
            return any_of(known) if len(known) == len(sides) else None
        if isinstance(tree, exp.And):
            sides = [self._translated(side, items) for side in operands(tree, exp.And)]
            known = [side for side in sides if side is not None]
            return all_of(known) if known else None
        bounds = bounds_of(tree)
        return None if bounds is None else self._within(*bounds, items)

    def _within(self, column: str, lower: float | None, upper: float | None, items: tuple[str, ...]) -> exp.Expr | None:
        """The column of the view is not empty, and within the bounds (in units of the currency)."""
        of_view = items if column == "value" else [item for item in items if item == column]
        if not of_view:  # of another source: here the column is always empty
            return exp.false() if column in ITEMS else None
        return any_of([within(self.mapping, item, lower, upper) for item in of_view])


def bounds_of(tree: exp.Expr) -> tuple[str, float | None, float | None] | None:
    """Column, least and greatest value of a condition that requires a value between them; None for any other."""
    if isinstance(tree, exp.Not) and isinstance(tree.this.unnest(), exp.Is):
        is_null = tree.this.unnest()
        is_plain = isinstance(is_null.this, exp.Column) and isinstance(is_null.expression, exp.Null)
        return (is_null.this.name, None, None) if is_plain else None
    if isinstance(tree, exp.Between) and isinstance(tree.this, exp.Column):
        low, high = _value(tree.args["low"]), _value(tree.args["high"])
        return None if low is None or high is None or tree.args.get("symmetric") else (tree.this.name, low, high)
    if isinstance(tree, exp.In) and isinstance(tree.this, exp.Column) and tree.expressions:
        values = [_value(each) for each in tree.expressions]
        numbers = [value for value in values if value is not None]
        return (tree.this.name, min(numbers), max(numbers)) if len(numbers) == len(values) else None
    if isinstance(tree, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE) and isinstance(tree.this, exp.Column):
        value, (is_lower, is_upper) = _value(tree.expression), _COMPARISONS.get(type(tree), (True, True))
        return None if value is None else (tree.this.name, value if is_lower else None, value if is_upper else None)
    return None


def _columns_of(condition: exp.Expr) -> set[str]:
    return {column.name for column in condition.find_all(exp.Column)}


def _requires_value(condition: exp.Expr) -> bool:
    """Whether no row fulfils the condition in which one certain item is empty."""
    bounds = bounds_of(condition)
    return bounds is not None and bounds[0] in ITEMS


def _value(node: exp.Expr) -> float | None:
    """The number of a literal; None for anything else."""
    node = node.unnest()
    node = node.this.unnest() if isinstance(node, exp.Cast) else node
    if isinstance(node, exp.Neg):
        value = _value(node.this)
        return None if value is None else -value
    is_number = isinstance(node, exp.Literal) and not node.is_string
    return float(node.this) if is_number and math.isfinite(float(node.this)) else None
