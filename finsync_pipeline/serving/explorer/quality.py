"""Quality at a glance: coverage, agreement, identity, accounting, rejects, freshness and what changed.

Each part has its own address, and is loaded into the overview when it comes into view. What it shows are the counts of
`serving.quality`, as a picture with its table; each number leads to the rows that it counts. The parts are made in
`quality_parts`.
"""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from finsync_pipeline.serving.explorer.quality_parts import PARTS
from finsync_pipeline.serving.explorer.rendering import is_fragment, page
from finsync_pipeline.serving.explorer.view_state import View
from finsync_pipeline.serving.listings import LISTINGS, read_page
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.statements.reasons import REASONS

router = APIRouter(include_in_schema=False)
ROWS = 100


@router.get("/quality")
def overview(request: Request, state: View) -> Response:
    """All parts, each loaded when it comes into view; without script, links to them."""
    release = context_of(request).releases.open(state.release)
    return page(request, "quality.html", state=state, release=release, parts=PARTS)


@router.get("/quality/rejects/rows")
def rejected_rows(request: Request, state: View) -> Response:
    """The rows and cells that are not used for a reason, page by page."""
    release = context_of(request).releases.open(state.release)
    listing = LISTINGS["rejects"]
    filters = {name: [value] for name in ("source", "reason", "item") if (value := state.get(name))}
    after = int(text) if (text := state.get("after")).isdecimal() and text.isascii() and len(text) < 15 else -1
    columns = ["quarter", "source", "reason", "row_key", "item", "column", "raw_text", "cells"]
    asked = listing.asked(**filters, limit=ROWS, after=after, columns=columns)  # type: ignore[arg-type]
    found = read_page(release, listing, asked)
    query = urlencode({**{name: value for name, [value] in filters.items()}, "release": release.name, "format": "csv"})
    return page(
        request,
        "quality_rejects.html",
        state=state,
        release=release,
        rows=found.rows,
        next=found.next,
        columns=columns,
        meaning=REASONS.get(state.get("reason")),
        csv=f"/api/v1/rejects?{query}&limit=10000",
    )


@router.get("/quality/{name}")
def one_part(request: Request, state: View, name: str) -> Response:
    """One part, alone or as the fragment that the overview loads."""
    if name not in PARTS:
        raise RequestProblem("not-found", f"quality has no part {name[:40]!r}", f"there are {', '.join(PARTS)}")
    title, read = PARTS[name]
    release = context_of(request).releases.open(state.release)
    return page(
        request,
        "quality_part.html",
        state=state,
        release=release,
        name=name,
        title=title,
        part=read(request, state, release),
        heading="h2" if is_fragment(request) else "h1",
        views_of_quality=PARTS,
    )
