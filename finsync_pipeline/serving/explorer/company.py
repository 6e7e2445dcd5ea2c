"""The view of a company: what is known of it, and its statements over time as table and chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.federation.releases import NoRelease
from finsync_pipeline.identity import Reference
from finsync_pipeline.serving import companies
from finsync_pipeline.serving.api_settings import PREFIX, Context
from finsync_pipeline.serving.companies import Company
from finsync_pipeline.serving.explorer.numbers import Numbers
from finsync_pipeline.serving.explorer.rendering import page
from finsync_pipeline.serving.explorer.view_state import View, ViewState, address
from finsync_pipeline.serving.explorer.words import about_cell, words
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.parameters import Months, Text, Whole
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.serving.statement_table import Cell, Column, Line, StatementTable, statement_table
from finsync_pipeline.serving.statements import (
    Coverage,
    DerivedKind,
    Published,
    StatementName,
    Wanted,
    coverage_of,
    published_periods,
)

router = APIRouter(include_in_schema=False)
EACH = "*"
"""As `source`: what is published, with each source below it."""
ANNUAL, QUARTER = 12, 3
LENGTHS = {12: "years", 9: "nine months", 6: "half-years", 3: "quarters"}
CHARTS: dict[str, tuple[str, ...]] = {
    "income_statement": ("revenue", "operating_income", "net_income"),
    "balance_sheet": ("total_assets", "total_liabilities", "equity"),
    "cash_flow": ("cash_from_operations", "cash_from_investing", "cash_from_financing"),
}
"""What is drawn if nothing else is chosen."""
MOST_DRAWN, SIMILAR = 5, 5
NOT_FOUND = 404


class Asked(BaseModel):
    """What the address of the view selects of the table."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    statement: StatementName = "income_statement"
    months: Months | None = None
    source: Text = ""
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    order: Literal["newest", "oldest"] = "newest"
    year: Whole | None = Field(None, ge=1, le=9999)
    years: Literal["fiscal", "calendar"] = "fiscal"
    derived: Annotated[list[DerivedKind], Field(max_length=3)] = []
    chart: Annotated[list[Text], Field(max_length=50)] = []

    @classmethod
    def of(cls, state: ViewState) -> "Asked":
        """Read from the address. Raises RequestValidationError."""
        lists = {name: state.all(name) for name in ("derived", "chart")}
        try:
            return cls.model_validate(dict(state.parameters) | lists)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None


@dataclass(frozen=True)
class Choice:
    """What is shown of the company, of what there is of it."""

    asked: Asked
    months: int
    currency: str | None
    source: str | None
    beside: tuple[str, ...]

    @property
    def is_balance(self) -> bool:
        """Whether balances are shown, which are of a day."""
        return self.asked.statement == "balance_sheet"

    def wanted(self, company_id: str) -> Wanted:
        """The part of the statements."""
        year, by_calendar = self.asked.year, self.asked.years == "calendar"
        return Wanted(
            company_id,
            self.asked.statement,
            (0,) if self.is_balance else (self.months,),
            f"{year:04}-01-01...{year:04}-12-31" if year and by_calendar else None,
            self.source,
            self.currency,
            (year,) if year and not by_calendar else (),
            # The last quarter is seldom published alone, but has its balance
            ((self.months, ANNUAL) if self.months == QUARTER else (self.months,)) if self.is_balance else (),
        )


class ShownCell(NamedTuple):
    """A cell of the table as it is written."""

    text: str
    title: str = ""
    link: str = ""
    classes: str = ""
    mark: str = ""


class ShownLine(NamedTuple):
    """A line of the table as it is written."""

    line: Line
    cells: list[ShownCell]


@router.get("/company/{company_id}")
def company(request: Request, company_id: Annotated[str, Path(min_length=1, max_length=100)], state: View) -> Response:
    """A company's statements over time."""
    context, asked = context_of(request), Asked.of(state)
    reference = decider_of(context.deployment()).reference
    release = _release(context, state)
    found = companies.company_of(company_id, reference)
    is_listed = found is not None
    found = found or (companies.published_company(company_id, release) if release else None)
    if found is None:
        return _unknown(request, company_id, reference, release, state)
    known: dict[str, Any] = {
        "company": found,
        "is_listed": is_listed,
        "release": release,
        "state": state,
        "asked": asked,
    }
    periods = published_periods(release, company_id) if release else []
    if release is None or not periods:
        return page(request, "company.html", table=None, **known)
    coverage = coverage_of(release, company_id)
    response = page(request, "company.html", **known, **_content(release, found, asked, periods, coverage, state))
    response.headers["HX-Push-Url"] = state.here()
    return response


def _content(
    release: OpenRelease,
    found: Company,
    asked: Asked,
    periods: Sequence[Published],
    coverage: Sequence[Coverage],
    state: ViewState,
) -> dict[str, Any]:
    """What the template shows of a company that the release has."""
    sources = sorted({each.source for each in coverage})
    choice = _choice(asked, periods, sources)
    wanted = choice.wanted(found.company_id)
    table = statement_table(release, wanted, asked.derived, choice.beside)
    numbers = state.numbers.for_values(table.amounts)
    columns = list(reversed(table.columns)) if asked.order == "newest" else list(table.columns)
    return {
        "table": table,
        "columns": columns,
        "lines": _lines(table, columns, numbers, _trace_link(release, found, choice, state), choice),
        "choice": choice,
        "lengths": _lengths(periods, choice),
        "currencies": _currencies(periods),
        "sources": sources,
        "years_there": sorted({year for each in periods for year in (each.fiscal_year, each.year) if year}),
        "each": EACH,
        "coverage": coverage,
        "in_scale": numbers,
        "api": _api_addresses(release, wanted, asked),
        "trace_link": _trace_link(release, found, choice, state),
        **_chart(table, choice, numbers),
    }


def _choice(asked: Asked, periods: Sequence[Published], sources: Sequence[str]) -> Choice:
    lengths = {each.months for each in periods}
    default = next((length for length in LENGTHS if length in lengths), 0 if lengths == {0} else ANNUAL)
    is_balance = asked.statement == "balance_sheet"
    # A flow has no value of a day
    months = default if asked.months is None or (asked.months == 0 and not is_balance) else asked.months
    return Choice(
        asked,
        months,
        asked.currency or next(iter(_currencies(periods)), None),
        asked.source if asked.source not in ("", EACH) else None,
        tuple(sources) if asked.source == EACH else (),
    )


def _lengths(periods: Sequence[Published], choice: Choice) -> dict[int, str]:
    """The lengths to choose from: those that there are, and years and quarters, which may be derived."""
    there = {each.months for each in periods} | {ANNUAL, QUARTER, choice.months}
    named = {length: f"ends of {name}" if choice.is_balance else name for length, name in LENGTHS.items()}
    return {length: name for length, name in (named | ({0: "all days"} if choice.is_balance else {})).items()
            if length in there or length == 0}  # fmt: skip


def _currencies(periods: Sequence[Published]) -> list[str]:
    """The currencies, the most frequent first."""
    counts: dict[str, int] = {}
    for each in periods:
        counts[each.currency] = counts.get(each.currency, 0) + 1
    return sorted(counts, key=lambda currency: (-counts[currency], currency))


def _lines(
    table: StatementTable, columns: Sequence[Column], numbers: Numbers, link: str, choice: Choice
) -> list[ShownLine]:
    places = [(column.period_end, column.months) for column in columns]
    ends = [f"&period_end={day}&months={months}" for day, months in places]
    empty = ShownCell(numbers.text(None))
    shown = []
    for line in table.lines:
        start = f"{link}&item={line.item}"
        cells = [
            _cell(cell, line, numbers, start + end, choice.currency or "") if (cell := line.cells.get(place)) else empty
            for place, end in zip(places, ends, strict=True)
        ]
        shown.append(ShownLine(line, cells))
    return shown


def _cell(cell: Cell, line: Line, numbers: Numbers, link: str, currency: str) -> ShownCell:
    title = about_cell(cell, numbers, currency)
    if cell.is_withheld:
        return ShownCell("withheld", title, link, "withheld", "!")
    text = numbers.text(cell.value, line.is_per_share)
    if cell.derived:
        classes = "derived disputed" if cell.is_disputed else "derived"
        return ShownCell(text, title, f"{link}&derived={cell.derived}", classes, "d!" if cell.is_disputed else "d")
    if cell.verdict:
        return ShownCell(text, title, link, "disputed", "!")
    return ShownCell(text, title, link)


def _trace_link(release: OpenRelease, found: Company, choice: Choice, state: ViewState) -> str:
    """The address of the lineage of a cell, but for its item and period."""
    where = {"release": release.name, "company_id": found.company_id, "currency": choice.currency}
    return state.link("/trace", **where)


def _chart(table: StatementTable, choice: Choice, numbers: Numbers) -> dict[str, Any]:
    """The items that can be drawn, those that are, and the data of the chart; the oldest period comes first."""
    lines = {line.item: line for line in table.lines if line.source is None and not line.is_per_share}
    chosen = [item for item in dict.fromkeys(choice.asked.chart) if item in lines][:MOST_DRAWN]
    chosen = chosen or [item for item in CHARTS[choice.asked.statement] if item in lines] or list(lines)[:1]
    places = [(column, (column.period_end, column.months)) for column in table.columns]
    drawn = [(column, place) for column, place in places if any(place in lines[item].cells for item in chosen)]
    labels = []
    for column, place in drawn:
        cells = [lines[item].cells.get(place) for item in chosen]
        is_derived = any(cell is not None and cell.derived for cell in cells)
        labels.append(f"{column.label}\n{column.period_end}" + ("\nderived" if is_derived else ""))
    series = [{"name": words(item), "data": _points(lines[item], [place for _, place in drawn], numbers)}
              for item in chosen]  # fmt: skip
    unit = " ".join(filter(None, (choice.currency, numbers.unit)))
    return {"drawable": list(lines), "drawn": chosen, "data": {"x": labels, "series": series, "y": unit}}


def _points(line: Line, places: Sequence[Any], numbers: Numbers) -> list[float | None]:
    return [numbers.divided(cell.value) if (cell := line.cells.get(place)) else None for place in places]


def _api_addresses(release: OpenRelease, wanted: Wanted, asked: Asked) -> dict[str, str]:
    """The routes of the API with the same table: `csv` of values that are delivered, `json` with all."""
    path = f"{PREFIX}/companies/{wanted.company_id}/statements"
    parameters: Mapping[str, Any] = {
        "statement": wanted.statement,
        "months": wanted.months,
        "period_end": wanted.days,
        "fiscal_years": wanted.fiscal_years,
        "ends_of": [months for months in wanted.ends_of if months],
        "currency": wanted.currency,
        "source": wanted.source,
        "release": release.name,
    }
    derived = [] if wanted.source else asked.derived
    return {
        "csv": address(path, {**parameters, "format": "csv"}),
        "json": address(path, {**parameters, "derived": derived}),
    }


def _release(context: Context, state: ViewState) -> OpenRelease | None:
    """The release that is asked for; None if nothing is published yet."""
    try:
        return context.releases.open(state.release)
    except NoRelease:
        return None


def _unknown(
    request: Request, company_id: str, reference: Reference, release: OpenRelease | None, state: ViewState
) -> Response:
    """The page of a company that there is not, with the search."""
    resolution = companies.resolution_of(company_id, reference, datetime.now(UTC).date())
    similar = companies.matches(company_id, reference, release, resolution, SIMILAR)
    return page(request, "unknown_company.html", NOT_FOUND, state=state, company_id=company_id, matches=similar)
