"""Queries as the API and the explorer run them: a bounded number at a time, each over one release from begin to end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from pydantic import BaseModel, Field

from finsync_pipeline.federation import query as entry
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.federation.request import Request as TypedRequest
from finsync_pipeline.federation.schema import VIEWS
from finsync_pipeline.publishing.release import CURRENT
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.responses import context_of

MOST_SQL = 100_000
"""Characters of a query."""
MOST_LINKED_SQL = 8_000
"""Characters of a query in an address."""


@dataclass(frozen=True)
class QueryOptions:
    """What a query is asked of: the sources, a release, or what this and the one `against` do not have in common."""

    release: str | None = None
    against: str | None = None
    is_partial: bool = False


@dataclass(frozen=True)
class Answered:
    """An answer, and the name of the release that it is over; None: the sources were asked."""

    answer: Answer
    release: str | None


class ViewColumn(BaseModel):
    """A column of a standard view."""

    name: str
    type: str
    description: str


class StandardView(BaseModel):
    """A standard view that a query may read."""

    name: str
    description: str
    keys: list[str] = Field(description="The columns that identify a row")
    columns: list[ViewColumn]


def run_query(request: Request, sql: str | TypedRequest, options: QueryOptions, is_explained: bool = False) -> Answered:
    """The answer to the query, with its plan if it is to be explained.

    Raises RequestProblem if as many queries run as may, and the errors of `federation.query`.
    """
    context = context_of(request)
    release = None
    if options.release is not None or options.against is not None:
        # Found once: another one may be published meanwhile
        release = find_release(context.published, options.release or CURRENT).name
    with _one_at_a_time(request):
        answer = entry.query(
            sql,
            context.deployment(),
            release=release,
            against=options.against,
            partial=options.is_partial,
            explain=is_explained,
        )
    return Answered(answer, release)


def standard_views() -> list[StandardView]:
    """The views that a query may read."""
    return [
        StandardView(
            name=view.name,
            description=view.description,
            keys=list(view.keys),
            columns=[
                ViewColumn(name=each.name, type=str(each.type), description=each.description) for each in view.fields
            ],
        )
        for view in VIEWS.values()
    ]


@contextmanager
def _one_at_a_time(request: Request) -> Iterator[None]:
    """Within the block, one of the queries that may run at the same time. Raises RequestProblem."""
    running: Any = request.app.state.queries
    if not running.acquire(blocking=False):
        raise RequestProblem("busy", "as many queries run as may")
    try:
        yield
    finally:
        running.release()
