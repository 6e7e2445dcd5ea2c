"""What operators see: a line of JSON for each request, and Prometheus metrics."""

import json
import logging
import sys
import time
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

LOG = logging.getLogger("source_services")
_OWN = ("service", "request_id", "method", "route", "status", "milliseconds", "rows", "bytes", "client", "data_version")


class Telemetry:
    """The metrics of one service."""

    def __init__(self, service: str) -> None:
        self.service, self.registry = service, CollectorRegistry()
        self.requests = Counter("finsync_requests", "Requests.", ["route", "status"], registry=self.registry)
        self.seconds = Histogram("finsync_request_seconds", "Time to answer.", ["route"], registry=self.registry)
        self.rows = Counter("finsync_rows", "Rows that were sent.", ["format"], registry=self.registry)
        self.bytes = Counter("finsync_bytes", "Bytes of rows that were sent.", ["format"], registry=self.registry)
        self.kept = Counter(
            "finsync_kept_answers", "Answers by where they came from.", ["from"], registry=self.registry
        )
        self._gauges = {
            name: Gauge(f"finsync_{name}", text, registry=self.registry)
            for name, text in {
                "queries_running": "Queries that run now.",
                "queries_waiting": "Queries that wait for a connection.",
                "table_rows": "Rows of the table.",
                "versions_published": "Versions that were published since the start.",
                "versions_refused": "Data files that could not be loaded since the start.",
            }.items()
        }
        ProcessCollector(registry=self.registry)

    def exposition(self, **gauges: int) -> bytes:
        """The metrics as Prometheus reads them, with these gauges."""
        for name, value in gauges.items():
            self._gauges[name].set(value)
        return generate_latest(self.registry)

    def note(self, request: web.Request, status: int, started: float, told: dict[str, Any]) -> None:
        """One request is answered."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "other"
        seconds = time.perf_counter() - started
        self.requests.labels(route, status).inc()
        self.seconds.labels(route).observe(seconds)
        if LOG.isEnabledFor(logging.INFO):
            LOG.info(
                "answered",
                extra={
                    "service": self.service,
                    "method": request.method,
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 1),
                    "client": request.remote,
                    **told,
                },
            )


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **{name: getattr(record, name) for name in _OWN if hasattr(record, name)},
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(level: str) -> None:
    """Write the service's log as lines of JSON to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_AsJson())
    LOG.handlers, LOG.propagate = [handler], False
    LOG.setLevel(level.upper())
