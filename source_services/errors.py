"""Errors of the services: each has what is wrong, where, and how to fix it.

The command line prints a `ServicesError` without a traceback; the routes send a `RequestError` as problem details
(RFC 9457). Any other exception is an error of the program and keeps its traceback.
"""

import csv
from pathlib import Path
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


class ConfigurationError(ServicesError):
    """A setting is missing or invalid (`where` is its environment variable), or a port cannot be used."""


class ProblemType(NamedTuple):
    """A problem type of RFC 9457: HTTP status, title, a sentence for the documentation; usual texts of its errors."""

    status: int
    title: str
    meaning: str
    what: str
    fix: str


with (Path(__file__).parent / "problem_types.csv").open(encoding="utf-8", newline="") as _file:
    PROBLEM_TYPES = {code: ProblemType(int(status), *texts) for code, status, *texts in list(csv.reader(_file))[1:]}
    """The problem types by their code."""


class RequestError(ServicesError):
    """A request that cannot be served. `code` is a key of `PROBLEM_TYPES`, `headers` belong to the response."""

    def __init__(self, code: str, what: str = "", fix: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(what or PROBLEM_TYPES[code].what, fix or PROBLEM_TYPES[code].fix)
        self.code, self.type, self.headers = code, PROBLEM_TYPES[code], headers or {}


def busy(what: str, retry_seconds: int) -> RequestError:
    """The service lacks space or time for the request now."""
    return RequestError("busy", what, headers={"Retry-After": str(retry_seconds)})


def invalid_parameter(what: str, fix: str) -> RequestError:
    """A parameter of the request is unknown, missing or invalid."""
    return RequestError("invalid-parameter", what, fix)
