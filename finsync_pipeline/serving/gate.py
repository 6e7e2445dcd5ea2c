"""The gate before all routes, as ASGI middleware: who may ask, how often and how much; ids, metrics and problems."""

import asyncio
import hmac
import ipaddress
import math
import re
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from finsync_pipeline.serving.api_settings import PREFIX, ApiSettings
from finsync_pipeline.serving.browser_rules import OWN_HOSTS, App, Message, Receive, Scope, Send, refusal
from finsync_pipeline.serving.formats import as_json
from finsync_pipeline.serving.problems import MEDIA_TYPE, RequestProblem, is_for_the_log, problem_of
from finsync_pipeline.serving.telemetry import LOG, Telemetry

PROBES = frozenset({"/health", "/ready"})
"""Probes may ask without a token and without a rate limit, and are answered whatever else is."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every response that does not have them of its own."""
CLIENT_CLOSED_REQUEST = 499
BODY_SECONDS = 20
"""How long a client may send nothing of its body: it is one of those that are answered at the same time."""
MOST_ADDRESS = 64
"""Characters of the address of a client."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


ProblemPage = Callable[[Scope, RequestProblem, str], Response]
"""Makes the page of a problem, for browsers that asked for a page."""


class Gate:
    """The application behind its rules: each request is let in, or refused as a problem; each is counted and logged."""

    def __init__(self, app: App, settings: ApiSettings, telemetry: Telemetry, page: ProblemPage) -> None:
        self._app, self._settings, self._telemetry, self._page = app, settings, telemetry, page
        self._hosts = OWN_HOSTS | settings.hosts
        self._rate = RateLimitItemPerMinute(settings.requests_per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        if scope["type"] == "http":
            await _Answering(self, scope, receive, send).answer()
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def check(self, scope: Scope) -> dict[str, str]:
        """The headers with what remains of the client's rate. Raises RequestProblem."""
        if scope["path"] in PROBES:
            return {}
        if found := refusal(scope, _with_addresses(self._hosts, scope), self._settings.origins):
            raise RequestProblem("wrong-host" if found[0] == 421 else "cross-site")
        headers = await self._count(scope)
        if self._settings.token is not None:
            _check_token(self._settings.token.encode(), Headers(scope=dict(scope)).get("authorization", ""))
        if self._running > self._settings.requests_at_once:
            raise RequestProblem("busy")
        return headers

    async def _count(self, scope: Scope) -> dict[str, str]:
        client = client_of(scope)
        is_granted = await self._limiter.hit(self._rate, client)
        stats = await self._limiter.get_window_stats(self._rate, client)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"requests";q={self._rate.amount};w=60',
            "RateLimit": f'"requests";r={max(stats.remaining, 0)};t={seconds}',
        }
        if not is_granted:
            what = f"the client sent more than {self._rate.amount:,} requests in a minute"
            retry = {**headers, "Retry-After": str(seconds)}
            raise RequestProblem("rate-limited", what, f"retry after {seconds} s", retry)
        return headers


class _Answering:
    """One request: what has been sent of its response, and its line in the log."""

    def __init__(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate, self._scope, self._receive, self._send = gate, scope, receive, send
        given = Headers(scope=dict(scope)).get("x-request-id", "")
        self._id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        self._headers: dict[str, str] = {}
        self._status, self._received = 0, 0
        self._is_received, self._is_too_slow = False, False
        self._method = scope["method"]

    async def answer(self) -> None:
        """Send the response of the application, or that of a problem."""
        gate, began = self._gate, time.perf_counter()
        gate._running += 1
        gate._telemetry.running.set(gate._running)
        try:
            self._headers |= await gate.check(self._scope)
            # GET without its body is HEAD, for every route
            scope = {**self._scope, "method": "GET"} if self._method == "HEAD" else self._scope
            self._scope = scope
            await gate._app(scope, self._bounded_receive, self._send_completed)
        except Exception as error:
            await self._send_problem(error)
        finally:
            gate._running -= 1
            self._record(time.perf_counter() - began)

    async def _bounded_receive(self) -> Message:
        try:
            async with asyncio.timeout(None if self._is_received else BODY_SECONDS):
                message = await self._receive()
        except TimeoutError:
            self._is_too_slow = True
            raise RequestProblem("too-slow") from None
        self._is_received = not message.get("more_body", False)
        self._received += len(message.get("body", b""))
        if self._is_too_large:
            raise RequestProblem("too-large")
        return message

    @property
    def _is_too_large(self) -> bool:
        return self._received > self._gate._settings.body_bytes

    async def _send_completed(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in {**SECURITY_HEADERS, **self._headers, "X-Request-Id": self._id}.items():
                headers.setdefault(name, value)
            message = {**message, "headers": headers.raw}
        elif self._method == "HEAD":
            message = {**message, "body": b""}
        await self._send(message)

    @property
    def _is_for_page(self) -> bool:
        """Whether a browser asked for a page, or htmx for a part of one."""
        headers = Headers(scope=dict(self._scope))
        is_page = "text/html" in headers.get("accept", "") or headers.get("hx-request") == "true"
        return is_page and not self._scope["path"].startswith(PREFIX)

    async def _send_problem(self, error: Exception) -> None:
        # What reads the body turns every error into one of its own
        code = "too-large" if self._is_too_large else "too-slow" if self._is_too_slow else ""
        problem = RequestProblem(code) if code else problem_of(error)
        if is_for_the_log(problem):
            LOG.error("failed", exc_info=error, extra={"fields": {"request_id": self._id}})
        if self._status:
            raise error  # the response has begun: the connection is closed before its end
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
        body = as_json(problem.details(self._id))
        if self._is_for_page:
            made = self._gate._page(self._scope, problem, self._id)
            headers, body = {**made.headers, "cache-control": "no-store"}, bytes(made.body)
        headers["content-length"] = str(len(body))
        raw = [(name.lower().encode(), text.encode()) for name, text in {**headers, **problem.headers}.items()]
        await self._send_completed({"type": "http.response.start", "status": problem.type.status, "headers": raw})
        await self._send_completed({"type": "http.response.body", "body": body})

    def _record(self, seconds: float) -> None:
        route = getattr(self._scope.get("route"), "path", "other")
        fields: dict[str, Any] = {"request_id": self._id, "client": client_of(self._scope)}
        self._gate._telemetry.record(route, self._method, self._status or CLIENT_CLOSED_REQUEST, seconds, fields)
        self._gate._telemetry.running.set(self._gate._running)


def client_of(scope: Scope) -> str:
    """The client that a request counts for. Who has one IPv6 address has 2**64 of them: their network is one client."""
    address = str((scope.get("client") or ("",))[0])
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:  # an IPv4 address, or whatever a proxy forwards
        return address[:MOST_ADDRESS]
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))


def _with_addresses(hosts: frozenset[str], scope: Scope) -> frozenset[str]:
    """The hosts, and the one of the request if it is an IP address: no foreign name leads to the API by it."""
    name = re.sub(r":\d+$", "", Headers(scope=dict(scope)).get("host", "").lower())
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return hosts
    return hosts | {name}


def _check_token(token: bytes, header: str) -> None:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "basic":
        credentials = _password(credentials)
    elif scheme.lower() != "bearer":
        credentials = ""
    if not hmac.compare_digest(credentials.strip().encode(errors="replace"), token):
        challenge = {"WWW-Authenticate": 'Bearer realm="finsync", Basic realm="finsync"'}
        raise RequestProblem("not-authenticated", headers=challenge)


def _password(credentials: str) -> str:
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (Base64Error, ValueError):
        return ""
