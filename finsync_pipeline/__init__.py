"""FinSync: financial statements from services that disagree, made into one table that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finsync_pipeline.federation.answer import Answer
    from finsync_pipeline.federation.deployment import Deployment
    from finsync_pipeline.federation.request import Request

__all__ = ["query"]


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
