"""The SQL view: one SELECT over the sources or a release, answered as a table, a chart or a plan, to be downloaded.

A page that a browser asks for has the editor alone, and loads the answer: a live query may take a minute. What is
posted, a query that is too long for an address, and what asks to wait, as browsers without script do, has the answer.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from finsync_pipeline.errors import FinSyncError
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.query import is_explained
from finsync_pipeline.publishing.release import CURRENT
from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.explorer.query_result import (
    MOST_ROWS,
    ChartChoice,
    ResultChart,
    ResultTable,
    chart_of,
    table_of,
)
from finsync_pipeline.serving.explorer.rendering import is_fragment, page
from finsync_pipeline.serving.explorer.view_state import View, ViewState
from finsync_pipeline.serving.formats import FORMATS, as_json, json_rows
from finsync_pipeline.serving.problems import RequestProblem, problem_of
from finsync_pipeline.serving.queries import (
    MOST_LINKED_SQL,
    MOST_SQL,
    Answered,
    QueryOptions,
    run_query,
    standard_views,
)
from finsync_pipeline.serving.release_list import list_releases
from finsync_pipeline.serving.responses import context_of, table_response

router = APIRouter(include_in_schema=False)
FORM = "application/x-www-form-urlencoded"
SHOWS = ("table", "chart", "plan")


@dataclass(frozen=True)
class Result:
    """What the page shows of an answer."""

    answer: Answer
    release: str | None
    table: ResultTable
    chart: ResultChart | None
    plan: dict[str, Any] | None
    downloads: dict[str, str]


@dataclass(frozen=True)
class Mistake:
    """Why there is no answer; of a mistake in the SQL the line with the place in three parts, and where it is."""

    problem: RequestProblem
    line: int | None = None
    column: int | None = None
    parts: tuple[str, str, str] | None = None


async def posted_state(request: Request) -> ViewState:
    """The state of a view in the body of a form. Raises RequestProblem."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise RequestProblem("media-type", "the page takes a form", f"send {FORM}")
    return ViewState(Request({**request.scope, "query_string": await request.body()}))


PostedView = Annotated[ViewState, Depends(posted_state)]


@router.get("/sql")
def sql(request: Request, state: View) -> Response:
    """The editor; and the answer, if the browser asks for it or waits."""
    return _page(request, state, is_answered=is_fragment(request) or bool(state.get("wait")))


@router.post("/sql")
def posted_sql(request: Request, state: PostedView) -> Response:
    """The same of a query that is too long for an address."""
    return _page(request, state, is_answered=True)


@router.post("/sql/download")
def download(request: Request, state: PostedView) -> Response:
    """The whole answer as a file, of a query that is too long for an address."""
    format_ = FORMATS.get(state.get("format"))
    if format_ is None:
        raise RequestProblem("invalid-parameter", "there is no such format", f"ask for {', '.join(FORMATS)}")
    answer = run_query(request, _sql_of(state), _options(state)).answer
    headers = {"Content-Disposition": f'attachment; filename="answer.{format_.name}"', "Cache-Control": "no-store"}
    if format_.write is not None:
        return table_response(format_, answer.table, headers)
    return Response(as_json(json_rows(answer.table)), media_type=format_.media_type, headers=headers)


@cache
def examples() -> list[dict[str, str]]:
    """The title and the SQL of each example."""
    with (Path(__file__).parent / "sql_examples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _page(request: Request, state: ViewState, is_answered: bool) -> Response:
    text = state.get("q")
    result, mistake = _result(request, state) if text.strip() and is_answered else (None, None)
    return page(
        request,
        "sql.html",
        status=mistake.problem.type.status if mistake else 200,
        state=state,
        text=text,
        result=result,
        mistake=mistake,
        is_waiting=bool(text.strip()) and not is_answered,
        is_part=is_fragment(request),
        shown=_shown(state),
        shows=SHOWS,
        releases=list_releases(context_of(request).published),
        examples=examples(),
        standard_views=standard_views(),
        most_rows=MOST_ROWS,
        most_linked=MOST_LINKED_SQL,
    )


def _result(request: Request, state: ViewState) -> tuple[Result | None, Mistake | None]:
    text, shown = _sql_of(state), _shown(state)
    options = _options(state)
    is_live = options.release is None and options.against is None
    try:
        answered = run_query(request, text, options, is_explained=is_live and shown == "plan")
    except FinSyncError as error:
        problem = problem_of(error)
        if problem.code in ("internal", "not-usable"):
            raise  # the log needs more than the page shows
        return None, _mistake(text, error, problem)
    return _shown_result(state, answered, shown), None


def _shown_result(state: ViewState, answered: Answered, shown: str) -> Result:
    answer = answered.answer
    choice = ChartChoice(state.get("x"), state.all("y"), state.get("by"), state.get("kind"))
    return Result(
        answer,
        answered.release,
        table_of(answer.table, state.numbers),
        chart_of(answer.table, choice) if shown == "chart" else None,
        answer.plan.as_dict() if answer.plan and shown == "plan" else None,
        _downloads(state),
    )


def _shown(state: ViewState) -> str:
    if is_explained(state.get("q")):
        return "plan"
    return state.get("show") if state.get("show") in SHOWS else "table"


def _sql_of(state: ViewState) -> str:
    text = state.get("q").replace("\r\n", "\n")
    if len(text) > MOST_SQL:
        raise RequestProblem("too-large", f"the SQL has {len(text):,} characters", f"write at most {MOST_SQL:,}")
    return text


def _options(state: ViewState) -> QueryOptions:
    against = state.get("against") or None
    release = state.get("release") or (CURRENT if against else None)
    return QueryOptions(release, against, is_partial=release is None and state.get("partial") == "true")


def _downloads(state: ViewState) -> dict[str, str]:
    """The addresses of the whole answer, by format; none of SQL that is too long for them."""
    if len(state.get("q")) > MOST_LINKED_SQL:
        return {}
    options = _options(state)
    asked = {"q": _sql_of(state), "release": options.release, "against": options.against}
    asked["partial"] = "true" if options.is_partial else None
    given = {name: value for name, value in asked.items() if value}
    return {name: f"{PREFIX}/query?{urlencode({**given, 'format': name})}" for name in FORMATS}


def _mistake(text: str, error: FinSyncError, problem: RequestProblem) -> Mistake:
    place = str(error.where).removeprefix("line ").split(", column ")
    if not isinstance(error, QueryError) or len(place) != 2 or not all(each.isdigit() for each in place):
        return Mistake(problem)
    line, column = map(int, place)
    written = (text.split("\n")[line - 1 : line] or [""])[0]
    end = column
    while end < len(written) and (written[end].isalnum() or written[end] == "_"):
        end += 1
    return Mistake(
        RequestProblem(problem.code, error.what, error.fix),
        line,
        column,
        (written[: column - 1], written[column - 1 : end], written[end:]),
    )
