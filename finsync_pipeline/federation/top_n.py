"""The first rows of a query with LIMIT, found without fetching all: a few rows of each source, and the proof that no
other row can be among them.

Each source is asked for its first rows in the order of the query. If the query finds enough rows among these, the last
one is a bound: a row that is beyond it cannot be in the answer. Either no source has more rows within the bound, or
those are fetched by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.extraction.cell_text import cell_as_text
from finsync_pipeline.extraction.source_query import column_of
from finsync_pipeline.federation.conditions import NUMBERS, OTHERS, SLACK, exponents_of, has_text, has_type
from finsync_pipeline.federation.plan import Scan, has_unknown_aggregate
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.federation.statement import Statement
from finsync_pipeline.statements.mapping import ScaleColumn, SourceMapping

MOST_ROWS = 10_000
"""For a LIMIT beyond it, all rows are fetched."""
_PARTS = {"kind", "expressions", "from_", "where", "order", "limit", "offset"}
"""What a SELECT may have."""


@dataclass(frozen=True)
class TopN:
    """The first `count` rows of one view by a number of it, or any of them (`column` None)."""

    tree: exp.Select
    view: str
    column: str | None
    is_descending: bool
    count: int

    @property
    def rows_asked(self) -> int:
        """How many rows each source is asked for: some may belong to no company."""
        return max(2 * self.count, self.count + 50)

    def bound_sql(self) -> str:
        """SQL over the views: the column of the first `count` rows, the last one at the end."""
        column = exp.column(self.column, quoted=True) if self.column else exp.Literal.number(1)
        tree = self.tree.copy()
        for part in ("offset", "limit"):
            tree.set(part, None)
        return tree.select(column.as_("bound"), append=False).limit(self.count).sql(dialect="duckdb")

    def within(self, bound: float) -> exp.Expr:
        """The condition that the column is within the bound."""
        kind = exp.GTE if self.is_descending else exp.LTE
        number: exp.Expr = exp.maybe_parse(repr(bound), dialect="duckdb")
        return kind(this=exp.column(self.column or "", quoted=True), expression=number)

    def is_proven(self, bound: float, lasts: Sequence[float]) -> bool:
        """Whether no further row is within the bound: each source's last value is beyond it. Any rows will do for
        a query without an order.
        """
        return self.column is None or all(self._is_beyond(last, bound) for last in lasts)

    def _is_beyond(self, value: float, bound: float) -> bool:
        slack = SLACK * max(abs(value), abs(bound))
        return value < bound - slack if self.is_descending else value > bound + slack


@dataclass(frozen=True)
class SourceOrder:
    """How a source is asked for its first rows: by a column of it (None: in any order), and its sign.

    `exponent` is the power of ten of its cells, or the column that has that of each row: then rows are ordered by
    `number`, SQL of the cell times this power.
    """

    mapping: SourceMapping
    column: exp.Column | None = None
    is_descending: bool = False
    sign: int = 1
    exponent: int | ScaleColumn = 0

    @property
    def order_by(self) -> exp.Expr | None:
        """SQL of the order."""
        return None if self.column is None else exp.Ordered(this=self._number(self.column), desc=self.is_descending)

    def _number(self, column: exp.Column) -> exp.Expr:
        power = self._power
        return column.copy() if power is None else exp.Mul(this=column.copy(), expression=power)

    @property
    def _power(self) -> exp.Expr | None:
        """SQL of the power of ten of a row, null for a unit that is not known; None if all have the same."""
        if isinstance(self.exponent, int):
            return None
        ifs = [
            exp.If(
                this=has_text(self.mapping, self.exponent.column, [text]), true=exp.Literal.number(repr(10.0**power))
            )
            for text, power in self.exponent.values.items()
        ]
        return exp.Case(ifs=ifs)

    @property
    def is_number(self) -> exp.Expr | None:
        """SQL: the cell is a number."""
        return None if self.column is None else has_type(self.column, NUMBERS)

    def last_of(self, rows: Rows) -> float:
        """The number in the last row, in units of the currency."""
        if self.column is None:
            return 0.0
        exponent = self.exponent
        if not isinstance(exponent, int):
            exponent = exponent.read(cell_as_text(rows.values(exponent.column)[-1]) or "")
        return float(rows.values(self.column.name)[-1]) * self.sign * 10.0**exponent

    @property
    def is_text(self) -> exp.Expr | None:
        """SQL: the cell or its unit is something else, of which the source does not know the order."""
        if self.column is None:
            return None
        is_text, power = has_type(self.column, OTHERS), self._power
        if power is None:
            return is_text
        return exp.or_(is_text, exp.and_(has_type(self.column, NUMBERS), exp.paren(power).is_(exp.null())))


def top_n_of(statement: Statement, scans: Sequence[Scan]) -> TopN | None:
    """The query as a TopN; None if it is more than one."""
    tree = statement.tree
    if not isinstance(tree, exp.Select) or len(scans) != 1 or not _is_plain(tree):
        return None
    counts = [_whole(tree.args.get(part)) for part in ("limit", "offset")]
    view = scans[0].view
    if (
        counts[0] is None
        or (tree.args.get("offset") and counts[1] is None)
        or view not in (*STATEMENTS, "facts", "texts")
    ):
        return None
    count = counts[0] + (counts[1] or 0)
    order = tree.args.get("order")
    first = order.expressions[0] if order else None
    if not 0 < count <= MOST_ROWS or (first is not None and not _is_number(first, tree, view)):
        return None
    column = first.this.name.lower() if first is not None else None
    return TopN(tree, view, column, bool(first is not None and first.args.get("desc")), count)


def source_order(top: TopN, mapping: SourceMapping, items: Sequence[str]) -> SourceOrder | None:
    """How the source is asked; None if its order may be another one."""
    if top.column is None:
        return SourceOrder(mapping)
    wanted = list(items) if top.column == "value" else [top.column]
    if len(wanted) != 1 or wanted[0] not in mapping.items:
        return None
    declared, exponents = mapping.items[wanted[0]], exponents_of(mapping, wanted[0])
    exponent = exponents[0] if len(exponents) == 1 else mapping.scale
    is_descending = top.is_descending == (declared.sign == 1)
    return SourceOrder(mapping, column_of(mapping, declared.column), is_descending, declared.sign, exponent)


def _is_plain(tree: exp.Select) -> bool:
    """Whether each row of the answer is a row of the view, by itself."""
    used = {name for name, part in tree.args.items() if part}
    others = tree.find(exp.AggFunc, exp.Window, exp.Subquery, exp.Unnest, exp.Explode)
    return used <= _PARTS and not others and not has_unknown_aggregate(tree)


def _whole(part: exp.Expr | None) -> int | None:
    literal = part.expression if part is not None else None
    is_whole = isinstance(literal, exp.Literal) and not literal.is_string and str(literal.this).isdigit()
    is_plain = part is not None and not part.args.get("limit_options")
    return int(literal.this) if is_whole and is_plain and literal is not None else None


def _is_number(first: exp.Expr, tree: exp.Select, view: str) -> bool:
    """Whether the query is ordered by a number of the view, which no other column of the answer is named after."""
    column = first.this
    renames = any(alias.args.get("columns") for alias in tree.find_all(exp.TableAlias))
    if not isinstance(column, exp.Column) or first.args.get("nulls_first") or renames:
        return False
    name = column.name.lower()
    numbers = {item.lower() for item in _numbers(view)}
    return name in numbers and not any(_may_be_named(each, name) for each in tree.expressions)


def _may_be_named(selected: exp.Expr, name: str) -> bool:
    """Whether a column of the answer may have this name and not be the column of the view."""
    if selected.find(exp.Columns) or any(
        star.args.get("replace") or star.args.get("rename") for star in selected.find_all(exp.Star)
    ):
        return True
    return selected.alias_or_name.lower() == name and not isinstance(selected, exp.Column)


def _numbers(view: str) -> Sequence[str]:
    return ["value"] if view == "facts" else VIEWS[view].items
