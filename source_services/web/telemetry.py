"""Telemetry for operators: a log line in JSON for each request, and Prometheus metrics."""

import json
import logging
import math
import sys
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from source_services.query.pool import QueryPool
from source_services.served_table import ServedTable
from source_services.web.access import client_of

LOG = logging.getLogger("source_services")
TOO_MANY_REQUESTS = 429

MOST_TEXTS = 10_000
"""Texts that are remembered in order not to repeat them."""

LOG_LEVELS = ("debug", "info", "warning", "error")


class Repetitions:
    """What was said in the last `seconds`, so that it is not repeated: a log must not be how a disk is filled."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._said_at = seconds, dict[str, float]()

    def is_new(self, text: str) -> bool:
        """Whether it was not said in the last seconds; now it is."""
        now = time.monotonic()
        if now - self._said_at.get(text, -math.inf) < self._seconds:
            return False
        if len(self._said_at) > MOST_TEXTS:
            self._said_at.clear()
        self._said_at[text] = now
        return True


class Telemetry:
    """The metrics and the request log of one service."""

    def __init__(self, table: ServedTable, pool: QueryPool) -> None:
        self.service, self.registry = table.service.name, CollectorRegistry()
        self.requests = self._counter("requests", "Requests.", "route", "status")
        self.rows = self._counter("rows", "Rows that were sent.", "format")
        self.bytes = self._counter("bytes", "Bytes of rows that were sent.", "format")
        self.results = self._counter("kept_answers", "Results by origin: kept (from the cache) or made.", "from")
        self.seconds = Histogram("finsync_request_seconds", "Time to respond.", ["route"], registry=self.registry)
        self._refusals = Repetitions(1)
        self._gauge("queries_running", "Queries that run now.", lambda: pool.running)
        self._gauge("queries_waiting", "Queries that wait for a connection.", lambda: pool.waiting)
        self._gauge("table_rows", "Rows of the table.", lambda: table.current.metadata.row_count)
        self._gauge("versions_published", "Versions that were published since the start.", lambda: table.published)
        self._gauge("versions_refused", "Data files that could not be loaded since the start.", lambda: table.rejected)
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"finsync_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(f"finsync_{name}", text, registry=self.registry).set_function(value)

    def record(self, request: web.Request, status: int, seconds: float, fields: dict[str, Any]) -> None:
        """Count and log one request; of those of one client that get 429, log one a second."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "other"
        self.requests.labels(route, status).inc()
        self.seconds.labels(route).observe(seconds)
        if status == TOO_MANY_REQUESTS and not self._refusals.is_new(client_of(request)):
            return
        shared = {"service": self.service, "method": request.method, "route": route, "status": status}
        timed = {"milliseconds": round(seconds * 1000, 1), "client": request.remote}
        LOG.info("answered", extra={"fields": {**shared, **timed, **fields}})


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(level: str) -> None:
    """Write the log of the services as lines of JSON to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    LOG.handlers, LOG.propagate = [handler], False
    LOG.setLevel(level.upper())
