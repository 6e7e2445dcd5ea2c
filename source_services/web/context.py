"""What all routes of one service share."""

from dataclasses import dataclass

from aiohttp import web

from source_services.query.pool import QueryPool
from source_services.served_table import ServedTable
from source_services.web.access import AccessControl
from source_services.web.telemetry import Telemetry


@dataclass(frozen=True)
class Context:
    """The table of a service, and what serves it."""

    table: ServedTable
    pool: QueryPool
    access: AccessControl
    telemetry: Telemetry


CONTEXT = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """The context of the request's service."""
    return request.app[CONTEXT]
