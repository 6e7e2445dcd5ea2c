"""Errors of the services: each says what is wrong, where, and how to fix it.

The command line prints a `ServicesError` without a traceback; the routes send a `RequestError` as problem details
(RFC 9457). Any other exception is a fault of the program and keeps its traceback.
"""

from typing import NamedTuple


class ServicesError(Exception):
    """The base of all errors of the services: `what` is wrong, `where`, and the `fix`."""

    def __init__(self, what: str, fix: str, where: object = "") -> None:
        super().__init__(what, fix, where)  # all of them: errors come back from the process that loads
        self.what, self.fix, self.where = what, fix, where

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.fix}" if self.where else f"{self.what}; {self.fix}"


class DataFileError(ServicesError):
    """A data file is absent, ambiguous or invalid; `where` is the file, and the line if there is one."""


class SettingError(ServicesError):
    """A setting is missing or invalid; `where` is its environment variable."""


class PortError(ServicesError):
    """A service cannot listen on its port."""


class ProblemType(NamedTuple):
    """A problem type of RFC 9457: HTTP status, title, and a sentence for the documentation."""

    status: int
    title: str
    meaning: str


PROBLEM_TYPES = {
    "invalid-parameter": ProblemType(400, "Invalid parameter", "A parameter is unknown, missing or invalid."),
    "sql-not-allowed": ProblemType(400, "SQL not allowed", "Send one SELECT over the service's own table."),
    "sql-invalid": ProblemType(400, "SQL invalid", "The statement is not valid SQL over this table."),
    "not-authenticated": ProblemType(401, "Not authenticated", "Send the token: Authorization: Bearer TOKEN."),
    "not-found": ProblemType(404, "Not found", "There is no resource at this path."),
    "method-not-allowed": ProblemType(405, "Method not allowed", "The header Allow lists the allowed methods."),
    "not-acceptable": ProblemType(406, "Not acceptable", "The service has none of the media types in Accept."),
    "version-gone": ProblemType(410, "Version gone", "A newer data version is served: start at the first page."),
    "too-large": ProblemType(413, "Too large", "The request or its result is larger than the limit."),
    "url-too-long": ProblemType(414, "URL too long", "Send a long statement with POST."),
    "media-type": ProblemType(415, "Unsupported media type", "POST takes a JSON object as application/json."),
    "wrong-host": ProblemType(421, "Wrong host", "Without a token, Host must be an IP address or localhost."),
    "rate-limited": ProblemType(429, "Too many requests", "Retry after the seconds in the header Retry-After."),
    "internal": ProblemType(500, "Internal error", "The service failed; its log has the cause and the request id."),
    "busy": ProblemType(503, "Busy", "Retry after the seconds in the header Retry-After."),
    "query-timeout": ProblemType(504, "Query stopped", "The query ran too long: select fewer rows, or simplify it."),
}


class RequestError(ServicesError):
    """A request that cannot be served. `code` is a key of `PROBLEM_TYPES`, `headers` belong to the response."""

    def __init__(self, code: str, what: str, fix: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(what, fix)
        self.code, self.headers = code, headers or {}

    @property
    def type(self) -> ProblemType:
        """Status, title and meaning."""
        return PROBLEM_TYPES[self.code]

    def body(self, request_id: str) -> dict[str, object]:
        """The problem details as JSON. `type` is an anchor on the service's own page."""
        return {
            "type": f"/#{self.code}",
            "title": self.type.title,
            "status": self.type.status,
            "detail": str(self),
            "instance": f"urn:request:{request_id}",
            "code": self.code,
        }


def busy(what: str, retry_seconds: int) -> RequestError:
    """The service lacks room or time for the request now."""
    return RequestError("busy", what, "retry later", {"Retry-After": str(retry_seconds)})


def invalid_parameter(what: str, fix: str) -> RequestError:
    """A parameter of the request is unknown, missing or invalid."""
    return RequestError("invalid-parameter", what, fix)
