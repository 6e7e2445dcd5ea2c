"""The client of a source's service: SQL in, typed rows out, or an error that names service, URL and cure."""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

CONNECT_SECONDS, READ_SECONDS = 5, 60
RETRIES = Retry(
    total=2,
    backoff_factor=0.3,
    backoff_jitter=0.2,
    status_forcelist=(429, 502, 503, 504),
    raise_on_status=False,
    respect_retry_after_header=False,  # a service that says "in an hour" must not hold a run for an hour
)
BROKEN_OFF = "broke off in the middle of its answer"


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
        self.shown_url = without_credentials(self.url)
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
        except (KeyError, TypeError):
            raise self._nonsense("no columns, rows and row_count") from None
        if not (_is_list_of(str, columns) and _is_list_of(list, rows) and len(set(columns)) == len(columns)):
            raise self._nonsense("no list of distinct columns, or no list of rows")
        if len(rows) != count or any(len(row) != len(columns) for row in rows):
            raise self._nonsense("not the rows and cells that it counts")
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
            version = Version(
                body["data_version"],
                int(body["row_count"]),
                None if periods is None else [_period_hash(period) for period in periods],
            )
        except (KeyError, TypeError, ValueError):
            raise self._nonsense("no data_version, row_count and periods") from None
        if not isinstance(version.data_version, str):
            raise self._nonsense("a data_version that is no text")
        return version

    def _get(self, route: str, parameters: dict[str, str], may_lack: bool = False) -> requests.Response:
        try:
            response = self._session.get(
                f"{self.url}{route}", params=parameters, timeout=self.timeout, allow_redirects=False
            )
        except requests.exceptions.InvalidURL:
            raise SourceAnswerMistake(
                f"Source {self.name!r}: {self.shown_url} is no address that can be asked. "
                f"Mend url in defs/sources/{self.name}/defs.yaml, like http://127.0.0.1:5001."
            ) from None
        except requests.ConnectTimeout:
            raise self._unavailable(f"cannot be reached within {self.timeout[0]:g} s") from None
        except (requests.Timeout, requests.ConnectionError) as error:
            raise self._unavailable(_connection_fault(error, self.timeout[1])) from None
        except requests.RequestException:
            raise self._unavailable(BROKEN_OFF) from None
        if response.is_redirect:
            raise self._nonsense(f"it sends on to {without_credentials(response.headers['Location'])}")
        if response.ok or (may_lack and response.status_code == requests.codes.not_found):
            return response
        if response.status_code >= 500 or response.status_code == requests.codes.too_many:
            raise self._unavailable(f"answered {response.status_code} to {route}")
        raise SourceAnswerMistake(
            f"Source {self.name!r} at {self.shown_url} refused {route} ({response.status_code}){_message(response)}. "
            f"Check url and table in defs/sources/{self.name}/defs.yaml."
        )

    def _json(self, response: requests.Response) -> Any:
        try:
            return json.loads(response.content.decode("utf-8-sig"))
        except UnicodeDecodeError:  # response.json() would guess, and change letters
            raise self._nonsense("text that is not UTF-8") from None
        except (ValueError, RecursionError):
            raise self._nonsense("no JSON") from None

    def _unavailable(self, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"Source {self.name!r} at {self.shown_url} {what}. Start its service (python -m source_services), or mend "
            f"url in defs/sources/{self.name}/defs.yaml. What was extracted before stays as it is."
        )

    def _nonsense(self, what: str) -> SourceAnswerMistake:
        return SourceAnswerMistake(
            f"Source {self.name!r} at {self.shown_url} answered nonsense: {what}. Is another program listening there? "
            f"Check url in defs/sources/{self.name}/defs.yaml; what was extracted before stays as it is."
        )


def without_credentials(url: str) -> str:
    """The url as it may be shown: without user, password and query, which may hold secrets."""
    return re.split(r"[?#]", re.sub(r"//.*@", "//", url))[0]


def _connection_fault(error: requests.RequestException, read_seconds: float) -> str:
    text = str(error)
    if "timed out" in text:
        return f"did not answer within {read_seconds:g} s"
    if "IncompleteRead" in text or "prematurely" in text or "Connection broken" in text:
        return BROKEN_OFF
    return "cannot be reached"


def _message(response: requests.Response) -> str:
    try:
        return ": " + str(response.json()["error"]["message"]).rstrip(".")
    except (requests.JSONDecodeError, KeyError, TypeError):
        return ""


def _period_hash(told: dict[str, Any]) -> PeriodHash:
    return PeriodHash(told["period"], int(told["row_count"]), str(told["content_hash"]))


def _is_list_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)
