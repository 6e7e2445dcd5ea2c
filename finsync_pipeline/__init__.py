"""FinSync: financial statements from services that disagree, made into one table that can be trusted.

What Python programs use, without Dagster: `query`, and of a release `open_release`, `financials`, `facts`, `rejects`,
`table` and `trace`. docs/python.md shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from finsync_pipeline.federation.answer import Answer
    from finsync_pipeline.federation.deployment import Deployment
    from finsync_pipeline.federation.request import Request
    from finsync_pipeline.serving.lineage import Trace
    from finsync_pipeline.serving.open_release import OpenRelease

__all__ = ["facts", "financials", "open_release", "query", "rejects", "table", "trace"]

# Nothing is imported above: whoever imports a part of FinSync does not wait for all that a query needs


def query(sql: str | Request, deployment: Deployment | None = None, **options: Any) -> Answer:
    """The answer to one SELECT over the standard views, or to a Request.

    As in `query("SELECT ...", release="current").to_pandas()`: `options` are those of `federation.query.query`.
    Without a deployment it is that of the settings.
    """
    from finsync_pipeline.federation import query as entry
    from finsync_pipeline.settings import load_settings_file, query_deployment

    if deployment is None:
        load_settings_file()
        deployment = query_deployment()
    return entry.query(sql, deployment, **options)


def open_release(name: str = "current") -> OpenRelease:
    """The release of this name, or of the beginning of one, in FINSYNC_HOME; `manifest` has what went into it.

    Raises QueryError if there is none.
    """
    from finsync_pipeline.federation.releases import find_release
    from finsync_pipeline.serving.open_release import OpenRelease
    from finsync_pipeline.settings import load_settings_file, published_folder

    load_settings_file()
    return OpenRelease(find_release(published_folder(), name))


def financials(release: str | OpenRelease = "current", **filters: Any) -> Answer:
    """The published values: a row for each company, period end, length in months and currency.

    `filters` are columns, as in `financials(company_id="0000320193", period_end="2009-01-01...2009-12-31", months=12)`;
    a list stands for one of several values, and `columns` lists those of the answer. Raises QueryError.
    """
    return table("periods", release, **filters)


def facts(release: str | OpenRelease = "current", **filters: Any) -> Answer:
    """The numbers of single sources; filters as in `financials`."""
    return table("facts", release, **filters)


def rejects(release: str | OpenRelease = "current", **filters: Any) -> Answer:
    """The rows and cells that are not used, each with the reason; filters as in `financials`."""
    return table("rejects", release, **filters)


def table(listing: str, release: str | OpenRelease = "current", **filters: Any) -> Answer:
    """Any table of a release by its name in the API, such as `disputes` or `revisions`; filters as in `financials`.

    Raises QueryError for another name or filter.
    """
    from finsync_pipeline.federation.answer import Answer
    from finsync_pipeline.serving.listings import read_listing

    opened = open_release(release) if isinstance(release, str) else release
    return Answer(read_listing(opened, listing, filters))


def trace(
    company_id: str,
    item: str,
    period_end: date | str | None = None,
    months: int | None = None,
    currency: str | None = None,
    release: str | Path = "current",
) -> Trace:
    """Where a number or text of a release comes from, as `serving.trace.trace` gives it.

    As in `trace("0000320193", "revenue", "2009-09-30")`: `release` is `current`, the name of a release or the beginning
    of it, among those that the settings name, or the folder of any. Raises QueryError for a text that is not a day.
    """
    from finsync_pipeline.federation.releases import find_release
    from finsync_pipeline.serving import trace as entry
    from finsync_pipeline.serving.periods import read_day
    from finsync_pipeline.settings import load_settings_file, published_folder

    if isinstance(release, str):
        load_settings_file()
        release = find_release(published_folder(), release)
    day = read_day(period_end) if isinstance(period_end, str) else period_end
    return entry.trace(release, company_id, item, day, months, currency)
