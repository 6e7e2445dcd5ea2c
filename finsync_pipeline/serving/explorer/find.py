"""The first view: find a company by any name or identifier, as it is typed."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.serving import companies
from finsync_pipeline.serving.explorer.rendering import page
from finsync_pipeline.serving.explorer.view_state import View
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.serving.routes.companies import current_release

router = APIRouter(include_in_schema=False)
SHOWN = 20
MOST_CHARACTERS = 200


@router.get("/")
def find(request: Request, state: View) -> Response:
    """Companies that match what is typed, and what it means by the rules of the pipeline."""
    context = context_of(request)
    reference = decider_of(context.deployment()).reference
    release = current_release(context)
    text = state.get("q")[:MOST_CHARACTERS].strip()
    resolution = companies.resolution_of(text, reference, datetime.now(UTC).date()) if text else None
    found = companies.matches(text, reference, release, resolution, SHOWN) if resolution else []
    return page(
        request,
        "find.html",
        state=state,
        text=text,
        resolution=resolution,
        matches=found,
        release=release,
        count=len(reference.companies),
    )
