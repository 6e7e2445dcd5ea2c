"""What is asked of one source, until the answers are complete: what its table holds, and rows of it.

Many services limit the rows of an answer, some without saying so. So the rows are counted first, and where
fewer come than were counted, less is asked for at once: some periods, one period, then the rows of one period in the
order of their keys. A service without SQL gives its whole table, and the rest is worked out from that.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import (
    Complaints,
    NoSuchRoute,
    SourceAnswerMistake,
    TooMuchAsked,
    without_credentials,
)
from finsync_pipeline.clients.responses import Answer, Version
from finsync_pipeline.clients.source_service import PARALLEL
from finsync_pipeline.extraction.cell_text import as_literals, distinct_cells, table_as_text
from finsync_pipeline.extraction.source_query import (
    columns_query,
    count_query,
    count_without_period_query,
    keyless_rows_query,
    literal,
    periods_page_query,
    periods_query,
    rows_page_query,
    rows_query,
)
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.validate import check_columns

A = TypeVar("A")
B = TypeVar("B")
LITERAL_CHARACTERS = 3_000
"""Period ends are named in a URL, and many servers take no more than 8,000 characters of it."""
PAGE_ROWS = 1_000
"""Rows to begin with where a service refuses to answer all at once."""


class Service(Protocol):
    """What extraction needs of a source's service: `clients.SourceService`, or anything that answers like it.

    Several threads ask at the same time.
    """

    def query(self, sql: str) -> Answer:
        """The rows that the SQL asks for."""
        ...

    def table(self) -> Answer | None:
        """The whole table in one piece, or None where it is to be asked for by SQL."""
        ...

    def version(self) -> Version | None:
        """The version of the data, if the service tells."""
        ...


@dataclass(frozen=True)
class Contents:
    """What a table holds: columns that the mapping does not name, the rows of each period end, and of all."""

    unmapped: list[str]
    periods: list[tuple[Any, int]]
    row_count: int
    version: Version | None
    data_version: str | None


def complaints_of(mapping: SourceMapping) -> Complaints:
    """The faults of the source, with its address as it may be shown."""
    return Complaints(mapping.name, without_credentials(mapping.url))


def ask_contents(service: Service, mapping: SourceMapping) -> Contents:
    """What the table holds.

    Raises a SourceFault, or SourceInvalid for a column that is gone.
    """
    with ThreadPoolExecutor(PARALLEL) as threads:
        columns = threads.submit(service.query, columns_query(mapping))
        version = threads.submit(service.version)
        periods = threads.submit(_unless_too_much, service, periods_query(mapping))
        count = threads.submit(service.query, count_query(mapping))
    try:
        unmapped = check_columns(mapping, columns.result().columns)
    except NoSuchRoute as no_sql:
        return _contents_of(_whole_table(service, no_sql), version.result(), mapping)
    row_count = int(count.result().rows[0][0])
    told = [columns.result(), count.result(), periods.result(), version.result()]
    counted = _counted(service, mapping, periods.result(), row_count)
    return Contents(unmapped, counted, row_count, version.result(), _one_version(told, mapping))


def ask_rows(
    service: Service, mapping: SourceMapping, counts: Mapping[str, int], is_whole: bool = False
) -> list[Answer]:
    """Answers that together hold the rows with these period ends (literals), as many as are counted if there are.

    `is_whole` says that these are all rows there are: then the whole table may be among the answers, with columns
    that the mapping does not name. Raises a SourceFault.
    """
    held = service.table() if is_whole else None
    if held is not None:
        return [held]
    try:
        return _ask_by_sql(service, mapping, counts, is_whole)
    except NoSuchRoute as no_sql:
        table = _whole_table(service, no_sql)
        literals = as_literals(table.table[mapping.period_end.column])
        found = pc.is_in(literals, pa.array(list(counts), pa.string()))
        return [Answer(table.table.filter(found), table.data_version)]


def counts_of(delivery: pd.DataFrame) -> dict[str, int]:
    """The rows that the delivery counts, by the literal of the period end."""
    return dict(zip(delivery["literal"], map(int, delivery["row_count"]), strict=True))


def check_fetched(answers: list[Answer], expected: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The rows of the answers as text, with the column `finsync_literal` of the period end.

    Raises SourceChanged if they are not the rows that the delivery expects, or of another version of the data.
    """
    told = {answer.data_version for answer in answers}
    if len(told) > 1 or (len((told | set(expected["data_version"])) - {None}) > 1 and told != {None}):
        raise complaints_of(mapping).changed()
    rows = frames.from_arrow(pa.concat_tables([table_as_text(answer.table, mapping) for answer in answers]))
    if rows["finsync_literal"].value_counts().to_dict() != counts_of(expected):
        raise complaints_of(mapping).changed()
    return rows


def key_order(mapping: SourceMapping) -> str:
    """SQL of the order of the rows: by their keys, then by all other cells."""
    key = frames.quoted(mapping.row_key)
    others = ", ".join(frames.quoted(name) for name in mapping.columns)
    return f"length({key}), {key}, {others}"


def _ask_by_sql(service: Service, mapping: SourceMapping, counts: Mapping[str, int], is_whole: bool) -> list[Answer]:
    """In rounds: what did not come whole is asked for in smaller parts in the next one."""
    parts = [list(counts)] if is_whole else _parts(counts, sum(counts.values()))
    answers: list[Answer] = []
    pages: list[tuple[str, int]] = []
    while parts:
        asked = [rows_query(mapping, None if is_whole else part) for part in parts]
        smaller: list[list[str]] = []
        for part, answer in zip(parts, in_parallel(partial(_unless_too_much, service), asked), strict=True):
            expected = sum(counts[period] for period in part)
            if answer is not None and answer.row_count >= expected:
                answers.append(answer)
            elif len(part) == 1:
                pages.append((part[0], answer.row_count if answer else expected // 2))
            else:
                fewer = min(answer.row_count if answer else expected, expected // 2)
                smaller += _parts({period: counts[period] for period in part}, fewer)
        parts, is_whole = smaller, False

    def ask_by_key(page: tuple[str, int]) -> list[Answer]:
        period, limit = page
        return _ask_by_key(service, mapping, period, max(1, limit), counts[period])

    return answers + [page for each in in_parallel(ask_by_key, pages) for page in each]


def _ask_by_key(service: Service, mapping: SourceMapping, period: str, limit: int, expected: int) -> list[Answer]:
    """The rows of one period, `limit` or fewer at once, in the order of their keys.

    Of a page that may be cut between rows of one key, these rows are left to the next page.
    """
    pages = [service.query(keyless_rows_query(mapping, period))]
    after: str | None = None
    while (missing := expected - sum(page.row_count for page in pages)) > 0:
        page = _unless_too_much(service, rows_page_query(mapping, period, after, limit))
        if page is None and limit > 1:
            limit //= 2
            continue
        if page is None or page.row_count == 0:
            break
        keys = page.values(mapping.row_key)
        is_cut = page.row_count >= limit and page.row_count != missing
        certain = keys.index(keys[-1]) if is_cut else page.row_count
        if not certain:
            raise _incomplete(mapping, limit, period, f"the same {mapping.row_key}, {keys[-1]!r}")
        pages.append(Answer(page.table.slice(0, certain), page.data_version))
        after = literal(keys[certain - 1])
    if missing > 0 and pages[0].row_count >= limit:
        raise _incomplete(mapping, limit, period, f"no {mapping.row_key}")
    return pages  # if they are still not as many as counted, the source has changed


def _incomplete(mapping: SourceMapping, limit: int, period: str, what: str) -> SourceAnswerMistake:
    return complaints_of(mapping).incomplete(
        f"it answers {limit:,} rows at once, and as many or more of the period {period} have {what}"
    )


def _counted(service: Service, mapping: SourceMapping, first: Answer | None, row_count: int) -> list[tuple[Any, int]]:
    """Each period end with its rows: those of the first answer, if they are all rows, else page by page."""
    counted = [] if first is None else [(period, int(rows)) for period, rows in first.rows]
    if first is not None and sum(rows for _, rows in counted) == row_count:
        return counted
    limit = max(1, first.row_count) if first else PAGE_ROWS
    [[without]] = service.query(count_without_period_query(mapping)).rows
    counted = [(None, int(without))] if without else []
    after: str | None = None
    while sum(rows for _, rows in counted) < row_count:
        page = _unless_too_much(service, periods_page_query(mapping, after, limit))
        if page is None and limit > 1:
            limit //= 2
            continue
        if page is None or page.row_count == 0:
            break  # the sum is checked against the count of all rows
        counted += [(period, int(rows)) for period, rows in page.rows]
        after = literal(counted[-1][0])
    return counted


def _contents_of(table: Answer, version: Version | None, mapping: SourceMapping) -> Contents:
    unmapped = check_columns(mapping, table.columns)
    column = table.table[mapping.period_end.column]
    periods = {literal(cell): cell for cell in [*distinct_cells(column), None]}
    counts = pc.value_counts(as_literals(column))
    counted = [(periods[each["values"]], int(each["counts"])) for each in counts.to_pylist()]
    return Contents(unmapped, counted, table.row_count, version, _one_version([table, version], mapping))


def _one_version(told: Iterable[Answer | Version | None], mapping: SourceMapping) -> str | None:
    """The version of the data that all answers are of, as far as they tell. Raises SourceChanged."""
    versions = {each.data_version for each in told if each is not None} - {None}
    if len(versions) > 1:
        raise complaints_of(mapping).changed()
    return next(iter(versions), None)


def _whole_table(service: Service, no_sql: NoSuchRoute) -> Answer:
    """The table of a service without SQL. Raises what it answered to SQL, if it has no table either."""
    try:
        table = service.table()
    except NoSuchRoute:
        table = None
    if table is None:
        raise no_sql
    return table


def _parts(counts: Mapping[str, int], rows: int) -> list[list[str]]:
    """The literals in parts of at most `rows` and LITERAL_CHARACTERS, or of one; none make one empty part."""
    parts: list[list[str]] = [[]]
    held, written = 0, 0
    for text, count in counts.items():
        if parts[-1] and (held + count > rows or written + len(text) > LITERAL_CHARACTERS):
            parts.append([])
            held = written = 0
        parts[-1].append(text)
        held, written = held + count, written + len(text)
    return parts


def _unless_too_much(service: Service, sql: str) -> Answer | None:
    try:
        return service.query(sql)
    except TooMuchAsked:
        return None


def in_parallel(ask: Callable[[A], B], questions: Iterable[A]) -> list[B]:
    """What `ask` answers to each, in order; the first fault is raised when all have been asked."""
    with ThreadPoolExecutor(PARALLEL) as threads:
        return list(threads.map(ask, questions))
