"""What extraction needs of a source's service, whichever kind of server it is.

Each kind of `connection` in a source's YAML is one class of this form: `source_service` is FinSync's own, `datasette`
another. `extraction.connect` chooses.
"""

from typing import ClassVar, Protocol, Self

from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.clients.responses import Rows, Version


class Service(Protocol):
    """The service of one source, as a context manager that holds its connections. Threads may share it.

    `bounds` are those of one answer.

    `dialect` is SQLGlot's name of the SQL that it takes. `supports_arrow`: it returns complete results in Arrow, and
    takes long SQL (None: not known before its first response). `reports_limits`: a response in JSON is complete, or an
    error; other services may leave out rows without reporting it.
    """

    bounds: Bounds
    dialect: ClassVar[str]
    reports_limits: ClassVar[bool]
    supports_arrow: bool | None

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def cancel(self) -> None:
        """End the requests that wait for a response, in all threads: the service stops its work where it notices it."""
        ...

    def query(self, sql: str) -> Rows:
        """The rows that the service returns for the SQL: all of them, unless it limits them without reporting it.

        Raises SourceUnavailable or SourceInvalid; of the latter, ResultTooLarge where a smaller query may succeed, and
        RouteNotFound where the service does not support SQL.
        """
        ...

    def table(self) -> Rows | None:
        """The whole table in one piece, or None where SQL has to fetch it. Raises SourceError."""
        ...

    def version(self) -> Version | None:
        """The version of the service's data, or None where it has none. Raises SourceUnavailable or SourceInvalid."""
        ...
