"""What a browser may ask of a local server: the rules of the deployment's gateway, and them as ASGI middleware.

A server on 127.0.0.1 without a login is protected from other machines, but not from the pages that a browser on this
machine shows: each of them can send requests there. So `refusal` finds requests to a host name that is not known (a
foreign name that leads here), and requests and WebSockets of pages of another origin. `BrowserRules` is around
Dagster's web UI, and also refuses GraphQL by GET and events of assets from outside. It knows no user: who can run
programs on this machine can use the web UI. `gateway/*.conf` has the same rules for nginx; tests/browser_requests.py
holds both to one table.
"""

import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
METHODS = frozenset({"GET", "HEAD", "POST"})
LINK = ("GET", "navigate", "document")
"""Method, mode and destination of a link that a user follows: it shows a page and changes nothing."""

HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


class BrowserRules:
    """The application, for programs and for its own pages alone.

    Args:
        app: An ASGI application.
        hosts: Names, without port, under which it may be called besides those of this machine.
        are_reports_open: Whether events of assets and checks from outside of Dagster are taken.
    """

    def __init__(self, app: App, hosts: frozenset[str] = frozenset(), are_reports_open: bool = False) -> None:
        self._app = app
        self._hosts = OWN_HOSTS | hosts
        self._are_reports_open = are_reports_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on and add headers to its response."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await _refuse(scope, send, *refusal)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason why the request is refused, or None."""
        if found := refusal(scope, self._hosts):
            return found
        method, path = scope.get("method", "GET"), scope["path"].lstrip("/")
        if method not in METHODS:
            return 405, "Use GET or POST"
        if scope["type"] == "http" and path.rstrip("/") == "graphql" and method != "POST":
            return 405, "Send GraphQL by POST"
        if path.startswith("report_asset_") and not self._are_reports_open:
            return 403, "Events from outside are not taken. FINSYNC_WEB_REPORTS=1 allows them"
        return None


def refusal(scope: Scope, hosts: Collection[str], origins: Collection[str] = ()) -> tuple[int, str] | None:
    """Status and reason why a request of a browser is refused, or None.

    `hosts` are the names, without port, under which the server may be called, `origins` those of pages of other sites
    that may ask.
    """
    headers = _Headers(scope)
    host = headers.only("host")
    if _name(host) not in hosts:
        return 421, "This host name is not known here. FINSYNC_WEB_HOSTS adds one"
    asking = headers.all("origin")
    if any(origin not in (f"http://{host}", f"https://{host}", *origins) for origin in asking):
        return 403, "A page of another origin may not ask"
    link = (scope.get("method", "GET"), headers.only("sec-fetch-mode"), headers.only("sec-fetch-dest"))
    is_own = headers.only("sec-fetch-site") in ("", "none", "same-origin")
    if not is_own and link != LINK and not (asking and set(asking) <= {*origins}):
        return 403, "A page of another site may not ask"
    return None


class _Headers:
    """The headers of a request; a name in small letters."""

    def __init__(self, scope: Scope) -> None:
        self._pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]

    def all(self, name: str) -> list[str]:
        return [value.strip().lower() for other, value in self._pairs if other == name]

    def only(self, name: str) -> str:
        """Its value; "" if it is not there, and what matches nothing if it is there twice."""
        return ", ".join(self.all(name))


def _name(host: str) -> str:
    """The host without its port; "" if it is not valid."""
    found = re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?", host)
    return found[1] if found else ""


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})  # before it is accepted: HTTP 403
        return
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return send_with_headers
