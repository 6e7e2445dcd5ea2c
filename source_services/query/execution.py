"""The execution of one SELECT, from its SQL to the bytes of its result."""

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from source_services.data.columns import Cell
from source_services.errors import RequestError, busy
from source_services.query.connection import GuardedConnection, Selection
from source_services.query.formats import Format, KindsChanged
from source_services.query.scheduling import Rows
from source_services.query.shares import ResponseShare
from source_services.query.spool import Body, Spool, SpooledFile


@dataclass(frozen=True)
class Result:
    """The rows of a SELECT in one format; `next_token` continues after a page that is not the last one."""

    body: Body
    row_count: int
    is_volatile: bool = False
    next_token: str | None = None


@dataclass(frozen=True)
class Execution:
    """One SELECT, the format of its result, and a limit on its rows; `kinds` of the columns where they are known.

    With `make_token`, the result is a page of `row_limit` rows: the SELECT returns one row more, with the row id as an
    additional last column. `make_token` returns the token that continues after the row with this id.
    """

    sql: str
    parameters: Mapping[str, Cell]
    format: Format
    row_limit: int
    kinds: tuple[str, ...] | None = None
    make_token: Callable[[Any], str] | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Executions over the same data version that have the same key have the same result."""
        is_page = self.make_token is not None
        return is_page, self.sql, self.parameters, self.format.name, self.row_limit, self.kinds

    def run(self, connection: GuardedConnection, spool: Spool, share: ResponseShare) -> Result:
        """Run the SELECT and write its rows into a file of the spool. Raises RequestError.

        A computed column has the kind of its first rows. If later rows have another one and the format depends on
        it, the SELECT runs once more. Nothing is sent before the result is complete.
        """
        cell_kinds: dict[int, set[str]] = {}
        while True:
            selection, file = self._select(connection), SpooledFile(spool, share.write)
            selection.kinds, selection.cell_kinds = list(self.kinds or selection.kinds), cell_kinds
            try:
                count = self.format.write(selection, file)
                return Result(file.body(), count, selection.is_volatile, selection.members.get("next"))
            except KindsChanged:
                share.give_back_result()
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
                    raise
                raise busy("there is no disk space for large results", 30) from error

    def _select(self, connection: GuardedConnection) -> Selection:
        selection = connection.select(self.sql, self.parameters)
        if self.make_token is None:
            selection.groups = self._limited(selection.groups)
            return selection
        names, kinds, members = selection.names[:-1], selection.kinds[:-1], dict[str, str | None](next=None)
        groups = self._page(selection.groups, self.make_token, members)
        return Selection(names, kinds, groups, selection.rows_at_a_time, members=members)

    def _page(
        self, groups: Iterator[Rows], make_token: Callable[[Any], str], members: dict[str, str | None]
    ) -> Iterator[Rows]:
        """The rows of the page without their row ids; the token, if there is a next page, is added to the members."""
        left, last = self.row_limit, None
        for rows in groups:
            if page := rows[:left]:
                left, last = left - len(page), page[-1][-1]
                yield [row[:-1] for row in page]
            if len(rows) > len(page):
                members["next"] = make_token(last)

    def _limited(self, groups: Iterator[Rows]) -> Iterator[Rows]:
        count = 0
        for rows in groups:
            count += len(rows)
            if count > self.row_limit:
                what = f"the result has more than {self.row_limit:,} rows"
                fix = "select fewer (LIMIT, WHERE), read page by page (/data), or use another format (format=arrow)"
                raise RequestError("too-large", what, fix)
            yield rows
