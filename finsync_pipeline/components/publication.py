"""The run's leave to publish without a source, as a resource that is set when a run is launched."""

import dagster as dg
from pydantic import Field


class Publication(dg.ConfigurableResource[None]):
    """`resources: {publication: {config: {allow_missing: [cash_flow]}}}` in a run's config."""

    allow_missing: list[str] = Field(
        default=[], description="Sources that the financials and the release may lack; the manifest says so."
    )
