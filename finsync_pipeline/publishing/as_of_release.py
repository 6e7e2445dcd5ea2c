"""A release as it would have been on an earlier day, from the history of the current one."""

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.as_of import Suspects, as_of
from finsync_pipeline.publishing.build import disputes, summarise, with_names
from finsync_pipeline.publishing.consolidate import consolidate
from finsync_pipeline.publishing.release import Release, ReleaseOptions, current_folder, publish_beside, read_release
from finsync_pipeline.quality.agreement import Vintage
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import FACTS, TEXTS
from finsync_pipeline.storage.parquet import read_frame, write_frame

LINEAGE = ("raw_*.parquet", "earlier_raw_*.parquet", "company_ids.parquet", "ledger.parquet")
"""The tables of the current release that lead its facts, of whatever day, back to their raw rows."""


def release_as_of(
    day: date,
    suspects: Suspects,
    companies: pd.DataFrame,
    rules: Rules,
    vintages: Mapping[str, Vintage],
    options: ReleaseOptions,
) -> Release:
    """Publish what the current release knows of the day, beside the releases: `current` stays as it is.

    Its facts are those of `as_of.as_of`, and its texts those that were known by then and still are. They are compared
    and averaged by the present rules and the present list of `companies` (table COMPANIES). The folder is named after
    the time, `_as_of_` and the day. Raises PublicationError if there is no release, or nothing was known on that day.
    """
    current = current_folder(options.published)
    if current is None:
        raise PublicationError("there is no release yet", "Make one: finsync run", options.published)
    known = as_of(current, day, suspects)
    facts = FACTS.conform(known[~known["is_disputed"]].drop(columns="is_disputed"))
    if facts.empty:
        raise PublicationError(f"nothing was known on {day}", "Name a later day", f"--as-of {day}")
    with tempfile.TemporaryDirectory() as folder, DuckDBEngine() as engine:
        write_frame(facts, Path(folder) / "facts.parquet")
        made = consolidate([Path(folder) / "facts.parquet"], [], rules, vintages, companies)
        texts = engine.scan([current / "texts.parquet"], TEXTS.arrow)
        known_texts = texts.filter(nw.coalesce("known_since", "first_seen") <= nw.lit(day))
        summary, _ = summarise(engine, made.financials, known_texts, companies)
    csvs = {
        "company_summary": summary,
        "company_periods": with_names(made.financials.drop(columns="facts_version"), companies),
        "disputes": with_names(disputes(made.agreement), companies),
    }
    tables = {"company_summary": summary, "financials": made.financials, "agreement": made.agreement, "facts": facts}
    tables |= {file.stem: read_frame([file]) for pattern in LINEAGE for file in sorted(current.glob(pattern))}
    content = {
        "sources": _mappings(current),
        "as_of": str(day),
        "suspects": suspects,
        "facts": len(facts),
        "facts_disputed_in_source": int(known["is_disputed"].sum()),
    }
    return publish_beside(csvs, tables, content, options, f"_as_of_{day}")


def _mappings(release: Path) -> dict[str, Any]:
    sources = read_release(release).manifest["sources"]
    return {name: {"mappings": source.get("mappings", {})} for name, source in sources.items()}
