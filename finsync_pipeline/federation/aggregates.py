"""Aggregates that sources compute themselves: count, min and max, which are exact in any order.

The groups of the query are made of smaller ones: each source groups its rows by what decides about them (name, period
end, length, currency, unit), and DuckDB adds up. Sums and means of floats depend on the order of their rows, so of
these the rows are fetched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from finsync_pipeline.federation.plan import Scan, has_unknown_aggregate
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.federation.statement import Statement

AGGREGATES = ("count", "min", "max")
_PREFIXES = tuple(f"{kind}_" for kind in AGGREGATES)
_PARTS = {"kind", "expressions", "from_", "where", "group", "having", "order", "limit", "offset"}


@dataclass(frozen=True)
class Aggregation:
    """A query of counts, minima and maxima over one view of a statement.

    `grouped` are those of company_id and period_end that each smaller group must have a single one of.
    """

    tree: exp.Select
    view: str
    items: tuple[str, ...]
    grouped: frozenset[str]

    @property
    def schema(self) -> pa.Schema:
        """The columns of `partials`: the keys, `n` rows, and of each item how many values, the least, the greatest."""
        keys = [VIEWS[self.view].arrow.field(name) for name in VIEWS[self.view].keys]
        of_items = [
            (f"{kind}_{item}", pa.int64() if kind == "count" else pa.float64())
            for item in self.items
            for kind in AGGREGATES
        ]
        return pa.schema([*keys, ("n", pa.int64()), *of_items])

    def rows_sql(self) -> str:
        """SQL of `partials` of the view's own rows, each by itself."""
        of_items = "".join(
            f", ({item} IS NOT NULL)::BIGINT AS count_{item}, {item} AS min_{item}, {item} AS max_{item}"
            for item in self.items
        )
        return f"SELECT {', '.join(VIEWS[self.view].keys)}, 1::BIGINT AS n{of_items} FROM {self.view}"

    def merged_sql(self) -> str:
        """SQL of the query over `partials`."""
        tree = self.tree.copy()
        tree.set("from_", exp.From(this=exp.to_table("partials")))
        return tree.transform(_merged).sql(dialect="duckdb")


def aggregation_of(statement: Statement, scans: Sequence[Scan]) -> Aggregation | None:
    """The query as an Aggregation; None if it is anything else."""
    tree = statement.tree
    if not isinstance(tree, exp.Select) or len(scans) != 1 or scans[0].view not in STATEMENTS:
        return None
    view, aggregates = VIEWS[scans[0].view], list(tree.find_all(exp.AggFunc))
    aliases = {each.alias.lower() for each in tree.find_all(exp.Alias)}
    outside = {column.name.lower() for column in _columns_outside(tree)} - aliases
    is_plain = _is_plain(tree) and _groups_by_columns(tree) and outside <= {*view.keys}
    if not is_plain or not aggregates or not all(_is_exact(each, view.items) for each in aggregates):
        return None
    if aliases & {"n", *view.columns} or any(alias.startswith(_PREFIXES) for alias in aliases):
        return None  # a name for two things
    items = {column.name.lower() for each in aggregates for column in each.find_all(exp.Column)}
    grouped = outside & {"company_id", "period_end"}
    return Aggregation(tree, view.name, tuple(item for item in view.items if item in items), frozenset(grouped))


def _is_plain(tree: exp.Select) -> bool:
    """Whether it is one SELECT of one view, without names that hide those of columns."""
    is_simple = {name for name, part in tree.args.items() if part} <= _PARTS
    others = (exp.Window, exp.Subquery, exp.Filter, exp.Distinct, exp.WithinGroup, exp.Unnest, exp.Order)
    nested = [each for each in tree.find_all(*others) if each is not tree.args.get("order")]
    stars = [each for each in tree.find_all(exp.Star) if not isinstance(each.parent, exp.Count)]
    is_known = not has_unknown_aggregate(tree)
    return is_simple and is_known and not nested and not stars and not tree.find(exp.TableAlias)


def _groups_by_columns(tree: exp.Select) -> bool:
    group = tree.args.get("group")
    if group is None:
        return True
    is_simple = {name for name, part in group.args.items() if part} <= {"expressions"}
    return is_simple and all(isinstance(each, exp.Column) for each in group.expressions)


def _columns_outside(tree: exp.Select) -> Iterator[exp.Column]:
    """The columns that are not inside an aggregate."""
    return (column for column in tree.find_all(exp.Column) if column.find_ancestor(exp.AggFunc) is None)


def _is_exact(aggregate: exp.AggFunc, items: Sequence[str]) -> bool:
    """Whether it is count(*), or count, min or max of an item."""
    if not isinstance(aggregate, exp.Count | exp.Min | exp.Max) or aggregate.args.get("expressions"):
        return False
    column = aggregate.this
    if isinstance(column, exp.Star):
        return isinstance(aggregate, exp.Count)
    return isinstance(column, exp.Column) and column.name.lower() in items


def _merged(node: exp.Expr) -> exp.Expr:
    """The aggregate over `partials` that gives the same as this one over their rows."""
    if isinstance(node, exp.Count):
        counted = "n" if isinstance(node.this, exp.Star) else f"count_{node.this.name.lower()}"
        total = exp.Coalesce(this=exp.Sum(this=exp.column(counted)), expressions=[exp.Literal.number(0)])
        return exp.cast(total, "BIGINT")
    if isinstance(node, exp.Min | exp.Max):
        kind = "min" if isinstance(node, exp.Min) else "max"
        return type(node)(this=exp.column(f"{kind}_{node.this.name.lower()}"))
    return exp.column(node.name) if isinstance(node, exp.Column) else node
