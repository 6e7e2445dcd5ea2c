"""HTTP to one service: pooled connections, whole bodies, and a few more attempts where that may help."""

import base64
import hashlib
import json
import logging
import mmap
import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import pyarrow as pa
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, ReadTimeoutError

from finsync_pipeline.clients.auth import read_token
from finsync_pipeline.clients.errors import Complaints, SourceUnavailable, without_credentials

LOG = logging.getLogger("finsync_pipeline")
T = TypeVar("T")
CHUNK_BYTES = 1 << 20
MESSAGE_BYTES, MESSAGE_CHARACTERS = 1 << 16, 500
PASSING = (429, 502, 503, 504)
"""Statuses of a service that may answer the same question a moment later."""
LONG_SECONDS = 2
"""Of an attempt that was in vain after more than that, people are told, though another one follows."""
BROKEN_OFF = "broke off in the middle of its answer"


@dataclass(frozen=True)
class Patience:
    """How long a service is waited for, in seconds, and how often it is asked the same.

    Between two attempts `backoff` passes, doubled each time and then lengthened at random by up to as much again. A
    service that says Retry-After is waited for as long as it says, or left at once if that is more than `longest_wait`.
    """

    connect: float = 5
    read: float = 60
    attempts: int = 3
    backoff: float = 0.3
    longest_wait: float = 30


@dataclass(frozen=True)
class Question:
    """One request: the route, its parameters in the URL or its JSON body, and the media types to answer in."""

    route: str
    parameters: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    accept: str = "application/json"


@dataclass(frozen=True)
class Reply:
    """An answer that has come whole, as far as its headers tell: the length and the digest are as they say."""

    headers: CaseInsensitiveDict[str]
    body: memoryview
    links: dict[str, Any]

    @property
    def media_type(self) -> str:
        """What the body is said to be, without parameters."""
        return self.headers.get("Content-Type", "").split(";")[0].strip().lower()


class _Passing(Exception):
    """A fault that may pass, and how many seconds the service asks to be left alone."""

    def __init__(self, fault: SourceUnavailable, wait: float | None = None) -> None:
        self.fault, self.wait = fault, wait


class Connections:
    """The connections to one service, `parallel` at most; may be used by several threads."""

    def __init__(self, name: str, url: str, token_file: str, patience: Patience, parallel: int) -> None:
        self.url, self.patience, self.token_file = url.rstrip("/"), patience, token_file
        self.complaints = Complaints(name, without_credentials(self.url))
        self._session = requests.Session()
        self._session.auth = self._token = read_token(name, token_file)
        self._session.headers["Accept-Encoding"] = "identity"  # a digest and a length are those of the plain bytes
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(
                scheme, HTTPAdapter(pool_connections=1, pool_maxsize=parallel, pool_block=True, max_retries=0)
            )

    def close(self) -> None:
        """End them."""
        self._session.close()

    def ask(self, question: Question, read: Callable[[Reply], T], on_disk: Callable[[Reply], bool] | None = None) -> T:
        """What `read` makes of the answer; `read` may raise SourceUnavailable for one that is not whole.

        `on_disk` judges the answer by its headers, before the body is read: whether the body shall lie in a file
        without a name and not in memory. Raises SourceUnavailable after the last attempt, other faults at once.
        """
        for attempt in range(self.patience.attempts):
            began = time.monotonic()
            try:
                return self._attempt(question, read, on_disk)
            except _Passing as passing:
                if attempt + 1 == self.patience.attempts:
                    raise passing.fault from None
                if time.monotonic() - began > LONG_SECONDS:
                    LOG.warning("%s (attempt %s of %s)", passing.fault, attempt + 1, self.patience.attempts)
                pause = self.patience.backoff * 2**attempt
                time.sleep((passing.wait or 0) + random.uniform(pause, 2 * pause))  # noqa: S311
        raise AssertionError("at least one attempt")

    def _attempt(self, question: Question, read: Callable[[Reply], T], on_disk: Callable[[Reply], bool] | None) -> T:
        with self._send(question) as response:
            self._judge(response, question.route)
            reply = Reply(response.headers, memoryview(b""), response.links)
            try:
                body = _body(response, is_on_disk=on_disk is not None and on_disk(reply))
                return read(Reply(response.headers, body, response.links))
            except SourceUnavailable as fault:
                raise _Passing(fault) from None
            except ReadTimeoutError:
                raise _Passing(self._silent()) from None
            except (HTTPError, _Broken):
                raise _Passing(self.complaints.unavailable(BROKEN_OFF)) from None

    def _send(self, question: Question) -> requests.Response:
        try:
            return self._session.request(
                "GET" if question.body is None else "POST",
                f"{self.url}{question.route}",
                params=question.parameters,
                json=question.body,
                headers={"Accept": question.accept},
                timeout=(self.patience.connect, self.patience.read),
                allow_redirects=False,
                stream=True,
            )
        except requests.exceptions.InvalidURL:
            raise self.complaints.no_address() from None
        except requests.ConnectTimeout:
            told = f"cannot be reached within {self.patience.connect:g} s"
            raise _Passing(self.complaints.unavailable(told)) from None
        except requests.Timeout:
            raise _Passing(self._silent()) from None
        except requests.RequestException:
            raise _Passing(self.complaints.unavailable("cannot be reached")) from None

    def _silent(self) -> SourceUnavailable:
        return self.complaints.unavailable(f"did not answer within {self.patience.read:g} s")

    def _judge(self, response: requests.Response, route: str) -> None:
        """Raise what a status other than 200 means."""
        if response.is_redirect:
            raise self.complaints.nonsense(f"it sends on to {without_credentials(response.headers['Location'])}")
        if response.ok:
            return
        status, said = response.status_code, self._without_token(_message(response))
        if status != requests.codes.not_implemented and (status >= 500 or status in PASSING):
            told = f"answered {status} to {route}" + (f": {said}" if said else "")
            wait = _retry_after(response) if status in PASSING else None
            if wait is not None and wait > self.patience.longest_wait:
                raise self.complaints.unavailable(f"{told}, and asks to be left alone for {wait:,.0f} s")
            fault = self.complaints.unavailable(told)
            raise _Passing(fault, wait) if status in PASSING else fault
        if status == requests.codes.gone:
            raise self.complaints.changed()
        raise self.complaints.refused(route, status, said, self.token_file)

    def _without_token(self, text: str) -> str:
        return self._token.without_token(text) if self._token else text


class _Broken(Exception):
    """The body is not what the headers say."""


def _body(response: requests.Response, is_on_disk: bool) -> memoryview:
    """The whole body. Raises _Broken, or what urllib3 raises while reading."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return memoryview(response.raw.read(decode_content=True))
    length, told = response.headers.get("Content-Length", ""), _told_digest(response.headers.get("Repr-Digest", ""))
    digest = None if told is None else hashlib.sha256()
    if length.isdigit():
        body = _room(int(length), is_on_disk)
        _fill(body, response, digest)
    else:
        body = memoryview(response.raw.read())
        if digest is not None:
            digest.update(body)
    if digest is not None and digest.digest() != told:
        raise _Broken
    return body.toreadonly()


def _room(length: int, is_on_disk: bool) -> memoryview:
    """Memory of this length; or a file without a name as memory, if its room can be had for certain."""
    if not length:
        return memoryview(bytearray())
    if is_on_disk and hasattr(os, "posix_fallocate"):
        with suppress(OSError), tempfile.TemporaryFile(prefix="finsync_") as file:
            os.posix_fallocate(file.fileno(), 0, length)
            return memoryview(mmap.mmap(file.fileno(), length))
    return memoryview(pa.allocate_buffer(length)).cast("B")


def _fill(body: memoryview, response: requests.Response, digest: Any) -> None:
    """Read the body into its memory, once: `response.content` would hold it in pieces and then whole."""
    place = 0
    while place < len(body):
        count = response.raw.readinto(body[place : place + CHUNK_BYTES])
        if not count:
            raise _Broken
        if digest is not None:
            digest.update(body[place : place + count])
        place += count


def _told_digest(header: str) -> bytes | None:
    for part in header.split(","):
        algorithm, _, value = part.strip().partition("=")
        if algorithm.lower() == "sha-256" and len(value) > 1 and value[0] == value[-1] == ":":
            try:
                return base64.b64decode(value[1:-1], validate=True)
            except ValueError:
                return b""
    return None


def _retry_after(response: requests.Response) -> float | None:
    """The seconds that the service asks to be left alone: a number of them, or until a date."""
    header = response.headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _message(response: requests.Response) -> str:
    """What the service says of its error: `detail` of a problem (RFC 9457), or `error.message`."""
    try:
        body = json.loads(response.raw.read(MESSAGE_BYTES, decode_content=True).decode("utf-8"))
        said = body["detail"] if "detail" in body else body["error"]["message"]
    except (HTTPError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return " ".join(str(said).split())[:MESSAGE_CHARACTERS].rstrip(".")
