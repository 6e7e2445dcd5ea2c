"""A screen in plain words: its conditions, what they are compared with, and when."""

from collections.abc import Callable, Iterator

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.request import Filter
from finsync_pipeline.serving.screen import TEXTS, Screen
from finsync_pipeline.serving.written_numbers import read_number

OPERATORS = {
    "<": "below", "<=": "at most", ">": "above", ">=": "at least", "=": "exactly", "!=": "not", "between": "between",
    "in": "one of", "is_null": "missing", "is_not_null": "present", "like": "contains",
}  # fmt: skip
OF_MEAN = "on the mean of a company"
OF_PERIODS = "on each period, before the mean"
LENGTHS = {3: "three months", 6: "six months", 9: "nine months", 12: "a year"}
Write = Callable[[float], str]


def in_full(value: float) -> str:
    """`1,000,000`: the number in full."""
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def name_words(item: str) -> str:
    """The name of an item as words."""
    return item.replace("_", " ")


def condition_words(condition: Filter, write: Write = in_full) -> str:
    """`net income above 1,000,000`."""
    name, operator = name_words(condition.item), OPERATORS[condition.op]
    if condition.op in ("is_null", "is_not_null"):
        return f"{name} {operator}"
    values = condition.value if isinstance(condition.value, list | tuple) else [condition.value]
    if condition.item in TEXTS:
        shown = [f"\u201c{_unescaped(str(each)) if condition.op == 'like' else each}\u201d" for each in values]
    else:
        shown = [_written(each, write) for each in values]
    return f"{name} {operator} {(' and ' if condition.op == 'between' else ', ').join(shown)}"


def screen_words(asked: Screen, write: Write = in_full) -> Iterator[str]:
    """A sentence for each thing that is asked for."""
    for each in asked.where:
        yield f"{condition_words(each, write)}, {OF_MEAN}"
    for each in asked.where_periods:
        yield f"{condition_words(each, write)}, {OF_PERIODS}"
    for each in asked.texts:
        yield condition_words(each)
    if asked.companies:
        yield f"companies {', '.join(asked.companies)}"
    if asked.fiscal_years:
        name = "fiscal year" if len(asked.fiscal_years) == 1 else "fiscal years"
        yield f"{name} {', '.join(map(str, asked.fiscal_years))}, by the year end of the company"
    if asked.period_end:
        yield f"periods that end {days_words(asked.period_end)}"
    yield f"periods of {LENGTHS[asked.months]}; balances are those at their ends"
    if asked.currency:
        yield f"amounts in {asked.currency}"
    if asked.order_by:
        yield f"ranked by {name_words(asked.order_by)}, the {'highest' if asked.descending else 'lowest'} first"


def days_words(days: str) -> str:
    """`from 2009-01-01 to 2009-12-31`, or the only day."""
    first, dots, last = days.partition("...")
    return f"from {first} to {last}" if dots else f"on {first}"


def _written(value: object, write: Write) -> str:
    try:
        return write(read_number(value) if isinstance(value, str) else float(value))  # type: ignore[arg-type]
    except (QueryError, TypeError, ValueError, OverflowError):
        return str(value)


def containing(text: str) -> str:
    """The pattern of LIKE for texts that contain this one."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def contained(pattern: str) -> str | None:
    """The text of a pattern that `containing` made; None for another pattern."""
    text = _unescaped(pattern[1:-1])
    return text if len(pattern) > 1 and containing(text) == pattern else None


def _unescaped(pattern: str) -> str:
    text, is_escaped = "", False
    for letter in pattern.removeprefix("%").removesuffix("%"):
        if letter == "\\" and not is_escaped:
            is_escaped = True
            continue
        text, is_escaped = text + letter, False
    return text
