"""The derived items: sums of standard items that no source delivers, each declared in `derived.csv` with its reason.

They are computed when somebody asks for them, and are no part of facts, financials or a release. A sum with a missing
operand is missing: missing is not zero. What is derived from periods of other lengths does not belong here: read on in
`aggregation.derived`, which computes both.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.frames import quoted
from finsync_pipeline.statements.items import BALANCES_AS_FLOWS, ITEMS, Kind, Unit, packaged_rows

_SUM = re.compile(r"[a-z]\w*(?: [+-] [a-z]\w*)*")
_OPERAND = re.compile(r"([+-]?) ?([a-z]\w*)")
_MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True)
class Formula:
    """A derived item: its name, the formula as it is written, its unit, and the operands as (sign, standard item).

    All operands are of the same kind: of a period (`duration`) or of its end (`instant`).
    """

    name: str
    formula: str
    unit: Unit
    description: str
    operands: tuple[tuple[int, str], ...]

    @property
    def items(self) -> tuple[str, ...]:
        """The standard items of the formula, in its order."""
        return tuple(item for _, item in self.operands)

    @property
    def kind(self) -> Kind:
        """Whether it is of a period or of its end, as all operands are."""
        return ITEMS[self.items[0]].kind

    @property
    def is_additive(self) -> bool:
        """Whether the amounts of two periods in a row make the amount of both together."""
        return all(is_additive(item) for item in self.items)

    @property
    def is_other_name(self) -> bool:
        """Whether the formula is one standard item as it is, so that the item may be used instead."""
        return len(self.operands) == 1 and self.operands[0][0] == 1

    def missing(self, values: Mapping[str, float | None]) -> list[str]:
        """The operands that these values by item lack."""
        return [item for item in self.items if values.get(item) is None]

    def value(self, values: Mapping[str, float | None]) -> float | None:
        """The sum of these values by item; None if an operand is missing."""
        return exact_sum((sign, values.get(item)) for sign, item in self.operands)

    def sql(self) -> str:
        """The same in DuckDB, over a wide table with a column for each item, such as FINANCIALS."""
        return exact_sum_sql([(sign, quoted(item)) for sign, item in self.operands])


def is_additive(item: str) -> bool:
    """Whether the amounts of a standard item in two periods in a row make the amount of both together."""
    declared = ITEMS[item]
    return declared.kind == "duration" and declared.unit == "money" and item not in BALANCES_AS_FLOWS


def exact_sum(terms: Iterable[tuple[int, float | None]]) -> float | None:
    """The sum of values with their signs, exact to six places (half-even); None if a value is missing."""
    total = Decimal(0)
    for sign, value in terms:
        if value is None:
            return None
        total += sign * Decimal(value).quantize(_MILLIONTH, ROUND_HALF_EVEN)
    return float(total)


def exact_sum_sql(terms: Sequence[tuple[int, str]]) -> str:
    """`exact_sum` in DuckDB, of expressions of type DOUBLE; NULL if one is NULL."""
    return f"({' '.join(f'{_sign(sign)} {decimal_sql(value)}' for sign, value in terms)})::DOUBLE"


def decimal_sql(value: str) -> str:
    """The expression of type DOUBLE as DECIMAL(38,6): wholes and the rest apart, as in `aggregation.means`."""
    return f"({value}::BIGINT::DECIMAL(38,6) + ({value} - {value}::BIGINT)::DECIMAL(38,6))"


def _sign(sign: int) -> str:
    return "-" if sign < 0 else "+"


def read_formulas(rows: Iterable[Mapping[str, str]]) -> dict[str, Formula]:
    """The formulas by name, from rows with the columns of `derived.csv`. Raises ConfigurationError."""
    formulas: dict[str, Formula] = {}
    for row in rows:
        name = row["name"]
        if name in ITEMS or name in formulas:
            raise _invalid(name, "the name is taken", "Choose a name that is not a standard item or derived item yet")
        formulas[name] = _formula(row)
    return formulas


def _formula(row: Mapping[str, str]) -> Formula:
    name, text = row["name"], row["formula"]
    if not _SUM.fullmatch(text):
        raise _invalid(name, f"{text!r} is not a sum", "Write items with + or - between them, such as a + b - c")
    operands = tuple((-1 if sign == "-" else 1, item) for sign, item in _OPERAND.findall(text))
    items = [item for _, item in operands]
    unknown = sorted(item for item in items if item not in ITEMS or ITEMS[item].kind == "text")
    if unknown:
        fix = "Use numeric items of statements/items.csv"
        raise _invalid(name, f"{', '.join(unknown)} is not a standard item with numbers", fix)
    if len(set(items)) < len(items):
        raise _invalid(name, f"{text!r} has an item twice", "Name each item once")
    if len({ITEMS[item].kind for item in items}) > 1:
        fix = "Use either items of a period or items of its end"
        raise _invalid(name, f"{text!r} has items of a period and of its end", fix)
    units = {ITEMS[item].unit for item in items}
    if units != {row["unit"]}:
        raise _invalid(
            name, f"its unit is {row['unit']!r}, and its operands are {', '.join(sorted(units))}", "Match them"
        )
    return Formula(name, text, ITEMS[items[0]].unit, row["description"], operands)


def _invalid(name: str, what: str, fix: str) -> ConfigurationError:
    return ConfigurationError(what, fix, f"statements/derived.csv, {name}")


FORMULAS: dict[str, Formula] = read_formulas(packaged_rows("derived.csv"))
