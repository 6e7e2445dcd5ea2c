"""The client of a Datasette server (0.65): SQL in the URL, JSON out.

Datasette returns at most `max_returned_rows` rows (1,000 unless it is set otherwise) and reports that it left some out.
It ends a query after `sql_time_limit_ms`. Both are ResultTooLarge here, and extraction then fetches smaller chunks.

A blob becomes its hex text, as in FinSync's own JSON. But Datasette 0.65 returns a blob that is valid UTF-8 as that
text, and then it stays one. Datasette 1.0, of which there are only alpha versions, redirects to another route and
responds in another form; here that is an error.
"""

from base64 import b64decode
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Annotated, Any, ClassVar, Literal

from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.errors import KEPT, ResultTooLarge, SourceErrors
from finsync_pipeline.clients.http import Connections, HttpService, Request, Response, RetryPolicy
from finsync_pipeline.clients.responses import FAIL_FAST, Rows, Version, check_rows, read_json, read_table
from finsync_pipeline.errors import SourceInvalid, SourceUnavailable


@dataclass(frozen=True)
class _Result:
    """The response to a query."""

    ok: Literal[True]
    columns: Annotated[list[str], FAIL_FAST]
    rows: Annotated[list[list[Any]], FAIL_FAST]
    truncated: bool


@dataclass(frozen=True)
class _Database:
    """A database in Datasette's list; an immutable one has the hash of its file."""

    route: str
    is_mutable: bool
    hash: str | None


class DatasetteErrors(SourceErrors):
    """Makes the errors of the source `name` in the `database` of the Datasette server at `url`."""

    def __init__(self, name: str, url: str, database: str) -> None:
        super().__init__(name, url)
        self.database = database

    def unavailable(self, what: str) -> SourceUnavailable:
        """The server does not respond, or not to the end."""
        fix = f"Start Datasette there, or correct url in {self.file}. {KEPT}"
        return SourceUnavailable(f"the service {what}", fix, self.where)

    def invalid(self, what: str) -> SourceInvalid:
        """The server returns what Datasette 0.65 does not return: `what` is the response."""
        fix = f"Check that url in {self.file} is the address of a Datasette 0.65; 1.0 responds in another form. {KEPT}"
        return SourceInvalid(super().invalid(what).what, fix, self.where)

    def rejected(self, status: int, what: str, token_file: str) -> SourceInvalid:
        """The server returns 4xx with `what`; `token_file` is where its token was read from."""
        if "SQL query took too long" in what:
            return self.too_large("ended a query at its time limit", "sql_time_limit_ms")
        fix = f"Check table and the columns in {self.file}"
        if status == 404:
            fix = f"Check url (the server, without a database) and connection.database, {self.database}, in {self.file}"
        elif status in (401, 403):
            token = (
                f"{token_file} contains its token"
                if token_file
                else f"{self.file} names the token_file that it asks for"
            )
            fix = f"Check that Datasette allows SQL on {self.database} (default_allow_sql, allow_sql), and that {token}"
        return SourceInvalid(f"the service {what}", fix, self.where)

    def too_large(self, what: str, setting: str, rows: int | None = None) -> ResultTooLarge:
        """The server returns only a part (`rows`), or nothing, because of a setting."""
        fix = f"Start Datasette with a larger {setting}, or give each row a key of its own (row_key in {self.file})"
        error = ResultTooLarge(f"the service {what} ({setting})", fix, self.where)
        error.rows = rows
        return error


class DatasetteService(HttpService):
    """A database of a Datasette server, as the Service of one source.

    `token_file` names the file of the token that a plugin of the server requires, if it does. Raises ConfigurationError
    for a `token_file` that cannot be used.
    """

    dialect: ClassVar[str] = "sqlite"
    reports_limits: ClassVar[bool] = True
    supports_arrow: bool | None = False

    def __init__(
        self,
        name: str,
        url: str,
        database: str,
        retry: RetryPolicy | None = None,
        token_file: str = "",
        bounds: Bounds | None = None,
    ) -> None:
        self._errors = DatasetteErrors(name, url, database)
        super().__init__(Connections(self._errors, url, token_file, retry or RetryPolicy(), bounds or Bounds()))
        self._database = database

    def query(self, sql: str) -> Rows:
        """The rows of the SQL. Raises SourceUnavailable, or SourceInvalid: ResultTooLarge where these are not all."""
        parameters = {"sql": sql, "_shape": "arrays", "_json_infinity": "1"}  # without it, infinity would come as null
        return self._http.send(Request(f"/{_tilde_encoded(self._database)}.json", parameters), self._read_rows)

    def table(self) -> None:
        """None: SQL has to fetch the table."""

    def version(self) -> Version | None:
        """The hash of an immutable database's file; None of a mutable one, and of one that is not there.

        Raises SourceUnavailable or SourceInvalid.
        """
        databases = self._http.send(
            Request("/-/databases.json"), lambda response: read_json(list[_Database], response, self._errors)
        )
        found = [each.hash for each in databases if each.route == self._database and not each.is_mutable]
        return Version(found[0], row_count=None, periods=None) if found and found[0] else None

    def _read_rows(self, response: Response) -> Rows:
        result = read_json(_Result, response, self._errors)
        check_rows(result.columns, result.rows, self._errors, self.bounds)
        if result.truncated:
            count = len(result.rows)
            raise self._errors.too_large(f"returns only {count:,} rows of a larger result", "max_returned_rows", count)
        rows = [[self._plain(cell) for cell in row] for row in result.rows]
        return Rows(read_table(result.columns, rows, self._errors), data_version=None)

    def _plain(self, cell: Any) -> Any:
        """The cell, of a blob its hex text. Raises SourceInvalid for what is neither a blob nor a cell of SQLite."""
        if not isinstance(cell, dict | list):
            return cell
        try:
            return b64decode(dict(cell)["encoded"], validate=True).hex()
        except (KeyError, TypeError, ValueError):
            raise self._errors.invalid("a cell is neither text, number nor blob") from None


def _tilde_encoded(name: str) -> str:
    """The name of a database in Datasette's URLs."""
    safe = f"{ascii_letters}{digits}_-"
    return "".join(chr(byte) if chr(byte) in safe else f"~{byte:02X}" for byte in name.encode())
