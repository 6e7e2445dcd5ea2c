"""Small releases to query: a few facts of two companies by two sources, and a deployment around them."""

from pathlib import Path
from typing import Any

import pandas as pd
from factories import ENDS, Q3, fact, summary_frame, text

from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.engine import Limits
from finsync_pipeline.publishing.release import ReleaseOptions, publish
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, TEXTS

COMPANIES = "company_id,name,country\nc1,One,US\nc2,Two,DE\n"
FACTS_OF_FIRST = [
    fact(100.0),
    fact(10.0, "net_income"),
    fact(105.0, source="other"),
    fact(70.0, period_end=ENDS[Q3]),
    fact(0.1, company_id="c2"),
    fact(500.0, "total_assets", months=0, source="balance_sheet"),
    fact(25.0, months=3),
]


def release_of(
    published: Path, facts: list[dict[str, Any]] = FACTS_OF_FIRST, without: str = "", **tables: pd.DataFrame
) -> Path:
    """Publish these facts; returns the folder of the release."""
    made = {"facts": FACTS.frame(facts), "texts": TEXTS.frame([text("Tech")]), "financials": FINANCIALS.frame()}
    stored = {name: frame for name, frame in (made | tables).items() if name != without}
    options = ReleaseOptions(published, force=True, accept="a test")
    if without == "facts":
        raise ValueError("what is lost is found by the facts")
    return publish({"company_summary": summary_frame()}, stored, {}, options).folder


def deployment_in(folder: Path, limits: Limits | None = None) -> Deployment:
    """A deployment without sources over the releases in the folder."""
    if not (folder / "companies.csv").exists():  # another worker may read it
        (folder / "companies.csv").write_text(COMPANIES)
    return Deployment(
        mappings={},
        reference=folder / "companies.csv",
        review=None,
        agreement=None,
        quarters=[],
        tables=folder / "tables",
        published=folder / "published",
        cache=folder / "cache",
        limits=limits or Limits(),
    )
