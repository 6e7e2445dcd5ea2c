"""The rows of one source that a query needs: fetched completely, whatever the source returns at once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote_plus

from sqlglot import exp

from finsync_pipeline.clients.errors import ResultTooLarge, RouteNotFound, SourceErrors
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.extraction.fetch import (
    fetch_periods,
    query_count,
    query_unless_too_large,
    whole_table,
    with_columns,
)
from finsync_pipeline.extraction.source_query import conditional_count_query, rows_query
from finsync_pipeline.federation.conditions import all_of, company_condition
from finsync_pipeline.federation.groups import Inexact
from finsync_pipeline.federation.pushdown import Part
from finsync_pipeline.federation.source_index import SourceIndex
from finsync_pipeline.federation.top_n import SourceOrder
from finsync_pipeline.statements.mapping import SourceMapping

URL_CHARACTERS = 7_000
"""Of SQL in a URL, as it is encoded there: many servers take no more than 8,000 characters of a URL."""
SQL_BYTES = 240_000
"""Of SQL in the body of a request: a service takes 256 KiB unless it is set otherwise."""
Literals = Sequence[str] | None
Sent = tuple[Literals, exp.Expr | None]
"""Period ends (None: all) and a condition."""


@dataclass
class Fetch:
    """Fetches a part of a source; `sent` has the SQL (or the route) of each request, and what came back is counted.

    `local` has what is not sent since the service does not take so long a statement.
    """

    service: Service
    mapping: SourceMapping
    index: SourceIndex
    sent: list[str] = field(default_factory=list)
    local: list[str] = field(default_factory=list)
    row_count: int = 0
    byte_count: int = 0

    def part(self, part: Part) -> list[Rows]:
        """The rows of the part and perhaps others, with the columns of the mapping's items that it names.

        Raises SourceError; SourceChanged if they are of another version than the index.
        """
        narrow = self.mapping.only(part.items)
        try:
            if part.is_everything and narrow.columns == self.mapping.columns:
                return self._checked(self._whole(narrow), narrow)
            return self._checked(self._rows(narrow, *self._sendable(part, partial(rows_query, narrow))), narrow)
        except RouteNotFound as no_sql:
            self.sent.append("GET /data")
            return self._checked([whole_table(self.service, no_sql)], narrow)

    def first_rows(self, part: Part, order: SourceOrder, most: int) -> tuple[Rows, float | None] | None:
        """The first rows of the part in this order, and the number in the last one (None: there are no more rows).

        None where the source cannot say which are the first.
        """
        narrow = self.mapping.only(part.items)

        def first(literals: Literals, condition: exp.Expr | None) -> str:
            return rows_query(narrow, literals, _both(condition, order.is_number), order.order_by, most)

        literals, condition = self._sendable(part, first)
        with suppress(RouteNotFound, ResultTooLarge):
            if order.is_text is not None and self._count(narrow, literals, _both(condition, order.is_text)):
                return None
            sql = first(literals, condition)
            self.sent.append(sql)
            [rows] = self._checked([self.service.query(sql)], narrow)
            if rows.row_count < most and self._is_complete(rows, narrow, literals, _both(condition, order.is_number)):
                return rows, None
            if rows.row_count:
                return rows, self._last_of(order, rows)
        return None

    def whole_result(self, sql: str) -> Rows:
        """All rows of the statement. Raises Inexact where the source may return fewer."""
        if not (self.service.supports_arrow or self.service.reports_limits) or not self._fits(sql):
            raise Inexact("the source may not return all groups")
        self.sent.append(sql)
        try:
            [rows] = self._checked([self.service.query(sql)])
        except (ResultTooLarge, RouteNotFound):
            raise Inexact("the source does not return all groups") from None
        return rows

    def _sendable(self, part: Part, sql_of: Callable[[Literals, exp.Expr | None], str]) -> Sent:
        """As much of the part as the service takes in one statement, `sql_of` it.

        What is not sent only lets more rows come: the query's own conditions are evaluated over them.
        """
        names = None if part.names is None else company_condition(self.mapping, part.names)
        conditions = [_both(names, part.condition), names, part.condition, None]
        choices: list[Sent] = [*((part.literals, each) for each in conditions), (None, None)]
        chosen = next((each for each in choices if self._fits(sql_of(*each))), choices[-1])
        if chosen != choices[0]:
            self.local.append("conditions that would make a statement longer than the source takes")
        return chosen

    def _fits(self, sql: str) -> bool:
        """Whether the service certainly takes a statement of this length."""
        if self.service.supports_arrow:
            return len(sql.encode()) <= SQL_BYTES
        return len(quote_plus(sql)) <= URL_CHARACTERS

    def _whole(self, narrow: SourceMapping) -> list[Rows]:
        table = self.service.table()
        if table is None:
            return self._rows(narrow, None, None)
        self.sent.append("GET /data")
        return [table]

    def _rows(self, narrow: SourceMapping, literals: Literals, condition: exp.Expr | None) -> list[Rows]:
        """All at once, if the source returns them so, and else those of some period ends after the others."""
        sql = rows_query(narrow, literals, condition)
        if literals is None or self._fits(sql):
            self.sent.append(sql)
            rows = query_unless_too_large(self.service, sql)
            if rows is not None and self._is_complete(rows, narrow, literals, condition):
                return [rows]
        literals = list(self.index.periods["literal"]) if literals is None else literals
        if len(literals) > 1:
            half = len(literals) // 2
            parts = (literals[:half], literals[half:])
            return [each for some in parts for each in self._rows(narrow, some, condition)]
        counts = dict(zip(self.index.periods["literal"], map(int, self.index.periods["row_count"]), strict=True))
        self.sent.append(f"rows of {literals[0]} in chunks")
        return fetch_periods(self.service, narrow, {literal: counts[literal] for literal in literals})

    def _is_complete(self, rows: Rows, narrow: SourceMapping, literals: Literals, condition: exp.Expr | None) -> bool:
        if self.service.supports_arrow or self.service.reports_limits:
            return True
        return rows.row_count == self._count(narrow, literals, condition)

    def _count(self, narrow: SourceMapping, literals: Literals, condition: exp.Expr | None) -> int:
        sql = conditional_count_query(narrow, literals, condition)
        self.sent.append(sql)
        return query_count(self.service, self.mapping, sql)

    def _last_of(self, order: SourceOrder, rows: Rows) -> float:
        try:
            return order.last_of(rows)
        except (TypeError, ValueError, OverflowError):
            what = "the last of the rows, which are in the order of a number, has none"
            raise SourceErrors(self.mapping.name, self.mapping.url).invalid(what) from None

    def _checked(self, fetched: list[Rows], narrow: SourceMapping | None = None) -> list[Rows]:
        """The rows, counted, if they are of the index's version and have the columns of the narrow mapping."""
        if narrow is not None:
            fetched = [with_columns(rows, narrow) for rows in fetched]
        versions = {rows.data_version for rows in fetched} - {None}
        if self.index.data_version is not None and versions - {self.index.data_version}:
            raise SourceErrors(self.mapping.name, self.mapping.url).changed()
        self.row_count += sum(rows.row_count for rows in fetched)
        self.byte_count += sum(rows.bytes_received for rows in fetched)
        return fetched


def _both(*conditions: exp.Expr | None) -> exp.Expr | None:
    """That all of these are true; None for no condition."""
    known = [each for each in conditions if each is not None]
    return all_of(known) if known else None
