"""The client of a source's service: SQL in, typed columns out, or an error that names service, URL and cure.

The first answer tells if a service speaks Arrow. One that does is then asked for it: SQL goes in the body of a POST,
and the whole table comes in one piece, from a file, with its length, digest and number of rows. Any other is asked in
plain JSON: SQL in the URL, or, without SQL, page by page.
"""

from typing import Self

from finsync_pipeline.clients.arrow import MEDIA_TYPE, CutShort, NoTable, read_table
from finsync_pipeline.clients.errors import (
    NoSuchRoute,
    SourceAnswerMistake,
    SourceChanged,
    SourceFault,
    SourceUnavailable,
    without_credentials,
)
from finsync_pipeline.clients.http import BROKEN_OFF, Connections, Patience, Question, Reply
from finsync_pipeline.clients.json_format import Page, read_answer, read_page, read_pages, read_version
from finsync_pipeline.clients.responses import Answer, PeriodHash, Version

__all__ = [
    "Answer",
    "Patience",
    "PeriodHash",
    "SourceAnswerMistake",
    "SourceChanged",
    "SourceFault",
    "SourceService",
    "SourceUnavailable",
    "Version",
    "without_credentials",
]

PARALLEL = 4
"""Questions to one service at the same time."""

ARROW_OR_JSON = f"{MEDIA_TYPE}, application/json;q=0.1"
LARGE_BYTES = 1 << 20


class SourceService:
    """The service of one source, as a context manager that holds its connections. Threads may share it.

    `token_file` names the file of the token that the service asks for, if it does. With `is_spooled`, a large table
    lies in a file without a name, which the system may move out of memory, and not in memory alone.

    Raises TokenMistake for a `token_file` that cannot be used.
    """

    def __init__(
        self, name: str, url: str, patience: Patience | None = None, token_file: str = "", is_spooled: bool = False
    ) -> None:
        self._http = Connections(name, url, token_file, patience or Patience(), PARALLEL)
        self._is_spooled = is_spooled
        self._speaks_arrow: bool | None = None  # not known before the first answer
        self._speaks_sql = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def query(self, sql: str) -> Answer:
        """The rows that the service answers to the SQL.

        Raises SourceUnavailable or SourceAnswerMistake; of these, TooMuchAsked where less can be asked for, and
        NoSuchRoute where the service knows no SQL.
        """
        if self._speaks_arrow:
            return self._http.ask(Question("/query", body={"q": sql}, accept=ARROW_OR_JSON), self._rows)
        accept = ARROW_OR_JSON if self._speaks_arrow is None else "application/json"
        try:
            return self._http.ask(Question("/query", {"q": sql}, accept=accept), self._rows)
        except NoSuchRoute:
            self._speaks_sql = False
            raise

    def table(self) -> Answer | None:
        """The whole table in one piece, or None where it is to be asked for by SQL.

        It comes in Arrow; or in pages of JSON, once a query has shown that the service knows no SQL. Raises
        SourceUnavailable, SourceAnswerMistake, or SourceChanged if the table changes again and again.
        """
        if not self._speaks_sql:
            return self._table_of_pages()
        if self._speaks_arrow is False:
            return None
        try:
            return self._http.ask(Question("/data", accept=ARROW_OR_JSON), self._rows_in_arrow, self._is_for_disk)
        except SourceAnswerMistake:  # whatever else it has there: it has answered, and it has SQL
            if self._speaks_arrow:
                raise
            self._speaks_arrow = False
            return None

    def version(self) -> Version | None:
        """The version of the service's data, or None where the service has no such route.

        Raises SourceUnavailable or SourceAnswerMistake.
        """
        try:
            return self._http.ask(Question("/version"), lambda reply: read_version(reply, self._http.complaints))
        except NoSuchRoute:
            return None

    def _rows(self, reply: Reply) -> Answer:
        if reply.media_type == MEDIA_TYPE:
            return self._rows_in_arrow(reply)
        self._speaks_arrow = bool(self._speaks_arrow)
        return read_answer(reply, self._http.complaints)

    def _is_for_disk(self, reply: Reply) -> bool:
        """Whether the body is to lie on disk; what is not Arrow is not read at all."""
        if reply.media_type != MEDIA_TYPE:
            raise self._http.complaints.nonsense("no Arrow")
        return self._is_spooled and _is_large(reply)

    def _rows_in_arrow(self, reply: Reply) -> Answer:
        self._speaks_arrow = True
        try:
            table = read_table(reply.body, reply.headers)
        except CutShort:
            raise self._http.complaints.unavailable(BROKEN_OFF) from None
        except NoTable as what:
            raise self._http.complaints.nonsense(str(what)) from None
        return Answer(table, reply.headers.get("X-Data-Version"))

    def _table_of_pages(self) -> Answer:
        def ask(parameters: dict[str, str]) -> Page:
            return self._http.ask(Question("/data", parameters), lambda reply: read_page(reply, self._http.complaints))

        try:
            return read_pages(ask, self._http.complaints)
        except SourceChanged:  # in the middle: all of it anew, once
            return read_pages(ask, self._http.complaints)


def _is_large(reply: Reply) -> bool:
    length = reply.headers.get("Content-Length", "")
    return length.isdigit() and int(length) > LARGE_BYTES
