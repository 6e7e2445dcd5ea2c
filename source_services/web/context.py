"""What all routes of one service share."""

from dataclasses import dataclass

from aiohttp import web

from source_services.query.pool import Engine
from source_services.query.spool import Spool
from source_services.served_table import ServedTable
from source_services.settings import Limits
from source_services.web.access import Access
from source_services.web.telemetry import Telemetry


@dataclass(frozen=True)
class Context:
    """The table, the threads of its queries, the limits, and the room for answers that are too large for memory."""

    table: ServedTable
    engine: Engine
    limits: Limits
    access: Access
    telemetry: Telemetry
    spool: Spool


CONTEXT = web.AppKey("context", Context)


def context_of(request: web.Request) -> Context:
    """The context of the request's service."""
    return request.app[CONTEXT]
