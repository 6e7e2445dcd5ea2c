"""Who may write: the few requests of the explorer that change something, and how a browser gets the right to send them.

The token of a session is shown once: `finsync explore` opens an address with it, or a person enters it at `/token`. The
browser then gets a cookie that no script can read and no page of another site can send, with a value that is not the
token and ends with the process. Every write needs that cookie, and comes from a page of this very origin.
"""

import hmac
from secrets import token_urlsafe
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.responses import RedirectResponse, Response

from finsync_pipeline.serving.api_settings import PREFIX
from finsync_pipeline.serving.browser_rules import App, Receive, Scope, Send
from finsync_pipeline.serving.gate import client_of
from finsync_pipeline.serving.problems import RequestProblem

WRONG_TOKENS = 10
"""Wrong tokens of one client in a minute; after them also the right one is refused."""
LEAST_CHARACTERS = 16
"""Of a token that is set by hand."""
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 20
SEE_OTHER = 303
TOKEN = "token"  # noqa: S105


class WriteAccess:
    """The right to write of one process; without a token there is none."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._cookie = token_urlsafe(32)
        self._limit = RateLimitItemPerMinute(WRONG_TOKENS)
        self._wrong = FixedWindowRateLimiter(MemoryStorage())

    @property
    def is_possible(self) -> bool:
        """Whether there is a token by which one can get the right to write."""
        return self._token is not None

    def is_granted(self, request: Request) -> bool:
        """Whether the browser has the right to write."""
        return self.is_possible and _is_same(request.cookies.get(_cookie_name(request), ""), self._cookie)

    def check(self, request: Request) -> None:
        """Raise RequestProblem unless the request may write: cross-site, read-only or no-write-token."""
        check_own_origin(request)
        if not self.is_possible:
            raise RequestProblem("read-only")
        if not self.is_granted(request):
            raise RequestProblem("no-write-token")

    def grant(self, request: Request, token: str, response: Response) -> Response:
        """The response, with the cookie if the token is right. Raises RequestProblem: no-write-token, rate-limited."""
        client = client_of(request.scope)
        if not self._wrong.test(self._limit, client):
            what, fix = f"more than {WRONG_TOKENS} wrong tokens in a minute", "try again in a minute"
            raise RequestProblem("rate-limited", what, fix, {"Retry-After": "60"})
        if self._token is None or not _is_same(token, self._token):
            self._wrong.hit(self._limit, client)
            raise RequestProblem("no-write-token", "the token is not that of this explorer")
        is_secure = request.url.scheme == "https"
        response.set_cookie(
            _cookie_name(request), self._cookie, httponly=True, samesite="strict", secure=is_secure, path="/"
        )
        response.headers["Cache-Control"] = "no-store"
        return response


class TokenInAddress:
    """The application, behind what takes a token out of an address: a cookie, and the address without the token."""

    def __init__(self, app: App, access: WriteAccess) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or redirect to the address without its token."""
        given = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in given if name == TOKEN]
        is_page = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(PREFIX)
        if not is_page or not tokens:
            await self._app(scope, receive, send)
            return
        # In place: no page that is made of this request, also not that of a problem, has the token
        scope["query_string"] = urlencode([pair for pair in given if pair[0] != TOKEN]).encode()
        query = scope["query_string"].decode()
        address = quote("/" + scope["path"].lstrip("/")) + (f"?{query}" if query else "")
        response: Response = RedirectResponse(address, SEE_OTHER, {"Cache-Control": "no-store"})
        if self._access.is_possible:
            response = self._access.grant(Request(dict(scope)), tokens[-1], response)
        await response(scope, receive, send)


def access_of(request: Request) -> WriteAccess:
    """The right to write of this process."""
    access: WriteAccess = request.app.state.write_access
    return access


def check_own_origin(request: Request) -> None:
    """Raise RequestProblem unless a page of this very origin sent the request; one without an origin is refused."""
    own = f"{request.url.scheme}://{request.headers.get('host', '')}".lower()
    if [each.lower() for each in request.headers.getlist("origin")] != [own]:
        what = f"a write must come from a page of {own} itself"
        raise RequestProblem("cross-site", what, "send it from the form of that page; browsers add the header Origin")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form in the body, each once. Raises RequestProblem."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise RequestProblem("media-type", f"the body is not {FORM}", f"send Content-Type: {FORM}")
    try:
        text = (await request.body()).decode("ascii")
        found = parse_qs(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict",
                         max_num_fields=MOST_FIELDS)  # fmt: skip
    except ValueError:
        raise RequestProblem("invalid-parameter", "the body is not a form", "send it from the page") from None
    if twice := [name for name, values in found.items() if len(values) > 1]:
        raise RequestProblem("invalid-parameter", f"{twice[0][:40]}: it is there twice")
    return {name: values[0] for name, values in found.items()}


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _cookie_name(request: Request) -> str:
    """One for each port: browsers send a cookie to all ports of a host."""
    return f"finsync_write_{request.url.port or 'default'}"
