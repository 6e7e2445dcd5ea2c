"""What can go wrong, each with its status, and what it means and how to mend it: RFC 9457 problem details."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of problem: HTTP status, title, and a sentence for people."""

    status: int
    title: str
    meaning: str


PROBLEMS = {
    "invalid-parameter": Kind(400, "Invalid parameter", "A parameter is unknown, missing, or not of its form."),
    "sql-not-allowed": Kind(
        400, "SQL not allowed", "The statement does more than a SELECT over the service's own table may do."
    ),
    "sql-invalid": Kind(400, "SQL invalid", "The statement is not SQL that can be run over this table."),
    "not-authenticated": Kind(401, "Not authenticated", "The service asks for a token: Authorization: Bearer TOKEN."),
    "not-found": Kind(404, "Not found", "Nothing is served at this path."),
    "method-not-allowed": Kind(405, "Method not allowed", "The service only reads; Allow says by which methods."),
    "not-acceptable": Kind(406, "Not acceptable", "The service gives none of the formats that Accept names."),
    "version-gone": Kind(410, "Version gone", "The table has been published anew: start again at the first page."),
    "too-large": Kind(413, "Too large", "The request, or its result, is larger than the limit."),
    "url-too-long": Kind(414, "URL too long", "Send a long statement with POST."),
    "media-type": Kind(415, "Unsupported media type", "POST takes a JSON object, as application/json."),
    "wrong-host": Kind(
        421, "Wrong host", "Without a token the service answers by its IP address or as localhost only."
    ),
    "rate-limited": Kind(429, "Too many requests", "Ask again after the seconds that Retry-After names."),
    "internal": Kind(500, "Internal error", "The service failed; its log says why, under the id of the request."),
    "busy": Kind(503, "Busy", "Ask again after the seconds that Retry-After names."),
    "query-timeout": Kind(504, "Query stopped", "The query ran too long: ask for fewer rows, or in a simpler way."),
}


class Problem(Exception):
    """A request that cannot be answered: a code of PROBLEMS, and what is wrong and how to mend it."""

    def __init__(self, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.headers = code, detail, headers or {}

    @property
    def kind(self) -> Kind:
        """Status, title and meaning."""
        return PROBLEMS[self.code]

    def body(self, request_id: str) -> dict[str, object]:
        """The problem as JSON. `type` is a place on the service's own page."""
        return {
            "type": f"/#{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "instance": f"urn:request:{request_id}",
            "code": self.code,
        }
