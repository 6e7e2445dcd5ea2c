"""A query without SQL: a view, items, companies, periods and filters, made into the SELECT that they stand for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, Self, TypeVar

import pyarrow as pa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlglot import exp

from finsync_pipeline.federation.errors import QueryError, nearest
from finsync_pipeline.federation.schema import VIEWS, View
from finsync_pipeline.federation.statement import Statement, read_statement
from finsync_pipeline.statements.config_errors import ConfigModel
from finsync_pipeline.statements.items import ITEMS

_CONDITION = re.compile(
    r"\s*(\w+)\s*(<=|>=|!=|<>|=|<|>|like\b|in\b|between\b|is +not +null\b|is +null\b)\s*(.*?)\s*", re.I
)
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "between", "is_null", "is_not_null", "like"]
_COMPARED: dict[str, type[exp.Binary]] = {
    "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE, "like": exp.Like,
}  # fmt: skip


MOST_CHARACTERS = 10_000
"""Characters of a text in a request."""
_PLAIN = {"extra_forbidden": "there is no such parameter", "missing": "it is missing"}


def _finite(value: Any) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(value)
    return number


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{str(value)!r} is not a day, such as 2009-12-31") from None


Day = Annotated[date, BeforeValidator(_day)]


_READERS: dict[pa.DataType, tuple[Callable[[Any], Any], str]] = {
    pa.float64(): (_finite, "a number"),
    pa.int64(): (int, "a whole number"),
    pa.date32(): (_day, "a day, such as 2009-12-31"),
    pa.string(): (str, "a text"),
}


Asked = TypeVar("Asked", bound=BaseModel)


class _DoesNotFit(QueryError, ValueError):
    """Parts that do not fit; within another part, pydantic adds the place of this one."""


class RequestPart(ConfigModel):
    """A part of a request, or the whole one. Raises QueryError with a line for each that does not fit."""

    model_config = ConfigDict(str_max_length=MOST_CHARACTERS)  # with one, pydantic refuses halves of characters, too

    def __init__(self, **parts: Any) -> None:
        try:
            super().__init__(**parts)
        except ValidationError as error:
            lines = [mistake(each["loc"], each) for each in error.errors()]
        else:
            return
        raise _DoesNotFit("\n".join(lines), "correct the request")


class Span(RequestPart):
    """Days from the first to the last one, both included."""

    first: Day
    last: Day


class Filter(RequestPart):
    """A condition on a column of the view. `value` is a list for `in` and `between`, and None for `is_null`."""

    item: str
    op: Operator = "="
    value: Any = None

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        is_list = isinstance(self.value, list | tuple)
        if self.op in ("is_null", "is_not_null"):
            fits, needed = self.value is None, "no value"
        elif self.op == "between":
            fits, needed = is_list and len(self.value) == 2, "a list of two values"
        elif self.op == "in":
            fits, needed = is_list and len(self.value) > 0, "a list of values"
        else:
            fits, needed = self.value is not None and not is_list, "one value; is_null asks for those without"
        if not fits:
            raise ValueError(f"value: {self.op} takes {needed}")
        return self


def _days(value: Any) -> Any:
    """A tuple of two days is the first and the last one; a list is of single days."""
    if isinstance(value, tuple) and len(value) == 2:
        return Span(first=value[0], last=value[1])
    if isinstance(value, list | tuple):
        return tuple(map(_day, value))
    return Span.model_validate(value)


def _names(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"{value!r} is a text; write a list, [{value!r}]")
    return value


Names = Annotated[Sequence[str], BeforeValidator(_names)]


class Request(RequestPart):
    """What is asked of one view.

    `items` are the columns besides the keys; of the views facts and texts, whose rows have one item each, those rows.
    `companies` are ids of the reference list. `periods` are period ends: two days in a tuple from the first to the
    last, or a list of days. Rows are in the order of `order_by`, then of the keys.
    """

    view: str = "financials"
    items: Names = ()
    companies: Names = ()
    periods: Annotated[Span | tuple[date, ...], BeforeValidator(_days)] = ()
    months: int | None = None
    currency: str | None = None
    sources: Names = ()
    where: Sequence[Filter] = ()
    order_by: str | None = None
    descending: bool = False
    limit: int | None = Field(default=None, ge=1)

    def statement(self) -> Statement:
        """The statement that the request stands for. Raises QueryError for a name or a value that does not fit."""
        view = _view(self.view)
        select = exp.select(*map(_column, _columns(view, self.items))).from_(view.name).where(*_conditions(self, view))
        order = [
            exp.Ordered(this=_column(name), desc=is_down, nulls_first=False) for name, is_down in _order(self, view)
        ]
        select = select.order_by(*order)
        return read_statement((select.limit(self.limit) if self.limit else select).sql("duckdb", pretty=True))


def read_request(**parts: Any) -> Request:
    """The request of these parts. Raises QueryError with a line for each that does not fit."""
    return Request(**parts)


def read_parts(model: type[Asked], parts: Mapping[str, Any]) -> Asked:
    """What is asked by these parts. Raises QueryError with a line for each that does not fit."""
    try:
        return model.model_validate(parts)
    except ValidationError as error:
        lines = [mistake(each["loc"], each) for each in error.errors()]
    raise QueryError("\n".join(lines), "correct the request")


def read_condition(text: str) -> dict[str, Any]:
    """`revenue >= 1e9`, `currency in USD, EUR`, `revenue between 1 and 2`, or `revenue is null`, as parts of a Filter.

    Raises QueryError.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise QueryError(
            f"{text!r} is not a condition", "write an item, a comparison and a value: revenue >= 1e9", "where"
        )
    item, operator, value = found[1], "_".join(found[2].lower().split()).replace("<>", "!="), found[3]
    if operator in ("is_null", "is_not_null"):
        return {"item": item, "op": operator}
    if operator in ("in", "between"):
        separator = "," if operator == "in" else r"\band\b"
        return {"item": item, "op": operator, "value": [_bare(each) for each in re.split(separator, value)]}
    return {"item": item, "op": operator, "value": _bare(value)}


def _bare(value: str) -> str:
    """The value without blanks and quotation marks around it."""
    text = value.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def mistake(place: Sequence[Any], error: Mapping[str, Any]) -> str:
    """A line of a ValidationError in plain words: `limit: it should be greater than or equal to 1`."""
    cause = error.get("ctx", {}).get("error")
    message = cause.what if isinstance(cause, QueryError) else _PLAIN.get(error["type"]) or str(error["msg"])
    message = message.removeprefix("Value error, ")
    message = message.replace("Input should be", "it should be").replace("List should have", "it should have")
    name = ".".join(map(str, place))
    return f"{name}: {message}" if name else message


def _view(name: str) -> View:
    if name in VIEWS:
        return VIEWS[name]
    near = nearest(name, VIEWS)
    raise QueryError(f"no view {name}", f"did you mean {near}?" if near else f"there are {', '.join(VIEWS)}")


def _is_long(view: View) -> bool:
    return "item" in view.columns


def _columns(view: View, items: Sequence[str]) -> list[str]:
    if not items or _is_long(view):
        return view.columns
    return list(dict.fromkeys([*view.keys, *(_checked(item, view, view.columns) for item in items)]))


def _checked(name: str, view: View, known: Sequence[str]) -> str:
    """The name, if it is one of those that the view has. Raises QueryError with the nearest."""
    if name in known:
        return name
    near = nearest(name, known)
    others = [each.name for each in VIEWS.values() if name in each.columns]
    fix = f"did you mean {near}?" if near else f"it is in {', '.join(others)}" if others else "finsync query --views"
    raise QueryError(f"no {name} in {view.name}", fix)


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _conditions(request: Request, view: View) -> Iterator[exp.Expr]:
    if request.items and _is_long(view):
        kinds = [name for name, item in ITEMS.items() if (item.kind == "text") == (view.name == "texts")]
        yield _in(view, "item", [_checked(item, view, kinds) for item in request.items])
    if request.companies:
        yield _in(view, "company_id", request.companies)
    if isinstance(request.periods, Span):
        yield _condition(view, "period_end", "between", [request.periods.first, request.periods.last])
    elif request.periods:
        yield _in(view, "period_end", request.periods)
    if request.months is not None:
        yield _condition(view, "months", "=", request.months)
    if request.currency is not None:
        yield _condition(view, "currency", "=", request.currency)
    if request.sources:
        yield _in(view, "source", request.sources)
    for each in request.where:
        yield _condition(view, each.item, each.op, each.value)


def _in(view: View, name: str, values: Sequence[Any]) -> exp.Expr:
    return _condition(view, name, "in", values)


def _condition(view: View, name: str, operator: str, value: Any) -> exp.Expr:
    column = _column(_checked(name, view, view.columns))
    if operator in ("is_null", "is_not_null"):
        missing = exp.Is(this=column, expression=exp.null())
        return missing if operator == "is_null" else exp.not_(missing)
    if operator == "in":
        return exp.In(this=column, expressions=[_literal(view, name, each) for each in value])
    if operator == "between":
        low, high = (_literal(view, name, each) for each in value)
        return exp.Between(this=column, low=low, high=high)
    return _COMPARED[operator](this=column, expression=_literal(view, name, value))


def _literal(view: View, name: str, value: Any) -> exp.Expr:
    """The value as the type of the column. Raises QueryError if it is none of it."""
    kind = view.arrow.field(name).type
    read, needed = _READERS[kind]
    try:
        given = read(value)
    except (TypeError, ValueError, InvalidOperation):
        raise QueryError(f"{value!r} is not {needed}", f"{name} of {view.name} is compared with it", "where") from None
    return exp.Literal.number(str(given)) if isinstance(given, Decimal) else exp.convert(given)


def _order(request: Request, view: View) -> Iterator[tuple[str, bool]]:
    """The columns that the rows are ordered by, each with whether it falls."""
    if request.order_by is not None:
        yield _checked(request.order_by, view, view.columns), request.descending
    for key in view.keys:
        if key != request.order_by:
            yield key, False
