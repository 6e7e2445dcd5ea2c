"""The form of a screen: its fields as parameters of an address, and the other way round.

The address of a view has the parameters of `/api/v1/screen`. A form sends fields instead: a row of them for each
condition, numbers as they are typed. If all of them are understood they become parameters, and the view is at their
address; otherwise the form is shown again as it was sent, with what is wrong beside each field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.request import Filter, read_condition
from finsync_pipeline.serving.explorer.view_state import ViewState
from finsync_pipeline.serving.screen import CONDITIONS, TEXTS, check_item
from finsync_pipeline.serving.screen_words import contained, containing, in_full
from finsync_pipeline.serving.text_tokens import tokens_of
from finsync_pipeline.serving.written_numbers import plain, read_number

SENT = "form"
"""The field that marks an address as that of a sent form."""
EMPTY_ROWS = 2
MOST_ROWS = 50
OPERATORS = {
    ">=": "at least (>=)", ">": "above (>)", "<=": "at most (<=)", "<": "below (<)", "=": "exactly (=)",
    "!=": "not (!=)", "between": "between", "missing": "missing", "present": "present", "contains": "contains",
    "in": "one of",
}  # fmt: skip
WHERE = {"where": "the mean of the company", "where_periods": "each period, before the mean"}
OF_TEXTS = frozenset({"=", "!=", "contains", "in", "missing", "present"})
KEPT_FIELDS = ("q", "release", "scale", "lang")
SINGLE = ("months", "currency", "order_by", "descending", "limit")
_NULLS = {"missing": "is null", "present": "is not null"}


@dataclass(frozen=True)
class Row:
    """The fields of a condition, and what is wrong with them."""

    item: str = ""
    op: str = ">="
    value: str = ""
    on: str = "where"
    error: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no condition is meant."""
        return not self.item and not self.value

    def condition(self) -> tuple[str, str]:
        """The parameter and the condition that the fields stand for. Raises QueryError."""
        if self.item in TEXTS:
            return "texts", f"{self.item} {self._text()}"
        if not self.item:
            raise QueryError("no item is chosen", "choose the item that is compared")
        check_item(self.item)
        if self.op not in OPERATORS or self.op == "contains":
            raise QueryError("contains compares texts", f"{self.item} is a number: choose another comparison")
        where = self.on if self.on in WHERE else "where"
        if self.op in _NULLS:
            return where, f"{self.item} {_NULLS[self.op]}"
        if not self.value:
            raise QueryError("the amount is missing", "write 26k, 1.5 bn or 1 lakh 10 thousand")
        if self.op == "between":
            return where, f"{self.item} between {' and '.join(map(plain, _two_amounts(self.value)))}"
        if self.op == "in":
            return where, f"{self.item} in {', '.join(plain(read_number(each)) for each in self.value.split(';'))}"
        return where, f"{self.item} {self.op} {plain(read_number(self.value))}"

    def _text(self) -> str:
        if self.op not in OF_TEXTS:
            raise QueryError(f"{self.item} is a text", "choose exactly, not, contains, missing or present")
        if self.op in _NULLS:
            return _NULLS[self.op]
        if not self.value:
            raise QueryError("the text is missing", "write what is looked for")
        if self.op == "in":
            return f"in {', '.join(each.strip() for each in self.value.split(';'))}"
        return f'like "{containing(self.value)}"' if self.op == "contains" else f'{self.op} "{self.value}"'


@dataclass(frozen=True)
class Form:
    """The fields of a screen as a page shows them; `errors` by field."""

    rows: tuple[Row, ...] = ()
    years: str = ""
    first: str = ""
    last: str = ""
    months: str = "12"
    currency: str = ""
    order_by: str = ""
    descending: str = "true"
    limit: str = "100"
    company: str = ""
    companies: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_wrong(self) -> bool:
        """Whether something is not understood."""
        return bool(self.errors) or any(row.error for row in self.rows)

    def with_empty_rows(self, count: int = EMPTY_ROWS) -> "Form":
        """The same with rows to be filled in."""
        filled = [row for row in self.rows if not row.is_empty]
        return replace(self, rows=(*filled, *[Row()] * max(0, min(count, MOST_ROWS - len(filled)))))

    def parameters(self) -> dict[str, list[str]]:
        """The parameters that the fields stand for, of those that are understood."""
        found: dict[str, list[str]] = {name: [] for name in CONDITIONS}
        for row in self.rows:
            if not row.is_empty and not row.error:
                name, condition = row.condition()
                found[name].append(condition)
        found |= {"companies": list(self.companies), "items": list(self.items)}
        if "years" not in self.errors:
            found["fiscal_years"] = list(map(str, _years(self.years)))
        if (self.first or self.last) and "days" not in self.errors:
            found["period_end"] = [f"{self.first}...{self.last}"]
        defaults = Form()
        found |= {
            name: [getattr(self, name)] for name in SINGLE if getattr(self, name) not in ("", getattr(defaults, name))
        }
        return {name: values for name, values in found.items() if values}


def is_sent(state: ViewState) -> bool:
    """Whether the address has the fields of a form instead of parameters."""
    return bool(state.get(SENT))


def read_form(state: ViewState) -> Form:
    """The fields of a form that was sent, each with what is wrong with it."""
    removed = state.get("do").removeprefix("remove-")
    numbers = [
        number for number in range(1, MOST_ROWS + 1) if state.get(f"item{number}") or state.get(f"value{number}")
    ]
    rows = [
        _checked(Row(
            state.get(f"item{number}"), state.get(f"op{number}", ">="), state.get(f"value{number}").strip(),
            state.get(f"on{number}", "where"),
        ))
        for number in numbers
        if str(number) != removed
    ]  # fmt: skip
    names = (*SINGLE, "years", "first", "last", "company")
    fields = {name: state.get(name).strip() for name in names if state.get(name)}
    form = Form(tuple(rows), companies=tuple(state.all("companies")), items=tuple(state.all("items")), **fields)  # type: ignore[arg-type]
    return replace(form, errors=dict(_errors(form)))


def form_of(parameters: Mapping[str, Sequence[str]]) -> Form:
    """The fields that show these parameters of an address."""
    rows = [_row(name, condition) for name in CONDITIONS for condition in parameters.get(name, ())]
    first, dots, last = _only(parameters, "period_end").partition("...")
    single = {name: _only(parameters, name) for name in SINGLE if _only(parameters, name)}
    return Form(
        tuple(rows),
        years=_shown_years(parameters.get("fiscal_years", ())),
        first=first,
        last=last if dots else first,
        companies=tuple(parameters.get("companies", ())),
        items=tuple(parameters.get("items", ())),
        **single,  # type: ignore[arg-type]
    )


def _row(name: str, text: str) -> Row:
    """The fields of a condition of an address; one that cannot be read is shown with its error."""
    try:
        condition = Filter(**read_condition(text))
    except QueryError as error:
        return Row(value=text, error=f"{error.what}; {error.fix}")
    on = name if name in WHERE else "where"
    if condition.op in ("is_null", "is_not_null"):
        return Row(condition.item, "missing" if condition.op == "is_null" else "present", "", on)
    if condition.op == "like":
        inside = contained(str(condition.value))
        return Row(condition.item, "contains", str(condition.value) if inside is None else inside, on)
    values = list(condition.value) if isinstance(condition.value, list | tuple) else [condition.value]
    shown = [str(each) if name == "texts" else _shown_number(str(each)) for each in values]
    return Row(condition.item, condition.op, (" and " if condition.op == "between" else "; ").join(shown), on)


def _shown_number(text: str) -> str:
    try:
        return in_full(read_number(text))
    except QueryError:
        return text


def _checked(row: Row) -> Row:
    try:
        row.condition()
    except QueryError as error:
        return replace(row, error=f"{error.what}; {error.fix}")
    return row


def _errors(form: Form) -> Iterator[tuple[str, str]]:
    try:
        _years(form.years)
    except QueryError as error:
        yield "years", f"{error.what}; {error.fix}"
    if bool(form.first) != bool(form.last):
        yield "days", "choose both the first and the last day, or neither"
    elif form.first > form.last:
        yield "days", "the first day is after the last one"
    if not (form.limit.isascii() and form.limit.isdigit() and 1 <= int(form.limit[:9]) <= 10_000):
        yield "limit", "write a whole number from 1 to 10000"


def _years(text: str) -> list[int]:
    """The years of `2007, 2009` or `2007-2009`. Raises QueryError."""
    years: list[int] = []
    for part in filter(None, (each.strip() for each in text.replace(";", ",").split(","))):
        first, _, last = part.partition("-")
        try:
            begin, end = int(first), int(last or first)
        except ValueError:
            begin, end = 1, 0
        if not 1800 <= begin <= end <= 2200 or end - begin > 60:
            raise QueryError(f"{part[:40]!r} is not a year", "write 2009, or 2007-2009, or 2007, 2009")
        years += range(begin, end + 1)
    return list(dict.fromkeys(years))


def _shown_years(years: Sequence[str]) -> str:
    """Years as they are typed: runs as 2007-2009."""
    runs: list[list[int]] = []
    for year in sorted({int(each) for each in years if each.isascii() and each.isdigit()}):
        if runs and runs[-1][-1] == year - 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _two_amounts(text: str) -> list[float]:
    """The two amounts of `10m and 20m`. Raises QueryError."""
    tokens = tokens_of(text)
    places = [token for token in tokens if token.lower in ("and", "to")]
    if len(places) != 1:
        raise QueryError("between takes two amounts", "write 10m and 20m")
    low, high = read_number(text[: places[0].start]), read_number(text[places[0].end :])
    if low > high:
        raise QueryError("the first amount is larger than the second one", "write the smaller one first")
    return [low, high]


def _only(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    values = parameters.get(name, ())
    return values[-1] if values else ""
