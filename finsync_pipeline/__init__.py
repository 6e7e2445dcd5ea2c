"""FinSync: financial statements from services that disagree, made into one table that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from finsync_pipeline.federation.answer import Answer
    from finsync_pipeline.federation.deployment import Deployment
    from finsync_pipeline.federation.request import Request
    from finsync_pipeline.serving.lineage import Trace

__all__ = ["query", "trace"]


def query(sql: str | Request, deployment: Deployment | None = None, **options: Any) -> Answer:
    """The answer to one SELECT over the standard views, or to a Request.

    As in `query("SELECT ...", release="current").to_pandas()`: `options` are those of `federation.query.query`.
    Without a deployment it is that of the settings.
    """
    # Not above: whoever imports a part of FinSync does not wait for all that a query needs
    from finsync_pipeline.federation import query as entry
    from finsync_pipeline.settings import load_settings_file, query_deployment

    if deployment is None:
        load_settings_file()
        deployment = query_deployment()
    return entry.query(sql, deployment, **options)


def trace(
    company_id: str,
    item: str,
    period_end: date | None = None,
    months: int | None = None,
    currency: str | None = None,
    release: str | Path = "current",
) -> Trace:
    """Where a number or text of a release comes from, as `serving.trace.trace` gives it.

    As in `trace("0000320193", "revenue", date(2009, 9, 30))`: `release` is `current`, the name of a release or the
    beginning of it, among those that the settings name, or the folder of any.
    """
    from finsync_pipeline.federation.releases import find_release
    from finsync_pipeline.serving import trace as entry
    from finsync_pipeline.settings import load_settings_file, published_folder

    if isinstance(release, str):
        load_settings_file()
        release = find_release(published_folder(), release)
    return entry.trace(release, company_id, item, period_end, months, currency)
