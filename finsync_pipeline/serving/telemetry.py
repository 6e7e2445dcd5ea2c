"""Telemetry for operators: a log line in JSON for each request, and Prometheus metrics."""

import json
import logging
import sys
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

LOG = logging.getLogger("finsync_api")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
LOG_LEVELS = ("debug", "info", "warning", "error")


class Telemetry:
    """The metrics and the request log of the API."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "finsync_api_requests", "Requests.", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram("finsync_api_request_seconds", "Time to respond.", ["route"], registry=self.registry)
        self.running = Gauge(
            "finsync_api_requests_running", "Requests that are answered or wait.", registry=self.registry
        )
        self.open_releases = Gauge("finsync_api_open_releases", "Releases that are open.", registry=self.registry)
        ProcessCollector(registry=self.registry)

    def record(self, route: str, method: str, status: int, seconds: float, fields: dict[str, Any]) -> None:
        """Count and log one request."""
        # A label for each word that a client sends as the method would take memory for ever
        self.requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        shared = {"route": route, "method": method, "status": status, "milliseconds": round(seconds * 1000, 1)}
        LOG.info("answered", extra={"fields": {**shared, **fields}})


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
    """Write the log of the API as lines of JSON to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    LOG.handlers, LOG.propagate = [handler], False
    LOG.setLevel(level.upper())
