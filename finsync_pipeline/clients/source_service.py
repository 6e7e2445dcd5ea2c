"""The client of a source's service: SQL in, typed rows out, or an error that names the service, its URL and the cure."""

from dataclasses import dataclass
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

CONNECT_SECONDS, READ_SECONDS = 5, 60
RETRIES = Retry(
    total=2, backoff_factor=0.3, backoff_jitter=0.2, status_forcelist=(429, 502, 503, 504), raise_on_status=False
)


class SourceUnavailable(Exception):
    """The service does not answer, or says that it cannot now. Asking again later may help."""


class SourceAnswerMistake(Exception):
    """The service answers, but not what it was asked. Asking again does not help."""


@dataclass(frozen=True)
class Answer:
    """What a service answered to a question in SQL: column names, rows of JSON values, and its data version."""

    columns: list[str]
    rows: list[list[Any]]
    data_version: str | None


@dataclass(frozen=True)
class PeriodHash:
    """The service's own account of the rows with one period end."""

    period: Any
    row_count: int
    content_hash: str


@dataclass(frozen=True)
class Version:
    """The version of a service's data and, where it tells, the hash of the rows of each period end."""

    data_version: str
    row_count: int
    periods: list[PeriodHash] | None


class SourceService:
    """The service of one source, as a context manager that holds its connections."""

    def __init__(self, name: str, url: str, timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS)) -> None:
        self.name, self.url, self.timeout = name, url.rstrip("/"), timeout
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=RETRIES))
        self._session.mount("https://", HTTPAdapter(max_retries=RETRIES))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def query(self, sql: str) -> Answer:
        """The rows that the service answers to the SQL.

        Raises SourceUnavailable or SourceAnswerMistake.
        """
        response = self._get("/query", {"q": sql})
        body = self._json(response)
        try:
            columns, rows, count = body["columns"], body["rows"], body["row_count"]
            whole = isinstance(columns, list) and len(rows) == count and all(len(row) == len(columns) for row in rows)
        except (KeyError, TypeError):
            raise self._nonsense("no columns, rows and row_count") from None
        if not whole:
            raise self._nonsense("fewer rows or cells than it counts")
        return Answer(columns, rows, response.headers.get("X-Data-Version"))

    def version(self) -> Version | None:
        """The version of the service's data, or None where the service has no such route.

        Raises SourceUnavailable or SourceAnswerMistake.
        """
        response = self._get("/version", {}, may_lack=True)
        if response.status_code == requests.codes.not_found:
            return None
        body = self._json(response)
        try:
            periods = body["periods"]
            return Version(
                body["data_version"], body["row_count"], None if periods is None else [PeriodHash(**p) for p in periods]
            )
        except (KeyError, TypeError):
            raise self._nonsense("no data_version, row_count and periods") from None

    def _get(self, route: str, parameters: dict[str, str], may_lack: bool = False) -> requests.Response:
        try:
            response = self._session.get(f"{self.url}{route}", params=parameters, timeout=self.timeout)
        except requests.Timeout:
            raise self._unavailable(f"did not answer within {self.timeout[1]:g} s") from None
        except requests.ConnectionError as error:
            raise self._unavailable(_connection_fault(error)) from None
        except requests.RequestException as error:
            raise self._unavailable(f"broke off its answer ({type(error).__name__})") from None
        if response.ok or (may_lack and response.status_code == requests.codes.not_found):
            return response
        if response.status_code >= requests.codes.server_error or response.status_code == requests.codes.too_many:
            raise self._unavailable(f"answered {response.status_code} to {route}")
        raise SourceAnswerMistake(
            f"Source {self.name!r} at {self.url} refused {route} ({response.status_code}): {_message(response)} "
            f"Check url and table in defs/sources/{self.name}/defs.yaml."
        )

    def _json(self, response: requests.Response) -> Any:
        try:
            return response.json()
        except requests.JSONDecodeError:
            raise self._nonsense("no JSON") from None

    def _unavailable(self, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"Source {self.name!r} at {self.url} {what}. Start its service (python -m source_services), or mend url in "
            f"defs/sources/{self.name}/defs.yaml. What was extracted before stays as it is."
        )

    def _nonsense(self, what: str) -> SourceAnswerMistake:
        return SourceAnswerMistake(
            f"Source {self.name!r} at {self.url} answered nonsense: {what}. Is another program listening there? "
            f"Check url in defs/sources/{self.name}/defs.yaml; what was extracted before stays as it is."
        )


def _connection_fault(error: requests.ConnectionError) -> str:
    text = str(error)
    if "IncompleteRead" in text or "prematurely" in text or "Connection broken" in text:
        return "broke off in the middle of its answer"
    if "too many" in text:
        return "kept answering that it cannot now"
    return "cannot be reached"


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["error"]["message"]).rstrip(".") + "."
    except (requests.JSONDecodeError, KeyError, TypeError):
        return ""
