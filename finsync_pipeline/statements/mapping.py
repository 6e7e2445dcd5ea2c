"""The mapping language: what a source's YAML says about its columns, checked by Pydantic.

Every mistake is told with the field and the cure. Reading the cells themselves is the work of `dates`,
`numbers` and `rows`.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from keyword import iskeyword
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from finsync_pipeline.statements.config_errors import Declared
from finsync_pipeline.statements.currencies import CURRENCIES
from finsync_pipeline.statements.items import ITEMS

SCALES = {"ones": 0, "thousands": 3, "millions": 6, "billions": 9}
TAKEN_NAMES = (
    "companies", "company_aliases", "company_id_corrections", "company_summary", "context", "financials",
    "publication", "release", "run_sources",
)  # fmt: skip
LENGTHS = (3, 6, 9, 12)


_POWERS = {10**k: k for k in range(13)} | {float(f"1e-{k}"): -k for k in range(1, 13)}
_PROBE = datetime(2004, 11, 23, tzinfo=UTC)  # no two parts of it can be taken for each other


def _column_by_name(value: Any) -> Any:
    """`company: Name` is short for `company: {column: Name}`."""
    return {"column": value} if isinstance(value, str) else value


def _constant_or(part: type[Declared], constant: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Keys declare a column, anything else is the constant: only the one that is meant is judged."""

    def read(value: Any) -> Any:
        return part.model_validate(value) if isinstance(value, dict | part) else constant(value)

    return read


def _power_of_ten(value: Any) -> int:
    if isinstance(value, str) and value in SCALES:
        return SCALES[value]
    if isinstance(value, int | float) and not isinstance(value, bool) and value in _POWERS:
        return _POWERS[value]
    raise ValueError(f"{value!r} is no scale: use one of {', '.join(SCALES)}, or a power of ten such as 1000")


def _months(value: Any) -> int:
    if value in LENGTHS:
        return int(value)
    raise ValueError(f"{value!r} is no length of a period: use {', '.join(map(str, LENGTHS))} (months)")


def _months_if_any(value: Any) -> int | None:
    return None if value is None else _months(value)


def _currency(value: Any) -> str:
    if value in CURRENCIES:
        return str(value)
    raise ValueError(f"{value!r} is no currency: use its three capital letters (ISO 4217), such as USD")


def _date_format(value: str) -> str:
    """A format that writes and reads a whole day: half a date would be read as the first of something."""
    try:
        if datetime.strptime(_PROBE.strftime(value), value).date() == _PROBE.date():
            return value
    except ValueError:  # a letter that strptime does not know
        pass
    raise ValueError(
        f"{value!r} is no format of a day: use strptime's letters for year, month and day, such as %Y-%m-%d"
    )


def _source_name(value: str) -> str:
    if value in TAKEN_NAMES or iskeyword(value):
        raise ValueError(f"{value!r} cannot name a source: FinSync itself uses the name; choose another")
    if re.fullmatch(r"[a-z][a-z0-9_]*", value):
        return value
    raise ValueError(
        f"{value!r} cannot name a source: use small letters, digits and _, with a letter first, such as balance_sheet"
    )


Exponent = Annotated[int, BeforeValidator(_power_of_ten)]
Months = Annotated[int, BeforeValidator(_months)]
Currency = Annotated[str, BeforeValidator(_currency)]
DateFormat = Annotated[str, AfterValidator(_date_format)]
ColumnName = Annotated[str, Field(min_length=1)]


class Company(Declared):
    """The column that names the company, what it holds, and columns of the row that testify to it (a name, a code).

    Without a `kind` the column may hold anything: a value that means different companies as an id and as a ticker is
    ambiguous.
    """

    column: ColumnName
    kind: Literal["ticker", "cik", "lei", "isin", "cusip", "name", "id"] | None = None
    evidence: dict[str, ColumnName] = Field(default_factory=dict)


class Dates(Declared):
    """A column of dates and the formats that it is written in, which must not contradict each other."""

    column: ColumnName
    formats: list[DateFormat] = Field(default=["%Y-%m-%d"], min_length=1)


class PeriodEnds(Dates):
    """The end of the period: a date within `snap_days` of a month's end is taken as that month's end."""

    snap_days: int = Field(default=0, ge=0, le=10)


class LengthColumn(Declared):
    """A column that holds the length of the period: a number of months or quarters, or other spellings."""

    column: ColumnName
    unit: Literal["months", "quarters"] = "months"
    spellings: dict[str, Months] | None = None

    def read(self, text: str) -> int | None:
        """Months of the text, or None if it is no length of a period."""
        text = text.strip()
        if self.spellings is not None:
            return self.spellings.get(text)
        if not re.fullmatch(r"[0-9]{1,2}(\.0)?", text):
            return None
        months = int(float(text)) * (3 if self.unit == "quarters" else 1)
        return months if months in LENGTHS else None


class CurrencyColumn(Declared):
    """A column that holds the currency, as its ISO code or spelled otherwise."""

    column: ColumnName
    spellings: dict[str, Currency] | None = None

    def read(self, text: str) -> str | None:
        """The ISO code of the text, or None if it is not known."""
        text = text.strip()
        if self.spellings is not None:
            return self.spellings.get(text)
        return text if text in CURRENCIES else None


class ScaleColumn(Declared):
    """A column that says in what unit a row's money is, each spelling named."""

    column: ColumnName
    spellings: dict[str, Exponent]

    def read(self, text: str) -> int | None:
        """The power of ten of the text, or None if it is not known."""
        return self.spellings.get(text.strip())


class Numbers(Declared):
    """How the source writes numbers. Words in `null_words` (and nothing at all) mean no value."""

    thousands: str = Field(default="", max_length=1)
    decimal: str = Field(default=".", min_length=1, max_length=1)
    brackets_are_negative: bool = False
    null_words: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        for field, mark in (("thousands", self.thousands), ("decimal", self.decimal)):
            if mark and (mark.isalnum() or mark in "()+-\u2212"):
                raise ValueError(f"numbers.{field}: {mark!r} cannot stand inside a number as a mark")
        if self.thousands == self.decimal:
            raise ValueError(f"numbers: thousands and decimal are both {self.decimal!r}; they must differ")
        return self


class ItemColumn(Declared):
    """The column of one item: `sign: -1` where the source turns it, `scale` where it has its own."""

    column: ColumnName
    sign: Literal[1, -1] = 1
    scale: Exponent | None = None


class SourceMapping(Declared):
    """How one source's table maps onto the standard items."""

    RULES: ClassVar[int] = 2
    """Counts up when the same mapping would read the same rows otherwise than before: then no release mixes what both
    made. `tests/statements/test_mapping_rules.py` notices it."""

    name: Annotated[str, AfterValidator(_source_name)] = Field(description="Name of the source: prefix of its assets")
    url: str = Field(description="Where its service listens, such as http://127.0.0.1:5001")
    table: ColumnName = Field(description="Table at the service")
    row_key: ColumnName = Field(description="Column that identifies a row")
    company: Annotated[Company, BeforeValidator(_column_by_name)] = Field(description="Column that names the company")
    period_end: Annotated[PeriodEnds, BeforeValidator(_column_by_name)] = Field(
        description="Column of the period's end"
    )
    months: Annotated[int | LengthColumn | None, BeforeValidator(_constant_or(LengthColumn, _months_if_any))] = Field(
        default=None, description="Length of the period: constant, or a column"
    )
    currency: Annotated[str | CurrencyColumn, BeforeValidator(_constant_or(CurrencyColumn, _currency))] = Field(
        description="Currency: constant, or a column"
    )
    scale: Annotated[int | ScaleColumn, BeforeValidator(_constant_or(ScaleColumn, _power_of_ten))] = Field(
        default=0, description="Unit of money: constant, or a column"
    )
    known_since: Annotated[Dates | None, BeforeValidator(_column_by_name)] = None
    token_file: str = Field(default="", description="File that holds the token its service asks for; empty for none")
    numbers: Numbers = Field(default_factory=Numbers)
    items: dict[str, Annotated[ItemColumn, BeforeValidator(_column_by_name)]] = Field(
        min_length=1, description="Standard items, each with its column"
    )

    @model_validator(mode="after")
    def _items_are_standard(self) -> Self:
        for item in self.items:
            if item not in ITEMS:
                near = get_close_matches(item, ITEMS, n=3)
                cure = f"did you mean {', '.join(near)}?" if near else "statements/items.csv lists them"
                raise ValueError(f"items.{item}: no such standard item; {cure}")
        return self

    @model_validator(mode="after")
    def _a_column_serves_one_item(self) -> Self:
        seen: dict[str, str] = {}
        for item, declared in self.items.items():
            if declared.column in seen:
                raise ValueError(
                    f"items.{item}: column {declared.column!r} already serves {seen[declared.column]}; "
                    "a column serves one item"
                )
            seen[declared.column] = item
        return self

    @model_validator(mode="after")
    def _durations_have_a_length(self) -> Self:
        durations = [item for item in self.items if ITEMS[item].kind == "duration"]
        if durations and self.months is None:
            raise ValueError(f"months: missing, and {durations[0]} is measured over a period; declare its length")
        return self

    @model_validator(mode="after")
    def _url_is_http(self) -> Self:
        if "{{" not in self.url:  # a template is checked when it is resolved
            check_url(self.url)
        return self

    @model_validator(mode="after")
    def _columns_can_be_told_apart(self) -> Self:
        seen: dict[str, str] = {}
        for column in self.columns:
            if column.lower().startswith("finsync_"):
                raise ValueError(
                    f"column {column!r}: names that begin with finsync_ are FinSync's own; serve it renamed"
                )
            other = seen.setdefault(column.lower(), column)  # SQL takes both for one
            if other != column:
                raise ValueError(f"columns {other!r} and {column!r} differ only in case; serve one of them renamed")
        return self

    def at(self, url: str, token_file: str = "") -> Self:
        """The same mapping for a service at this url that asks for the token in this file."""
        return self.model_copy(update={"url": check_url(url), "token_file": token_file})

    @property
    def columns(self) -> list[str]:
        """Every column that the mapping names, each once, in the order in which it is asked for."""
        named = [self.row_key, self.company.column, *self.company.evidence.values(), self.period_end.column]
        for part in (self.months, self.currency, self.scale, self.known_since):
            if isinstance(part, LengthColumn | CurrencyColumn | ScaleColumn | Dates):
                named.append(part.column)
        named += [item.column for item in self.items.values()]
        return list(dict.fromkeys(named))

    @property
    def item_of_column(self) -> dict[str, str]:
        """The standard item of each column that holds one."""
        return {declared.column: item for item, declared in self.items.items()}

    @property
    def hash(self) -> str:
        """SHA-256 of what the mapping declares, except the url and the token's file."""
        return hashlib.sha256(self.model_dump_json(exclude={"url", "token_file"}).encode()).hexdigest()


def check_url(url: str) -> str:
    """The url, if a service can listen there. Raises ValueError otherwise."""
    if not re.match(r"https?://[^/\s]+", url):
        shown = re.sub(r"//[^/@]*@", "//***@", url)
        raise ValueError(f"url: {shown!r} is no address of a service; write it like http://127.0.0.1:5001")
    return url
