"""Who may ask, under which name of the host, and how often."""

import hmac
import ipaddress
import math
import time
from base64 import b64decode
from binascii import Error as NoBase64

from aiohttp import web
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from source_services.errors import Problem

OPEN_TO_ALL = frozenset(["/health", "/ready"])
"""What probes ask, without a token and as often as they like."""


class Access:
    """A token that callers must have, if there is one, and an allowance of requests for each of them."""

    def __init__(self, token: str | None, requests_per_minute: int) -> None:
        self._token = token.encode() if token else None
        self._rate = RateLimitItemPerMinute(requests_per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def check(self, request: web.Request) -> dict[str, str]:
        """The headers that tell what is left of the caller's allowance. Raises Problem."""
        if request.path in OPEN_TO_ALL:
            return {}
        headers = self._count(request.remote or "")
        if self._token is not None:
            self._check_token(request.headers.get("Authorization", ""))
        else:
            _check_host(request.headers.get("Host", ""))
        return headers

    def _check_token(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() == "basic":
            given = _password(given)
        elif scheme.lower() != "bearer":
            given = ""
        if not hmac.compare_digest(given.strip().encode(errors="replace"), self._token or b""):
            raise Problem(
                "not-authenticated",
                "send the service's token: Authorization: Bearer TOKEN, or as the password of any user",
                {"WWW-Authenticate": 'Bearer realm="finsync", Basic realm="finsync"'},
            )

    def _count(self, client: str) -> dict[str, str]:
        granted = self._limiter.hit(self._rate, client)
        stats = self._limiter.get_window_stats(self._rate, client)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"requests";q={self._rate.amount};w=60',
            "RateLimit": f'"requests";r={max(stats.remaining, 0)};t={seconds}',
        }
        if not granted:
            raise Problem(
                "rate-limited",
                f"more than {self._rate.amount:,} requests a minute: go on in {seconds} s",
                {**headers, "Retry-After": str(seconds)},
            )
        return headers


def _password(given: str) -> str:
    try:
        return b64decode(given, validate=True).decode().partition(":")[2]
    except (NoBase64, ValueError):
        return ""


def _check_host(header: str) -> None:
    """Without a token, a page that a browser shows must not reach the service by a name that it made point here."""
    host = header.rsplit(":", 1)[0] if not header.endswith("]") else header
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        if host.lower() != "localhost":
            raise Problem(
                "wrong-host", "ask by the service's IP address or as localhost, or start it with a token"
            ) from None
