"""Conditions on the rows of one source in its own SQL, made from the mapping: names, types and bounds of numbers."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from finsync_pipeline.extraction.source_query import column_of, literal
from finsync_pipeline.statements.mapping import ScaleColumn, SourceMapping
from finsync_pipeline.statements.tables import FACTS

MOST = next(field.bound for field in FACTS.fields if field.name == "value") or 0
SLACK = 1e-9
"""A bound is moved by this share of it, since a unit is not always applied without rounding."""
NUMBERS, OTHERS = ("integer", "real"), ("text", "blob")


def company_condition(mapping: SourceMapping, names: Iterable[str]) -> exp.Expr:
    """SQL: the company's column has one of the names, however the source stores it."""
    return has_text(mapping, mapping.company.column, names)


def has_text(mapping: SourceMapping, column: str, texts: Iterable[str]) -> exp.Expr:
    """SQL: the cell of the column is read as one of the texts, however the source stores it."""
    named: list[exp.Expr] = [exp.maybe_parse(each, dialect="sqlite") for text in texts for each in literals_of(text)]
    return exp.In(this=column_of(mapping, column), expressions=named)


def literals_of(text: str) -> list[str]:
    """The literals of the cells that are read as this text: it, and the number that is written so."""
    try:
        number = json.loads(text)
    except ValueError:
        number = None
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return [literal(text), *([literal(number)] if is_number and abs(number) < 1e300 else [])]


def any_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """SQL: one of the conditions is true. As `all_of`."""
    return _balanced(exp.Or, conditions)


def all_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """SQL: all conditions are true; there is at least one.

    In brackets by halves: SQLite takes no tree that is 1,000 deep, as one condition after the other would be.
    """
    return _balanced(exp.And, conditions)


def _balanced(kind: type[exp.Connector], conditions: Sequence[exp.Expr]) -> exp.Expr:
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    left, right = (_balanced(kind, some) for some in (conditions[:half], conditions[half:]))
    return kind(this=_in_brackets(left), expression=_in_brackets(right))


def _in_brackets(condition: exp.Expr) -> exp.Expr:
    return exp.Paren(this=condition) if isinstance(condition, exp.Connector) else condition


def operands(tree: exp.Expr, kind: type[exp.Connector]) -> Iterator[exp.Expr]:
    """The conditions that are joined by this connector, in their order; the tree itself if it is another one."""
    left = [tree]
    while left:
        node = left.pop().unnest()
        if isinstance(node, kind):
            left += [node.right, node.left]
        else:
            yield node


def within(mapping: SourceMapping, item: str, lower: float | None, upper: float | None) -> exp.Expr:
    """The item's cell is not empty and, if it is a number, within the bounds (in units of the currency)."""
    column = column_of(mapping, mapping.items[item].column)
    if lower is None and upper is None:
        return exp.not_(column.is_(exp.null()))
    least, greatest = raw_bounds(mapping, item, lower, upper)
    bounds: list[exp.Expr] = []
    if least is not None:
        bounds.append(exp.GTE(this=column.copy(), expression=_number(least)))
    if greatest is not None:
        bounds.append(exp.LTE(this=column.copy(), expression=_number(greatest)))
    return exp.or_(exp.and_(*bounds), has_type(column, OTHERS)) if bounds else exp.not_(column.is_(exp.null()))


def raw_bounds(
    mapping: SourceMapping, item: str, lower: float | None, upper: float | None
) -> tuple[float | None, float | None]:
    """Between which numbers of the source the values of an item between these lie, whatever unit a row has."""
    sign, exponents = mapping.items[item].sign, exponents_of(mapping, item)
    low, high = (lower, upper) if sign == 1 else (_turned(upper), _turned(lower))
    least = None if low is None else min(low / 10.0**exponent for exponent in exponents)
    greatest = None if high is None else max(high / 10.0**exponent for exponent in exponents)
    return _moved(least, -1), _moved(greatest, 1)


def exponents_of(mapping: SourceMapping, item: str) -> list[int]:
    """The powers of ten by which the item's numbers may be multiplied."""
    exponent = mapping.exponent_of(item)
    if exponent is None and isinstance(mapping.scale, ScaleColumn):
        return sorted(set(mapping.scale.values.values()))
    return [exponent or 0]


def plain_number(mapping: SourceMapping, item: str) -> exp.Expr:
    """SQL: the item's cell certainly is a number, whatever unit its row has."""
    column = column_of(mapping, mapping.items[item].column)
    bound = MOST / 10.0 ** max(exponents_of(mapping, item)) * (1 - SLACK)
    return exp.and_(has_type(column, NUMBERS), exp.Between(this=column, low=_number(-bound), high=_number(bound)))


def has_type(column: exp.Column, types: Iterable[str]) -> exp.Expr:
    """The cell is stored as one of these types: integer, real, text, blob or null."""
    stored = exp.Anonymous(this="typeof", expressions=[column.copy()])
    return exp.In(this=stored, expressions=[exp.Literal.string(name) for name in types])


def _turned(value: float | None) -> float | None:
    return None if value is None else -value


def _moved(bound: float | None, direction: int) -> float | None:
    """The bound, a little further away."""
    moved = None if bound is None else bound + direction * (abs(bound) * SLACK + 1e-300)
    return moved if moved is not None and math.isfinite(moved) else None


def _number(value: float) -> exp.Expr:
    return exp.maybe_parse(repr(value), dialect="sqlite")
