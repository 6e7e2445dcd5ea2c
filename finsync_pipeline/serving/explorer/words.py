"""Cells, operands and lengths in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from finsync_pipeline.serving.explorer.numbers import Numbers
from finsync_pipeline.serving.statement_table import Cell

KINDS = {
    "quarter": "single quarter by difference",
    "trailing_year": "trailing twelve months",
    "formula": "derived item",
}
"""The kinds of derived values."""


def words(name: str) -> str:
    """The name of an item as people write it."""
    text = name.replace("_", " ")
    return text.replace("eps ", "EPS ") if text.startswith("eps ") else text[:1].upper() + text[1:]


def length(months: int) -> str:
    """The length of a period."""
    return f"{months} months" if months else "balance"


def operands_in_words(kind: str, operands: Sequence[Mapping[str, Any]], numbers: Numbers) -> str:
    """The sum that a derived value is, such as `12 months to 2009-12-31 (20) - 9 months to 2009-09-30 (14)`."""
    parts = []
    for place, operand in enumerate(operands):
        sign = "\u2212 " if operand["sign"] < 0 else "+ " if place else ""
        period = f"{length(operand['months'])} to {operand['period_end']}"
        name = words(operand["item"]) if kind == "formula" else period
        parts.append(f"{sign}{name} ({numbers.full(operand['value'])})")
    return " ".join(parts)


def about_cell(cell: Cell, numbers: Numbers, currency: str) -> str:
    """The cell in full, and what has to be known about it."""
    if cell.is_withheld:
        return f"Withheld, no value is published: {cell.why}"
    value = f"{numbers.full(cell.value)} {currency}".rstrip()
    if cell.derived:
        disputed = "; an operand is disputed" if cell.is_disputed else ""
        return f"{value}, derived: {operands_in_words(cell.derived, cell.operands, numbers)}{disputed}"
    return f"{value}; {cell.why}" if cell.why else value
