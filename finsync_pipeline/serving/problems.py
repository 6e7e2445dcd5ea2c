"""Errors of the API as problem details (RFC 9457), in the shape of the source services' errors.

A FinSyncError is a problem of a known type, and any other exception is an internal error, which only the log explains.
"""

import csv
from pathlib import Path
from typing import Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from finsync_pipeline.errors import ConfigurationError, DataError, FinSyncError, PublicationError, SourceError
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.releases import NoRelease, NoSuchRelease
from finsync_pipeline.federation.request import mistake
from finsync_pipeline.serving.errors import NotInRelease

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = {"busy": 1, "no-release": 60, "source-failed": 30, "not-usable": 60}
"""After how many seconds a caller may try again what may work then."""
_LIMITS = "FINSYNC_QUERY_"
_OF_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "media-type"}


class ProblemType(NamedTuple):
    """A problem type: HTTP status, title, a sentence for the documentation; usual texts of its errors."""

    status: int
    title: str
    meaning: str
    what: str
    fix: str


with (Path(__file__).parent / "problem_types.csv").open(encoding="utf-8", newline="") as _file:
    PROBLEM_TYPES = {code: ProblemType(int(status), *texts) for code, status, *texts in list(csv.reader(_file))[1:]}
    """The problem types by their code."""


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="Where the type is described")
    title: str
    status: int
    detail: str = Field(description="What is wrong, and how to fix it")
    instance: str = Field(description="The request id")
    code: str = Field(description="The type, for programs", json_schema_extra={"enum": list(PROBLEM_TYPES)})


class RequestProblem(FinSyncError):
    """A request that cannot be answered. `code` is a key of PROBLEM_TYPES, `headers` belong to the response."""

    def __init__(self, code: str, what: str = "", fix: str = "", headers: dict[str, str] | None = None) -> None:
        self.code, self.type = code, PROBLEM_TYPES[code]
        super().__init__(what or self.type.what, fix or self.type.fix)
        retry = {"Retry-After": str(RETRY_SECONDS[code])} if code in RETRY_SECONDS else {}
        self.headers = {**retry, **(headers or {})}

    def details(self, request_id: str) -> dict[str, Any]:
        """The body of the response."""
        return ProblemDetails(
            type=f"/api/v1/problems#{self.code}",
            title=self.type.title,
            status=self.type.status,
            detail=f"{self.what}; {self.fix}".encode(errors="replace").decode(),  # JSON has no half of a character
            instance=f"urn:request:{request_id}",
            code=self.code,
        ).model_dump()


def problem_of(error: Exception) -> RequestProblem:
    """The problem that an exception is. What only the server's operator may know is left to the log."""
    match error:
        case RequestProblem():
            return error
        case RequestValidationError():
            return RequestProblem("invalid-parameter", "; ".join(map(_mistake, error.errors()[:5])))
        case HTTPException():
            code = _OF_STATUS.get(error.status_code, "invalid-parameter" if error.status_code < 500 else "internal")
            return RequestProblem(code, headers=dict(error.headers or {}))
        case NoRelease():
            return RequestProblem("no-release")
        case NoSuchRelease() | NotInRelease() | PublicationError():
            return RequestProblem("not-found", _placed(error), error.fix)
        case QueryError():
            code = "too-large" if str(error.where).startswith(_LIMITS) else "query-invalid"
            excerpt = f"\n{error.excerpt}" if error.excerpt else ""
            return RequestProblem(code, _placed(error), error.fix + excerpt)
        case SourceError():
            return RequestProblem("source-failed", _placed(error), error.fix)
        case ConfigurationError() | DataError():
            return RequestProblem("not-usable")
    return RequestProblem("internal")


def is_for_the_log(problem: RequestProblem) -> bool:
    """Whether the cause is left to the log."""
    return problem.code in ("internal", "not-usable")


def _placed(error: FinSyncError) -> str:
    """Where and what; of a file its name only, since callers must not know the server's folders."""
    where = error.where.name if isinstance(error.where, Path) else error.where
    return f"{where}: {error.what}" if where else error.what


def _mistake(error: Any) -> str:
    """`limit: it should be less than or equal to 10000`."""
    return mistake([part for part in error["loc"] if part not in ("query", "path", "body")], error)
