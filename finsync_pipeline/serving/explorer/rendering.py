"""Pages and fragments: HTML from the templates beside this module, with the headers that keep browsers safe."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from finsync_pipeline.publishing.release import CURRENT
from finsync_pipeline.serving.explorer.numbers import NOTHING
from finsync_pipeline.serving.explorer.view_state import ViewState
from finsync_pipeline.serving.explorer.words import words
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.serving.statement_table import reason

FOLDER = Path(__file__).parent
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "same-origin",  # with no-referrer, forms are sent without their origin
}
VIEWS = {
    "/": "Companies",
    "/screen": "Screen",
    "/quality": "Quality",
    "/review": "Review",
    "/sql": "SQL",
    "/releases": "Releases",
}
"""The views in the navigation, by their addresses."""


def page(request: Request, template: str, status: int = 200, **content: Any) -> Response:
    """The page of a template; of a request by htmx only the fragment that it replaces."""
    state: ViewState = content.pop("state", None) or ViewState(request)
    layout = "fragment.html" if is_fragment(request) else "page.html"
    text = (
        environment()
        .get_template(template)
        .render(
            layout=layout,
            state=state,
            numbers=state.numbers,
            views=VIEWS,
            path=request.url.path,
            other_release=other_release(request, state),
            **content,
        )
    )
    return Response(text, status_code=status, media_type="text/html", headers=HEADERS)


def other_release(request: Request, state: ViewState) -> str | None:
    """The release that the address names, if it is not the current one."""
    current = context_of(request).releases.current
    is_current = state.release == CURRENT or (current is not None and current.name.startswith(state.release))
    return None if is_current else state.release


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a part of the page that is there already."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def problem_page(request: Request, problem: RequestProblem, request_id: str) -> Response:
    """A problem as a page that names the next step."""
    return page(request, "problem.html", problem.type.status, problem=problem, request_id=request_id)


@cache
def environment() -> Environment:
    """The templates, which escape every text that is put into them."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(nothing=NOTHING, version=version("finsync"), asset=asset)
    made.filters["json"] = lambda value: json.dumps(value, default=str).replace("<", "\\u003c")
    made.filters["words"] = lambda name: str(name).replace("_", " ")
    made.filters["item"] = words
    made.filters["reason"] = reason
    return made


@cache
def asset(path: str) -> str:
    """The address of a file of the explorer, which changes with its content."""
    digest = hashlib.sha256((FOLDER / path).read_bytes()).hexdigest()[:12]
    return f"/explorer/{digest}/{path}"
