"""HTTP to one service: pooled connections, requests that are repeated where that may help, and complete bodies.

What the requests are belongs in the class of each kind of service, what the bodies contain in `responses`.
"""

import base64
import hashlib
import json
import logging
import mmap
import os
import random
import re
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Self, TypeVar

import pyarrow as pa
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, ReadTimeoutError

from finsync_pipeline.clients.auth import read_token
from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.errors import MOST_CHARACTERS, SourceErrors, Transient, one_line, without_credentials
from finsync_pipeline.clients.transport import EndableAdapter, Session, Watch

LOG = logging.getLogger("finsync_pipeline")
T = TypeVar("T")
PARALLEL = 4
"""Requests to one service at the same time."""
CHUNK_BYTES = 1 << 20
MESSAGE_BYTES = 1 << 16
TRANSIENT_STATUSES = (429, 502, 503, 504)
"""Statuses of a service that may serve the same request a moment later."""
LONG_SECONDS = 2
"""A failed attempt that took longer than that is logged, though another one follows."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a service, in seconds, and how often to send the same request.

    Between two attempts `backoff` seconds pass, doubled each time and then lengthened at random by up to as much again.
    In addition a Retry-After of the service is respected; one of more than `longest_wait` ends the attempts. (urllib3's
    Retry does not repeat a request whose body is incomplete, and knows no such end.)
    """

    connect: float = 5
    read: float = 60
    attempts: int = 3
    backoff: float = 0.3
    longest_wait: float = 30


@dataclass(frozen=True)
class Request:
    """One request: the route, its parameters in the URL or its JSON body, and the media types to respond with.

    A response of another media type than `only` is invalid, and its body is not read. A body of more than
    `spooled_from` bytes is kept in a file without a name, which the system may move out of memory.
    """

    route: str
    parameters: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    accept: str = "application/json"
    only: str | None = None
    spooled_from: int | None = None


@dataclass(frozen=True)
class Response:
    """A response that is complete by its headers: its body has the length and the digest that they announce."""

    headers: CaseInsensitiveDict[str]
    body: memoryview


class TruncatedBody(Exception):
    """The body is not all that the service sent."""


class Connections:
    """The connections to one service, PARALLEL at most; may be used by several threads.

    Raises ConfigurationError for a `token_file` that cannot be used.
    """

    def __init__(self, errors: SourceErrors, url: str, token_file: str, retry: RetryPolicy, bounds: Bounds) -> None:
        self.errors, self.url, self.retry, self.token_file = errors, url.rstrip("/"), retry, token_file
        self.bounds = bounds
        self._adapter = EndableAdapter(pool_connections=1, pool_maxsize=PARALLEL, pool_block=True, max_retries=0)
        self._session = Session(self._adapter)
        self._session.auth = self._token = read_token(errors.name, token_file)

    def close(self) -> None:
        """Close them."""
        self._session.close()

    def cancel(self) -> None:
        """End the requests of all threads: a service that notices it stops its work. No further ones are sent."""
        self._adapter.cancel()

    def send(self, request: Request, read: Callable[[Response], T]) -> T:
        """Send the request and return what `read` makes of the response; `read` may raise TruncatedBody.

        Raises SourceUnavailable after the last attempt or at the end of the time, SourceInvalid at once.
        """
        ends = time.monotonic() + self.bounds.seconds
        pause = self.retry.backoff
        for attempt in range(1, self.retry.attempts):
            began = time.monotonic()
            try:
                return self._attempt(request, read, ends)
            except Transient as error:
                wait = error.wait + random.uniform(pause, 2 * pause)  # noqa: S311
                if self._adapter.is_cancelled or time.monotonic() + wait > ends:
                    raise
                if time.monotonic() - began > LONG_SECONDS:
                    LOG.warning("%s (attempt %s of %s)", error, attempt, self.retry.attempts)
                time.sleep(wait)
                pause *= 2
        return self._attempt(request, read, ends)

    def _attempt(self, request: Request, read: Callable[[Response], T], ends: float) -> T:
        with self._adapter.watched(max(0, ends - time.monotonic())) as watch:
            try:
                with self._start(request) as response:
                    self._check_not_ended(watch)
                    self._check(response, request)
                    body = self._read_body(response, request.spooled_from)
                    self._check_not_ended(watch)
                    return read(Response(response.headers, body))
            except requests.exceptions.InvalidURL:
                raise self.errors.invalid_url() from None
            except requests.ConnectTimeout:
                what = f"cannot be reached within {self.retry.connect:g} s"
            except (requests.Timeout, ReadTimeoutError):
                what = f"did not respond within {self.retry.read:g} s"
            except requests.RequestException:
                what = "cannot be reached"
            except (HTTPError, TruncatedBody):
                what = "did not send its response to the end"
        if watch.is_over:
            raise self.errors.too_slow(self.bounds.seconds)
        raise self.errors.transient(what)

    def _check_not_ended(self, watch: Watch) -> None:
        """Raise TruncatedBody once the connection was ended: what was read until then looks like a response."""
        if self._adapter.is_cancelled or watch.is_over:
            raise TruncatedBody

    def _start(self, request: Request) -> requests.Response:
        return self._session.request(
            "GET" if request.body is None else "POST",
            f"{self.url}{request.route}",
            params=request.parameters,
            json=request.body,
            headers={"Accept": request.accept},
            timeout=(self.retry.connect, self.retry.read),
            allow_redirects=False,
            stream=True,
        )

    def _check(self, response: requests.Response, request: Request) -> None:
        """Raise the error of a redirect, of a status of 400 or more, or of another media type than the only one."""
        if response.is_redirect:
            target = without_credentials(response.headers["Location"])
            raise self.errors.invalid(f"it redirects to {target}")
        if response.status_code >= 400:
            self._raise_for_status(response, request.route)
        if response.status_code != requests.codes.ok:
            raise self.errors.invalid(f"its status is {response.status_code}, not 200")
        if encoding := _encoding(response):
            raise self.errors.invalid(f"it is encoded ({encoding}), which it was not asked for")
        if request.only not in (None, media_type(response.headers)):
            raise self.errors.invalid(f"it is not {request.only}")

    def _raise_for_status(self, response: requests.Response, route: str) -> None:
        status, message = response.status_code, _message(response)
        message = self._token.without_token(message) if self._token else message
        what = f"returned {status} for {route}" + (f": {message[:MOST_CHARACTERS].rstrip('.')}" if message else "")
        if status in TRANSIENT_STATUSES:
            wait = _retry_after(response)
            if wait > self.retry.longest_wait:
                raise self.errors.unavailable(f"{what}, and asks to wait {wait:,.0f} s")
            raise self.errors.transient(what, wait)
        if status == requests.codes.gone:
            raise self.errors.changed()
        if status >= 500 and status != requests.codes.not_implemented:
            raise self.errors.unavailable(what)
        raise self.errors.rejected(status, what, self.token_file)

    def _read_body(self, response: requests.Response, spooled_from: int | None) -> memoryview:
        """The complete body. Raises ResultTooLarge, TruncatedBody, or what urllib3 raises while reading."""
        limit, setting = self.bounds.of_body(media_type(response.headers))
        header = response.headers.get("Content-Length", "")
        length = int(header) if re.fullmatch("[0-9]{1,18}", header) else None
        if header and length is None:
            raise self.errors.invalid("its Content-Length is not a number")
        if length is None:
            body = _read_unmeasured(response, limit)
        elif length <= limit:
            body = _allocate(length, is_on_disk=spooled_from is not None and length > spooled_from)
            _fill(body, response)
        if (length or len(body)) > limit:
            raise self.errors.beyond(f"sends more than {limit:,} bytes", setting)
        announced = re.search(r"sha-256=:([^:]*):", response.headers.get("Repr-Digest", ""))
        if announced and base64.b64encode(hashlib.sha256(body).digest()).decode() != announced[1]:
            raise TruncatedBody
        return body.toreadonly()


class HttpService:
    """A service over its connections, as a context manager that closes them. Threads may share it."""

    def __init__(self, http: Connections) -> None:
        self._http, self.bounds = http, http.bounds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def cancel(self) -> None:
        """End the requests that wait for a response, in all threads."""
        self._http.cancel()


def media_type(headers: CaseInsensitiveDict[str]) -> str:
    """The media type of a body, without parameters."""
    return headers.get("Content-Type", "").split(";")[0].strip().lower()


def _encoding(response: requests.Response) -> str:
    """The encoding of the body, such as gzip; empty for none."""
    encodings = response.headers.get("Content-Encoding", "").lower()
    return ", ".join(each.strip() for each in encodings.split(",") if each.strip() not in ("", "identity"))


def _read_unmeasured(response: requests.Response, limit: int) -> memoryview:
    """A body that does not announce its length; if it is longer than the limit, a part that is longer, too."""
    body = bytearray()
    while len(body) <= limit and (chunk := response.raw.read(CHUNK_BYTES)):
        body += chunk
    return memoryview(body)


def _allocate(length: int, is_on_disk: bool) -> memoryview:
    """Memory of this length; or a file without a name as memory, if the disk has room for all of it."""
    if not length:
        return memoryview(bytearray())
    if is_on_disk and hasattr(os, "posix_fallocate"):
        with suppress(OSError), tempfile.TemporaryFile(prefix="finsync_") as file:
            os.posix_fallocate(file.fileno(), 0, length)
            return memoryview(mmap.mmap(file.fileno(), length))
    return memoryview(pa.allocate_buffer(length)).cast("B")


def _fill(body: memoryview, response: requests.Response) -> None:
    """Read the body into its memory, once: `response.content` would hold it in pieces and then whole."""
    place = 0
    while place < len(body):
        read = response.raw.readinto(body[place : place + CHUNK_BYTES])
        if not read:
            raise TruncatedBody
        place += read


def _retry_after(response: requests.Response) -> float:
    """The seconds that the service asks to wait: a number of them, or until a date; 0 if it does not ask."""
    header = response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,18}", header):
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError, IndexError, OSError):  # as versions of Python differ
        return 0


def _message(response: requests.Response) -> str:
    """The service's own message about the error: `detail` of a problem (RFC 9457), `error`, or `error.message`."""
    if _encoding(response):
        return ""
    try:
        body = json.loads(response.raw.read(MESSAGE_BYTES).decode("utf-8"))
        message = body["detail"] if "detail" in body else body["error"]
        message = message["message"] if isinstance(message, dict) else message
        return one_line(str(message), MESSAGE_BYTES)
    except (HTTPError, ValueError, KeyError, TypeError, RecursionError):
        return ""
