"""The mapping language: how a source's YAML describes its columns, checked by Pydantic.

Every mistake is reported with the field and the fix. The cells themselves are read in `dates`, `numbers` and
`row_context`.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from keyword import iskeyword
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    WrapSerializer,
    model_validator,
)

from finsync_pipeline.statements.config_errors import ConfigModel
from finsync_pipeline.statements.items import ITEMS, packaged_rows

SCALES = {"ones": 0, "thousands": 3, "millions": 6, "billions": 9}
LENGTHS = (3, 6, 9, 12)
MOST_SHOWN, MOST_OF_LABEL = 200, 63
"""Characters of a url in a message, and of each part of a host's name (RFC 1035)."""
CURRENCIES = frozenset(row["code"] for row in packaged_rows("currencies.csv"))
"""Codes of ISO 4217 in use, and those that the euro replaced, since statements go back before it."""

_TAKEN_NAMES = (
    "agreement",
    "companies", "company_aliases", "company_id_corrections", "company_summary", "context", "financials",
    "publication", "release", "run_sources",
)  # fmt: skip
AS_WRITTEN = "as written"
_ELSEWHERE = {"url", "connection", "token_file"}
"""What of a mapping has nothing to do with how rows are read."""
_POWERS = {10**k: k for k in range(13)} | {float(f"1e-{k}"): -k for k in range(1, 13)}
_PROBE = datetime(2004, 11, 23, tzinfo=UTC)  # no two parts of it can be taken for each other


def _column_by_name(value: Any) -> Any:
    """`company: Name` is short for `company: {column: Name}`."""
    return {"column": value} if isinstance(value, str) else value


def _constant_or(part: type[ConfigModel], constant: Callable[[Any], Any]) -> BeforeValidator:
    """Keys declare a column, anything else is the constant: only the one that is meant is checked."""
    return BeforeValidator(
        lambda value: part.model_validate(value) if isinstance(value, dict | part) else constant(value)
    )


def _power_of_ten(value: Any) -> int:
    if isinstance(value, str) and value in SCALES:
        return SCALES[value]
    if isinstance(value, int | float) and not isinstance(value, bool) and value in _POWERS:
        return _POWERS[value]
    raise ValueError(f"{value!r} is not a scale: use one of {', '.join(SCALES)}, or a power of ten such as 1000")


def _scale_as_written(value: Any, dump: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    """A power of ten as YAML has it, if the dump is to be read again; else its exponent."""
    if isinstance(value, int) and info.context == AS_WRITTEN:
        return 10**value if value >= 0 else float(f"1e{value}")
    return dump(value)


def _months(value: Any) -> int:
    if value in LENGTHS:
        return int(value)
    raise ValueError(f"{value!r} is not a length of a period: use {', '.join(map(str, LENGTHS))} (months)")


def _currency(value: Any) -> str:
    if value in CURRENCIES:
        return str(value)
    raise ValueError(f"{value!r} is not a currency: use its three capital letters (ISO 4217), such as USD")


def _date_format(value: str) -> str:
    """A format that writes and reads a whole day: half a date would be read as the first of something."""
    try:
        if datetime.strptime(_PROBE.strftime(value), value).date() == _PROBE.date():
            return value
    except ValueError:  # a letter that strptime does not know
        pass
    raise ValueError(
        f"{value!r} is not a format of a day: use strptime's letters for year, month and day, such as %Y-%m-%d"
    )


def _period_format(value: str) -> str:
    """A format of a whole day, or of a year alone."""
    return value if is_year_alone(value) else _date_format(value)


def is_year_alone(fmt: str) -> bool:
    """Whether the format reads a year and nothing else, such as %Y or FY%y."""
    return re.findall("%(.)", fmt.replace("%%", "")) in (["Y"], ["y"])


def _month_and_day(value: str) -> str:
    try:
        if re.fullmatch("[0-9]{2}-[0-9]{2}", value) and datetime.strptime(f"2004-{value}", "%Y-%m-%d"):
            return value
    except ValueError:  # no such day, not even in a leap year
        pass
    raise ValueError(f"{value!r} is not a day of the year: write its month and day, such as 12-31")


def _source_name(value: str) -> str:
    if value in _TAKEN_NAMES or iskeyword(value):
        raise ValueError(f"{value!r} cannot name a source: FinSync itself uses the name; choose another")
    if re.fullmatch(r"[a-z][a-z0-9_]*", value):
        return value
    raise ValueError(
        f"{value!r} cannot name a source: use small letters, digits and _, with a letter first, such as balance_sheet"
    )


Exponent = Annotated[int, BeforeValidator(_power_of_ten), WrapSerializer(_scale_as_written)]
Months = Annotated[int, BeforeValidator(_months)]
Currency = Annotated[str, BeforeValidator(_currency)]
DateFormat = Annotated[str, AfterValidator(_date_format)]
PeriodFormat = Annotated[str, AfterValidator(_period_format)]
YearEnd = Annotated[str, AfterValidator(_month_and_day)]
ColumnName = Annotated[str, Field(min_length=1)]


class Company(ConfigModel):
    """The column that names the company, what it holds, and supporting columns of the row (a name, a code).

    Without a `kind` the column may hold anything: a value that means different companies as an id and as a ticker is
    ambiguous.
    """

    RENAMED: ClassVar = {"evidence": "supporting_columns"}

    column: ColumnName
    kind: Literal["ticker", "cik", "lei", "isin", "cusip", "name", "id"] | None = None
    supporting_columns: dict[str, ColumnName] = Field(default_factory=dict)


class Dates(ConfigModel):
    """A column of dates and the formats that it is written in, which must not contradict each other."""

    column: ColumnName
    formats: list[DateFormat] = Field(default=["%Y-%m-%d"], min_length=1)


class PeriodEnds(Dates):
    """The end of the period: a date within `snap_days` of a month's end is taken as that month's end.

    Fiscal years of 52 or 53 weeks end up to 6 days before or 3 days after it. A fiscal year without a day ends on
    `year_end` of the year that is written; 02-28 and 02-29 both mean the last day of February.
    """

    formats: list[PeriodFormat] = Field(default=["%Y-%m-%d"], min_length=1)
    year_end: YearEnd | None = None
    snap_days: int = Field(default=7, ge=0, le=10)

    @model_validator(mode="after")
    def _years_have_an_end(self) -> Self:
        years = [fmt for fmt in self.formats if is_year_alone(fmt)]
        if years and self.year_end is None:
            raise ValueError(
                f"formats: {years[0]!r} reads a year alone; declare year_end, the month and day on which the fiscal "
                "year ends, such as year_end: 12-31"
            )
        if self.year_end is not None and not years:
            raise ValueError("year_end: no format reads a year alone; take it out, or use a format such as %Y")
        return self


class ValueColumn(ConfigModel):
    """A column of few values: what each text means, where the mapping lists them in `values`."""

    RENAMED: ClassVar = {"spellings": "values"}

    column: ColumnName
    values: dict[str, Any] | None = None

    def read(self, text: str) -> Any:
        """The meaning of the text, or None if it is not known."""
        return self._standard(text.strip()) if self.values is None else self.values.get(text.strip())

    def _standard(self, text: str) -> Any:
        """The meaning of a text where the mapping lists no values; None unless a kind of column overrides it."""
        return None


class LengthColumn(ValueColumn):
    """A column that holds the length of the period: a number of months or quarters, or other texts."""

    unit: Literal["months", "quarters"] = "months"
    values: dict[str, Months] | None = None

    def _standard(self, text: str) -> int | None:
        if not re.fullmatch(r"[0-9]{1,2}(\.0)?", text):
            return None
        months = int(float(text)) * (3 if self.unit == "quarters" else 1)
        return months if months in LENGTHS else None


class CurrencyColumn(ValueColumn):
    """A column that holds the currency, as its ISO code or as other texts."""

    values: dict[str, Currency] | None = None

    def _standard(self, text: str) -> str | None:
        return text if text in CURRENCIES else None


class ScaleColumn(ValueColumn):
    """A column that holds the unit of a row's money, as a power of ten for each text."""

    values: dict[str, Exponent]


class Numbers(ConfigModel):
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


class ItemColumn(ConfigModel):
    """The column of one item: `sign: -1` where the source turns it, `scale` where it has its own."""

    column: ColumnName
    sign: Literal[1, -1] = 1
    scale: Exponent | None = None


class Expectations(ConfigModel):
    """What a delivery must fulfil to be used: at most this share of it is unreadable, and these items have values."""

    unreadable: float = Field(default=0.05, ge=0, le=1)
    required: list[str] = Field(default_factory=list)


class FinSyncConnection(ConfigModel):
    """A service of FinSync's own, or any other that takes SQL at `/query`."""

    kind: Literal["finsync"] = "finsync"


class DatasetteConnection(ConfigModel):
    """A database of a Datasette server."""

    kind: Literal["datasette"]
    database: Annotated[str, Field(min_length=1, description="Name of the database, as Datasette lists it")]


class SourceMapping(ConfigModel):
    """How one source's table maps onto the standard items."""

    RULES: ClassVar[int] = 5
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
    months: Annotated[
        int | LengthColumn | None, _constant_or(LengthColumn, lambda value: None if value is None else _months(value))
    ] = Field(default=None, description="Length of the period: constant, or a column")
    currency: Annotated[str | CurrencyColumn, _constant_or(CurrencyColumn, _currency)] = Field(
        description="Currency: constant, or a column"
    )
    scale: Annotated[int | ScaleColumn, _constant_or(ScaleColumn, _power_of_ten), WrapSerializer(_scale_as_written)] = (
        Field(default=0, description="Unit of money: constant, or a column")
    )
    known_since: Annotated[Dates | None, BeforeValidator(_column_by_name)] = Field(
        default=None, description="Column of the day since which a row is known, such as that of its filing"
    )
    blank_means: Literal["unchanged", "withdrawn"] = Field(
        default="unchanged", description="What a blank cell of a newer row means for the value of an older one"
    )
    token_file: str = Field(default="", description="File that holds the token its service asks for; empty for none")
    connection: FinSyncConnection | DatasetteConnection = Field(
        default_factory=FinSyncConnection, discriminator="kind", description="What kind of server listens at the url"
    )
    numbers: Numbers = Field(default_factory=Numbers)
    vintage: Literal["first", "latest", "all"] = Field(
        default="latest", description="Which of the values that a company has filed the source gives"
    )
    expect: Expectations = Field(default_factory=Expectations)
    items: dict[str, Annotated[ItemColumn, BeforeValidator(_column_by_name)]] = Field(
        min_length=1, description="Standard items, each with its column"
    )

    def exponent_of(self, item: str) -> int | None:
        """The power of ten of the item's numbers (0 for amounts per share); None if each row has its own."""
        scale = 0 if ITEMS[item].unit == "per_share" else self.scale
        declared = self.items[item].scale
        return declared if declared is not None else scale if isinstance(scale, int) else None

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        for mistake in (*self._mistakes_of_items(), *self._mistakes_of_columns()):
            raise ValueError(mistake)
        if "{{" not in self.url:  # a template is checked when it is resolved
            self._check_url(self.url)
        return self

    def _mistakes_of_items(self) -> Iterator[str]:
        item_of: dict[str, str] = {}
        for item, declared in self.items.items():
            if item not in ITEMS:
                near = get_close_matches(item, ITEMS, n=3)
                fix = f"did you mean {', '.join(near)}?" if near else "statements/items.csv lists them"
                yield f"items.{item}: no such standard item; {fix}"
            elif ITEMS[item].kind == "duration" and self.months is None:
                yield f"months: missing, and {item} is measured over a period; declare its length"
            other = item_of.setdefault(declared.column, item)
            if other != item:
                yield f"items.{item}: column {declared.column!r} already serves {other}; a column serves one item"

        for item in self.expect.required:
            if item not in self.items:
                yield f"expect.required: {item} is not one of the items; map it, or take it out"

    def _mistakes_of_columns(self) -> Iterator[str]:
        by_lower_case: dict[str, str] = {}
        for column in self.columns:
            if column.lower().startswith("finsync_"):
                yield f"column {column!r}: names that begin with finsync_ are FinSync's own; serve it renamed"
            other = by_lower_case.setdefault(column.lower(), column)
            if other != column:  # SQL takes both for one
                yield f"columns {other!r} and {column!r} differ only in case; serve one of them renamed"

    def at(self, url: str, token_file: str = "") -> Self:
        """The same mapping for a service at this url that asks for the token in this file. Raises ValueError."""
        self._check_url(url)
        return self.model_copy(update={"url": url, "token_file": token_file})

    def _check_url(self, url: str) -> None:
        """Raise ValueError if no service of this connection can listen there."""
        check_url(url)
        if isinstance(self.connection, DatasetteConnection):
            database = self.connection.database
            if urlsplit(url).path.rpartition("/")[2] in (database, f"{database}.json"):
                fix = "write the server alone, like http://127.0.0.1:8001"
                raise ValueError(f"url: ends with the database {database!r}, which connection names too; {fix}")

    def only(self, items: Iterable[str]) -> Self:
        """The same mapping with these of its items alone, and with the columns that it needs for them."""
        wanted = set(items)
        kept = {item: declared for item, declared in self.items.items() if item in wanted}
        return self.model_copy(update={"items": kept})

    @property
    def columns(self) -> list[str]:
        """Every column that the mapping names, each once, in the order in which it is requested."""
        named = [self.row_key, self.company.column, *self.company.supporting_columns.values(), self.period_end.column]
        parts = (self.months, self.currency, self.scale, self.known_since, *self.items.values())
        named += [part.column for part in parts if isinstance(part, ValueColumn | Dates | ItemColumn)]
        return list(dict.fromkeys(named))

    @property
    def item_of_column(self) -> dict[str, str]:
        """The standard item of each column that holds one."""
        return {declared.column: item for item, declared in self.items.items()}

    @property
    def hash(self) -> str:
        """SHA-256 of the mapping, wherever its service listens, whatever its kind and token, by whatever rules."""
        return hashlib.sha256(self.model_dump_json(exclude=_ELSEWHERE).encode()).hexdigest()

    @property
    def content(self) -> dict[str, Any]:
        """What the hash is of, in the form of its YAML: how rows are read, wherever the service listens."""
        return self.model_dump(mode="json", exclude=_ELSEWHERE, context=AS_WRITTEN)

    @classmethod
    def of_content(cls, content: Mapping[str, Any]) -> Self:
        """The mapping with this `content`, of no service. Raises pydantic's ValidationError."""
        return cls.model_validate({**content, "url": "http://localhost"})


def check_url(url: str) -> None:
    """Raise ValueError if no service can listen at the url."""
    what = _mistake_of_url(url)
    if what:
        shown = re.split("[?#]", re.sub(r"(?s)^(https?://)?.*@", r"\1***@", url))[0][:MOST_SHOWN]
        shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
        raise ValueError(f"url: {shown!r} {what}; write it like http://127.0.0.1:5001")


def _mistake_of_url(url: str) -> str:
    """Why no service can listen at the url; empty if one can."""
    if not re.match("https?://[^/]", url):
        return "is not the address of a service"
    if not re.fullmatch("[!-~]+", url):
        return "has spaces, line breaks or letters that no URL has"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:  # half a pair of brackets, a port that is not a number
        return "is not the address of a service: its host or port is not valid"
    if port == 0:
        return "has the port 0"
    if not re.fullmatch(r"\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?", f"[{host}]" if ":" in host else host):
        return "has a host that is neither a name nor an address"
    if any(len(label) > MOST_OF_LABEL for label in host.split(".")) or ".." in host:
        return "has a host that is not a name"
    user = parts.netloc.rpartition("@")[0]
    if not re.fullmatch(r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*", user):
        return "has a user or password with letters that must be written as %XX"
    return "has a query or a fragment" if parts.query or parts.fragment or url[-1] in "?#" else ""
