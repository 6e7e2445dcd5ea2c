"""Access control: the token, the name of the host, other sites in a browser, and the rate limit of each client."""

import hmac
import ipaddress
import math
import time
from base64 import b64decode
from binascii import Error as Base64Error
from functools import lru_cache

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from source_services.errors import RequestError

PROBE_PATHS = frozenset(["/health", "/ready"])
"""Probes may request these without a token and without a rate limit."""


class AccessControl:
    """Checks requests: the token, if there is one, else the host; the site that sends them; the rate of each client."""

    def __init__(self, token: str | None, requests_per_minute: int) -> None:
        self._token = token.encode() if token else None
        self._rate = RateLimitItemPerMinute(requests_per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def check(self, request: web.Request) -> dict[str, str]:
        """The headers with what remains of the client's rate limit. Raises RequestError."""
        if request.path in PROBE_PATHS:
            return {}
        headers = self._count(client_of(request))
        _check_site(request)
        if self._token is not None:
            _check_token(self._token, request.headers.get("Authorization", ""))
        else:
            _check_host(request.headers.get("Host", ""))
        return headers

    def _count(self, client: str) -> dict[str, str]:
        is_granted = self._limiter.hit(self._rate, client)
        stats = self._limiter.get_window_stats(self._rate, client)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"requests";q={self._rate.amount};w=60',
            "RateLimit": f'"requests";r={max(stats.remaining, 0)};t={seconds}',
        }
        if not is_granted:
            what = f"the client sent more than {self._rate.amount:,} requests in a minute"
            retry = {**headers, "Retry-After": str(seconds)}
            raise RequestError("rate-limited", what, f"retry after {seconds} s", retry)
        return headers


def client_of(request: web.BaseRequest) -> str:
    """The client that a request counts for: its address."""
    return client_at(request.remote or "")


@lru_cache(10_000)
def client_at(address: str) -> str:
    """The client at an address. Who has one IPv6 address has 2**64 of them: their network is one client."""
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))


def _check_site(request: web.Request) -> None:
    """A page of another site must not make a browser run queries; it may link to the service's page."""
    site, is_link = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Mode") == "navigate"
    if site in ("cross-site", "same-site") and not (is_link and request.path == "/"):
        raise RequestError("cross-site")


def _check_token(token: bytes, header: str) -> None:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "basic":
        credentials = _password(credentials)
    elif scheme.lower() != "bearer":
        credentials = ""
    if not hmac.compare_digest(credentials.strip().encode(errors="replace"), token):
        challenge = {"WWW-Authenticate": 'Bearer realm="finsync", Basic realm="finsync"'}
        raise RequestError("not-authenticated", headers=challenge)


def _password(credentials: str) -> str:
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (Base64Error, ValueError):
        return ""


def _check_host(header: str) -> None:
    """Against DNS rebinding: without a token, a page in a browser must not reach the service by a name of its own."""
    host = header.rsplit(":", 1)[0] if not header.endswith("]") else header
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        if host.lower() != "localhost":
            raise RequestError("wrong-host") from None
