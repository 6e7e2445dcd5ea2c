"""The client of a source's service: SQL in, typed columns out, or an error that names the service and the fix.

The first response shows whether a service supports Arrow. If it does, SQL goes into the body of a POST, and the whole
table comes in one piece, from a file, with its length, digest and number of rows. Any other service is queried in plain
JSON: with SQL in the URL or, without SQL, page by page.
"""

from typing import ClassVar

from finsync_pipeline.clients.bounds import ARROW, Bounds
from finsync_pipeline.clients.errors import RouteNotFound, SourceChanged, SourceErrors
from finsync_pipeline.clients.http import Connections, HttpService, Request, Response, RetryPolicy, media_type
from finsync_pipeline.clients.responses import Rows, Version, read_pages, read_rows, read_version
from finsync_pipeline.errors import SourceInvalid

JSON, ARROW_OR_JSON = "application/json", f"{ARROW}, application/json;q=0.1"
LARGE_BYTES = 1 << 20


class SourceService(HttpService):
    """The service of one source, as a context manager that holds its connections. Threads may share it.

    `token_file` names the file of the token that the service requires, if it does. With `is_spooled`, a large table
    is kept in a file without a name, which the system may move out of memory.

    Raises ConfigurationError for a `token_file` that cannot be used.
    """

    dialect: ClassVar[str] = "sqlite"
    reports_limits: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        url: str,
        retry: RetryPolicy | None = None,
        token_file: str = "",
        is_spooled: bool = False,
        bounds: Bounds | None = None,
    ) -> None:
        errors = SourceErrors(name, url.rstrip("/"))
        super().__init__(Connections(errors, url, token_file, retry or RetryPolicy(), bounds or Bounds()))
        self._spooled_from = LARGE_BYTES if is_spooled else None
        self.supports_arrow: bool | None = None
        self._supports_sql = True

    def query(self, sql: str) -> Rows:
        """The rows that the service returns for the SQL.

        Raises SourceUnavailable or SourceInvalid; of the latter, ResultTooLarge where a smaller query may succeed, and
        RouteNotFound where the service does not support SQL.
        """
        if self.supports_arrow:
            return self._http.send(Request("/query", body={"q": sql}, accept=ARROW_OR_JSON), self._read_rows)
        accept = ARROW_OR_JSON if self.supports_arrow is None else JSON
        try:
            return self._http.send(Request("/query", {"q": sql}, accept=accept), self._read_rows)
        except RouteNotFound:
            self._supports_sql = False
            raise

    def table(self) -> Rows | None:
        """The whole table in one piece, or None where SQL has to fetch it.

        It comes in Arrow; or in pages of JSON, once a query has shown that the service does not support SQL. Raises
        SourceUnavailable, SourceInvalid, or SourceChanged if the table changes again and again.
        """
        if not self._supports_sql:
            try:
                return read_pages(self._page, self._http.errors, self.bounds)
            except SourceChanged:  # between two pages: fetch all of them again, once
                return read_pages(self._page, self._http.errors, self.bounds)
        if self.supports_arrow is False:
            return None
        request = Request("/data", accept=ARROW_OR_JSON, only=ARROW, spooled_from=self._spooled_from)
        try:
            return self._http.send(request, self._read_rows)
        except SourceInvalid:  # whatever it has at this route: the service responds, and supports SQL
            if self.supports_arrow:
                raise
            self.supports_arrow = False
            return None

    def version(self) -> Version | None:
        """The version of the service's data, or None where the service has no such route.

        Raises SourceUnavailable or SourceInvalid.
        """
        errors = self._http.errors
        try:
            return self._http.send(Request("/version"), lambda response: read_version(response, errors))
        except RouteNotFound:
            return None

    def _read_rows(self, response: Response) -> Rows:
        self.supports_arrow = self.supports_arrow or media_type(response.headers) == ARROW
        return read_rows(response, self._http.errors, self.bounds)

    def _page(self, parameters: dict[str, str]) -> Response:
        return self._http.send(Request("/data", parameters), lambda response: response)
