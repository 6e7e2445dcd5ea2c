"""GET /api/v1/trace: why a number is what it is, down to the text that a source delivered."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.lineage import Trace
from finsync_pipeline.serving.listings import AskedRelease
from finsync_pipeline.serving.parameters import Day, Months, Text
from finsync_pipeline.serving.responses import context_of, headers_of, json_response, not_modified
from finsync_pipeline.serving.trace import trace as lineage_of

router = APIRouter(prefix=PREFIX, tags=["lineage"])


class AskedTrace(AskedRelease):
    """A cell of a release, or several."""

    company_id: Text = Field(min_length=1)
    item: Text = Field(min_length=1, description="A standard item; GET /api/v1/items lists them")
    period_end: Day | None = Field(None, description="Without it, the mean of the summary, or the texts of all days")
    months: Months | None = Field(None, description="The length of the period; all without it")
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None


@router.get("/trace", response_model=Trace)
def trace(request: Request, asked: Annotated[AskedTrace, Query()]) -> Response:
    """Where a number or text comes from: sources, rows as delivered, company decision, versions, what is not used."""
    release = context_of(request).releases.open(asked.release)
    headers = headers_of(request, release, asked)
    if known := not_modified(request, headers):
        return known
    found = lineage_of(release.folder, asked.company_id, asked.item, asked.period_end, asked.months, asked.currency)
    return json_response(request, found.model_dump(), headers)
