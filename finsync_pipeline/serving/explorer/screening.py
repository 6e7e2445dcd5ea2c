"""The view /screen: companies by conditions, in a form or in words; their table, ranking, report and insights."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.federation.request import read_parts
from finsync_pipeline.serving import companies
from finsync_pipeline.serving.api_settings import PREFIX, Context
from finsync_pipeline.serving.explorer.numbers import Numbers
from finsync_pipeline.serving.explorer.rendering import HEADERS, page
from finsync_pipeline.serving.explorer.screen_form import (
    EMPTY_ROWS,
    KEPT_FIELDS,
    OPERATORS,
    WHERE,
    Form,
    form_of,
    is_sent,
    read_form,
)
from finsync_pipeline.serving.explorer.view_state import View, ViewState
from finsync_pipeline.serving.free_text import MANY, ReadText, read_text
from finsync_pipeline.serving.free_text_words import Part
from finsync_pipeline.serving.insights import disputed_counts, insights_of
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.parameters import MOST_CHARACTERS
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.serving.routes.companies import current_release
from finsync_pipeline.serving.routes.screen import AskedScreen
from finsync_pipeline.serving.screen import TEXTS, Screen, Screened, screen_of, screened
from finsync_pipeline.serving.screen_words import LENGTHS, name_words, screen_words
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import ITEMS, TEXT_ITEMS, Item

router = APIRouter(include_in_schema=False)
PARAMETERS = tuple(name for name in AskedScreen.model_fields if name not in ("release", "format"))
LISTS = (*MANY, "companies")
EXAMPLES = ("net income above 1 bn in 2009", "top 5 by cash", "revenue over 2 crore", "companies with goodwill missing",
            "net income between 10m and 20m before the mean")  # fmt: skip
LARGEST = 12
"""Bars of the chart of a report."""
GROUPS = {"income": "Income statement", "balance": "Balance sheet", "cash_flow": "Cash flow"}
BAD_REQUEST = 400
SEE_OTHER = 303


@dataclass(frozen=True)
class Column:
    """A column of items: its name, its formula if it is derived, and the address that ranks by it."""

    name: str
    formula: str
    operands: tuple[str, ...]
    is_text: bool
    is_per_share: bool
    sorted: str
    link: str


@dataclass(frozen=True)
class Result:
    """The table of a screen: its rows, columns, notes and where its pages and files are."""

    asked: Screen
    found: Screened
    rows: list[dict[str, Any]]
    columns: list[Column]
    disputed: dict[tuple[str, str, str], tuple[int, int]]
    numbers: Numbers
    words: list[str]
    absent: list[Column]
    csv: str
    next: str | None
    before: str | None


@router.get("/screen")
def screen(request: Request, state: View) -> Response:
    """The form, filled with what the address asks for, and the result."""
    if state.get("text"):
        return _moved(state, read_text(state.get("text")))
    context = context_of(request)
    release = current_release(context) if state.release == "current" else context.releases.open(state.release)
    if is_sent(state):
        return _sent(request, state, context, release)
    parameters = _parameters(state)
    content = _content(state, release, form_of(parameters).with_empty_rows())
    if release is None:
        return page(request, "screen.html", state=state, **content)
    try:
        content["result"] = _result(release, state, parameters)
    except QueryError as error:
        return page(request, "screen.html", BAD_REQUEST, state=state, **{**content, "error": error})
    if state.get("as") == "report":
        return page(request, "screen_report.html", state=state, **content, **_for_report(content["result"]))
    return page(request, "screen.html", state=state, **content)


@router.get("/screen/insights")
def insights(request: Request, state: View) -> Response:
    """What stands out among the companies of the result."""
    release = context_of(request).releases.open(state.release)
    parameters = _parameters(state)
    found, error = None, None
    asked = screen_of({})
    try:
        asked = _asked(parameters)
        found = insights_of(release, asked)
    except QueryError as problem:
        error = problem
    return page(
        request,
        "screen_insights.html",
        BAD_REQUEST if error else 200,
        state=state,
        release=release,
        found=found,
        error=error,
        words=list(screen_words(asked, state.numbers.full)),
        back=_address("/screen", parameters, state),
        named=bool(asked.shown),
    )


def _sent(request: Request, state: ViewState, context: Context, release: OpenRelease | None) -> Response:
    """The view at the address of the form's fields; or the form with what is wrong, or as it was before a row more."""
    form = read_form(state)
    found = None
    if form.company:
        text = form.company[:MOST_CHARACTERS]
        reference = decider_of(context.deployment()).reference
        resolution = companies.resolution_of(text, reference, datetime.now(UTC).date())
        if resolution.company_id:
            form = replace(form, company="", companies=tuple(dict.fromkeys([*form.companies, resolution.company_id])))
        else:
            found = companies.matches(text, reference, release, resolution, 10)
            why = "may mean several companies" if found else "is not a company of the list"
            form = replace(form, errors={**form.errors, "company": f"\u201c{text}\u201d {why}"})
    is_more = state.get("do") == "add"
    if not form.is_wrong and not is_more:
        return RedirectResponse(_address("/screen", form.parameters(), state), SEE_OTHER, headers=HEADERS)
    shown = form.with_empty_rows(2 * EMPTY_ROWS if is_more else EMPTY_ROWS)
    if is_more:
        shown = replace(shown, rows=tuple(replace(row, error="") if not row.value else row for row in shown.rows))
    content = _content(state, release, shown)
    content["matches"] = [(each, _with_company(state, form, each.company.company_id)) for each in found or ()]
    status = BAD_REQUEST if shown.is_wrong else 200
    return page(request, "screen.html", status, state=state, **content)


def _with_company(state: ViewState, form: Form, company_id: str) -> str:
    """The address of the form's fields, with one more company."""
    chosen = list(dict.fromkeys([*form.companies, company_id]))
    return _address("/screen", {**form.parameters(), "companies": chosen}, state)


def _moved(state: ViewState, read: ReadText) -> Response:
    """The view at the address of what was understood of a text."""
    kept = [(key, value) for key, value in state.parameters if key in ("release", "scale", "lang")]
    pairs = [*kept, ("q", read.text), *((name, each) for name, values in read.parameters.items() for each in values)]
    return RedirectResponse(f"/screen?{urlencode(pairs)}", SEE_OTHER, headers=HEADERS)


def _content(state: ViewState, release: OpenRelease | None, form: Form) -> dict[str, Any]:
    """What every page of the view shows."""
    return {
        "release": release,
        "form": form,
        "is_open": form.is_wrong or is_sent(state) or not _parameters(state),
        "result": None,
        "error": None,
        "matches": [],
        "read": _read(state),
        "groups": _groups(),
        "formulas": FORMULAS,
        "texts": TEXTS,
        "operators": OPERATORS,
        "wheres": WHERE,
        "lengths": LENGTHS,
        "examples": EXAMPLES,
        "quarters": _quarters(release),
        "currencies": _currencies(release),
        "names": _names(release, form.companies),
    }


def _groups() -> dict[str, list[Item]]:
    """The items with numbers by statement."""
    return {
        title: [item for item in ITEMS.values() if item.statement == statement] for statement, title in GROUPS.items()
    }


def _quarters(release: OpenRelease | None) -> list[tuple[str, str]]:
    """The quarters of which the release has periods of three months, the latest first: days, and the name."""
    if release is None or not release.has("financials"):
        return []
    sql = """
        SELECT DISTINCT year(period_end), quarter(period_end),
            last_day(date_trunc('quarter', period_end) + INTERVAL 2 MONTH)
        FROM financials WHERE months = 3 ORDER BY ALL DESC
    """
    rows = release.query(sql).rows
    return [(f"{year}-{3 * number - 2:02}-01...{last}", f"Q{number} {year}") for year, number, last in rows]


def _currencies(release: OpenRelease | None) -> list[str]:
    if release is None or not release.has("company_summary"):
        return []
    return [row[0] for row in release.query("SELECT DISTINCT currency FROM company_summary ORDER BY 1").rows]


def _names(release: OpenRelease | None, chosen: tuple[str, ...]) -> dict[str, str]:
    """The names of these companies by id."""
    if release is None or not chosen or not release.has("company_summary"):
        return {}
    sql = "SELECT DISTINCT company_id, company_name FROM company_summary WHERE list_contains(?, company_id)"
    return {company_id: name for company_id, name in release.query(sql, list(chosen)).rows if name}


def _parameters(state: ViewState) -> dict[str, list[str]]:
    return {name: state.all(name) for name in PARAMETERS if state.all(name)}


def _asked(parameters: dict[str, list[str]]) -> Screen:
    """The screen that the parameters ask for. Raises QueryError."""
    given = {name: values if name in LISTS else values[-1] for name, values in parameters.items()}
    return screen_of(read_parts(AskedScreen, given).model_dump(exclude={"release", "format"}))


def _result(release: OpenRelease, state: ViewState, parameters: dict[str, list[str]]) -> Result:
    """The table that the parameters ask for. Raises QueryError."""
    asked = _asked(parameters)
    found = screened(release, asked)
    rows = found.rows.as_dicts()[: asked.limit]
    items = [*asked.shown_texts, *asked.shown]
    amounts = [row[name] for row in rows for name in asked.shown if not _is_per_share(name)]
    has_more = len(found.rows.rows) > asked.limit
    for_csv = [(name, each) for name, values in parameters.items() for each in values]
    columns = [_column(name, asked, state) for name in items]
    return Result(
        asked=asked,
        found=found,
        rows=rows,
        columns=columns,
        disputed=disputed_counts(release, asked, [row["company_id"] for row in rows]),
        numbers=state.numbers.for_values(amounts),
        words=list(screen_words(asked, state.numbers.full)),
        absent=[column for column in columns if rows and all(row[column.name] is None for row in rows)],
        csv=f"{PREFIX}/screen?{urlencode([*for_csv, ('release', release.name), ('format', 'csv')])}",
        next=state.here(after=asked.after + asked.limit) if has_more else None,
        before=state.here(after=max(0, asked.after - asked.limit) or None) if asked.after else None,
    )


def _column(name: str, asked: Screen, state: ViewState) -> Column:
    formula = FORMULAS.get(name)
    is_ranked = asked.order_by == name
    falls = "false" if is_ranked and asked.descending else "true"
    return Column(
        name=name,
        formula=formula.formula if formula else "",
        operands=formula.items if formula else (name,),
        is_text=name in TEXT_ITEMS,
        is_per_share=_is_per_share(name),
        sorted=("descending" if asked.descending else "ascending") if is_ranked else "",
        link="" if name in TEXT_ITEMS else state.here(order_by=name, descending=falls, after=None),
    )


def _is_per_share(name: str) -> bool:
    return (FORMULAS[name].unit if name in FORMULAS else ITEMS[name].unit) == "per_share"


def _for_report(result: Result) -> dict[str, Any]:
    """The chart of the largest, and the day."""
    numeric = [
        column
        for column in result.columns
        if not column.is_text and not column.is_per_share and column not in result.absent
    ]
    named = next((column for column in numeric if column.sorted), numeric[0] if numeric else None)
    return {
        "chart_data": _chart(result, named.name) if named else None,
        "chart_name": named.name if named else "",
        "day": datetime.now(UTC).date(),
    }


def _chart(result: Result, name: str) -> dict[str, Any]:
    """Bars of the largest magnitudes, in the currency that most of the companies have."""
    rows = [row for row in result.rows if row[name] is not None]
    [(currency, _)] = Counter(row["currency"] for row in rows).most_common(1)
    rows = sorted((row for row in rows if row["currency"] == currency), key=lambda row: -abs(row[name]))[:LARGEST]
    unit = " ".join(filter(None, (result.numbers.unit, currency)))
    return {
        "x": [row["company_name"] or row["company_id"] for row in rows],
        "series": [
            {"name": f"{name_words(name)}, {unit}", "data": [result.numbers.divided(row[name]) for row in rows]}
        ],
        "y": unit,
    }


def _read(state: ViewState) -> dict[str, Any] | None:
    """How the text of the address was read: each part with whether it still holds, and where it is removed."""
    if not state.get("q"):
        return None
    read = read_text(state.get("q"))
    return {
        "text": read.text,
        "parts": [
            {
                "text": read.text[part.start : part.end],
                "meaning": part.meaning,
                "note": part.note,
                "holds": _holds(state, part),
                "field": _field_of(part),
                "without": _without(state, part),
                "others": [(each.meaning, _without(state, part, each.changes)) for each in part.others],
            }
            for part in read.parts
        ],
        "not_understood": read.not_understood,
        "passed_over": [read.text[start:end] for start, end in read.passed_over],
    }


def _holds(state: ViewState, part: Part) -> bool:
    return all(each in state.all(name) for name, values in part.changes.items() for each in values)


def _field_of(part: Part) -> str:
    """The field of the form that shows the part."""
    name = next(iter(part.changes))
    named = {"where": "conditions", "where_periods": "conditions", "texts": "conditions", "fiscal_years": "years",
             "period_end": "first", "items": "columns", "descending": "order_by"}  # fmt: skip
    return named.get(name, name)


def _without(state: ViewState, part: Part, instead: Any = None) -> str:
    """This address without what the part asks for, and with something else instead."""
    remaining = [
        (name, value) for name, value in state.parameters if value not in part.changes.get(name, ()) and name != "after"
    ]
    added = [(name, each) for name, values in (instead or {}).items() for each in values]
    return f"/screen?{urlencode([*remaining, *added])}"


def _address(path: str, parameters: dict[str, list[str]], state: ViewState) -> str:
    kept = [(key, value) for key, value in state.parameters if key in KEPT_FIELDS]
    pairs = [*kept, *((name, each) for name, values in parameters.items() for each in values)]
    return f"{path}?{urlencode(pairs)}" if pairs else path
