"""The errors of a source's service: subclasses for what callers handle, and one factory for all their texts."""

import re
from typing import TypeVar

from finsync_pipeline.errors import ConfigurationError, SourceError, SourceInvalid, SourceUnavailable

KEPT = "What was extracted before stays as it is"
MOST_CHARACTERS = 500
"""Of what a service sent, in one message."""
AnySourceError = TypeVar("AnySourceError", bound=SourceError)


class Transient(SourceUnavailable):
    """The same request may succeed a moment later, at the earliest after `wait` seconds."""

    wait: float = 0


class RouteNotFound(SourceInvalid):
    """The service has nothing at this route, or not for this method."""


class ResultTooLarge(SourceInvalid):
    """The service returns only a part at once (`rows`, where known), or nothing. A smaller request may succeed."""

    rows: int | None = None

    def smaller(self, limit: int) -> int:
        """The limit of the next request, where one of `limit` rows was too large."""
        return self.rows if self.rows and self.rows < limit else limit // 2


class SourceChanged(SourceError):
    """The source published other data between two requests. Materializing its assets again helps."""


_KIND_OF_STATUS = {404: RouteNotFound, 405: RouteNotFound, 501: RouteNotFound, 413: ResultTooLarge}


class SourceErrors:
    """Makes the errors of the source `name` with its service at `url`.

    The texts show neither the credentials in the url nor control characters, whatever the service sent.
    """

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.file = f"defs/sources/{name}/defs.yaml"
        self.where = f"Source {name!r} at {without_credentials(url)}"

    def unavailable(self, what: str) -> SourceUnavailable:
        """The service does not respond, or not to the end."""
        fix = f"Start its service (python -m source_services), or correct url in {self.file}. {KEPT}"
        return SourceUnavailable(f"the service {what}", fix, self.where)

    def transient(self, what: str, wait: float = 0) -> Transient:
        """The service is unavailable now, and may respond after `wait` seconds."""
        error = Transient(*self.unavailable(what).args)
        error.wait = wait
        return error

    def invalid(self, what: str) -> SourceInvalid:
        """The service returns what no service of a source returns: `what` is the response."""
        fix = f"Check that url in {self.file} is its address, and that no other program listens there. {KEPT}"
        return SourceInvalid(f"invalid response: {one_line(what)}", fix, self.where)

    def too_slow(self, seconds: float) -> SourceUnavailable:
        """The service took longer than a deployment waits for a whole answer."""
        return self._bounded(
            SourceUnavailable, f"did not send its response within {seconds:g} s", "FINSYNC_SOURCE_SECONDS"
        )

    def beyond(self, what: str, setting: str) -> ResultTooLarge:
        """The service sends more at once than a deployment takes."""
        return self._bounded(ResultTooLarge, what, setting)

    def endless(self, pages: int) -> SourceInvalid:
        """The service sends page after page."""
        return self._bounded(SourceInvalid, f"sends more than {pages:,} pages", "FINSYNC_SOURCE_PAGES")

    def _bounded(self, kind: type[AnySourceError], what: str, setting: str) -> AnySourceError:
        fix = f"Check that url in {self.file} is its address; if it is, set {setting} to more. {KEPT}"
        return kind(f"the service {what}", fix, self.where)

    def invalid_url(self) -> ConfigurationError:
        """The url is not one that a request can be sent to."""
        return ConfigurationError(
            "the url is not valid", f"Correct it in {self.file}, like http://127.0.0.1:5001", self.where
        )

    def rejected(self, status: int, what: str, token_file: str) -> SourceInvalid:
        """The service returns 4xx with `what`; `token_file` is where its token was read from."""
        fix = f"Check url and table in {self.file}"
        if status in (401, 403) and token_file:
            fix = f"Check that {token_file} contains the current token of the service"
        elif status in (401, 403):
            fix = f"Put the token of the service into a file and name the file as token_file in {self.file}"
            fix += "; the sources that FinSync comes with take it from FINSYNC_SERVICES_TOKEN_FILE"
        return _KIND_OF_STATUS.get(status, SourceInvalid)(f"the service {what}", fix, self.where)

    def incomplete(self, limit: int, period: str, what: str) -> SourceInvalid:
        """The service returns at most `limit` rows at once, and more of a period end have `what` in common."""
        fix = f"Have the service return more rows at once, or give each row a key of its own (row_key in {self.file})"
        what = f"returns {limit:,} rows at once, and as many or more of the period {period} have {what}"
        return SourceInvalid(f"the service {one_line(what)}", fix, self.where)

    def changed(self) -> SourceChanged:
        """The source has other rows than its inventory."""
        fix = f"Run: finsync run (in the UI: materialize all assets of the group {self.name})"
        return SourceChanged("its rows are not those of its inventory: it changed in between", fix, self.where)


def one_line(text: str, most: int = MOST_CHARACTERS) -> str:
    """The beginning of the text in one line without control characters, which could change what a terminal shows."""
    start = " ".join(text[: 2 * most].split())
    return "".join(character for character in start if character.isprintable())[:most]


def without_credentials(url: str) -> str:
    """The url as it may be shown: without user, password and query, which may contain secrets."""
    scheme, slashes, rest = url.partition("//")
    return re.split(r"[?#]", f"{scheme}{slashes}{rest.rpartition('@')[2]}")[0]
