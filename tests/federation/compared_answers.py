"""Whether the live answer to a query is DuckDB's over the standard tables."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa
from federation.random_queries import RandomQuery
from federation.small_deployment import Compared

from finsync_pipeline.errors import FinSyncError
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.engine import with_distinct_names
from finsync_pipeline.federation.live import query_live
from finsync_pipeline.federation.statement import read_statement

RELATIVE = 1e-9
NOISE = 1e4
"""Sums of the same floats in another order differ by so much, where numbers of 1e18 cancel each other."""
Rows = list[tuple[Any, ...]]


def live_answer(sql: str, compared: Compared) -> Answer:
    """The answer of the mediator."""
    return query_live(read_statement(sql), compared.deployment, explain=True)  # and not what was kept


def difference(query: RandomQuery | str, compared: Compared) -> str | None:
    """How the live answer differs from the right one; None if it is right."""
    return answer_and_difference(query, compared)[1]


def answer_and_difference(query: RandomQuery | str, compared: Compared) -> tuple[Answer | None, str | None]:
    """The live answer (None for an error), and how it differs from the right one."""
    query = RandomQuery(query) if isinstance(query, str) else query
    expected = right_answer(query.sql, compared)
    try:
        answer = live_answer(query.sql, compared)
    except FinSyncError as error:
        return None, None if isinstance(expected, str) else f"fails: {error}"
    except Exception as error:
        return None, f"fails: {type(error).__name__}: {error}"
    if isinstance(expected, str):
        return answer, f"does not fail, as it should: {expected}"
    return answer, _difference(query, answer.table, expected, compared)


def right_answer(sql: str, compared: Compared) -> pa.Table | str:
    """DuckDB's answer over the standard tables, or its error."""
    try:
        return with_distinct_names(compared.reference.sql(sql).to_arrow_table())
    except duckdb.Error as error:
        return str(error)


def _difference(query: RandomQuery, found: pa.Table, expected: pa.Table, compared: Compared) -> str | None:
    if found.schema != expected.schema:
        return f"has the columns {found.schema.to_string()}, not {expected.schema.to_string()}"
    if query.unlimited is not None:
        return _difference_of_some(query, found, expected, compared)
    sums = [place for place, name in enumerate(found.column_names) if name in query.sums]
    got, right = _rows(found, sums, query.is_ordered), _rows(expected, sums, query.is_ordered)
    if len(got) != len(right):
        return f"has {len(got)} rows, not {len(right)}; {_examples(got, right)}"
    wrong = [(one, other) for one, other in zip(got, right, strict=True) if not _are_equal(one, other, sums)]
    return f"{len(wrong)} rows differ; has {wrong[0][0]}, not {wrong[0][1]}; {_examples(got, right)}" if wrong else None


def _difference_of_some(query: RandomQuery, found: pa.Table, expected: pa.Table, compared: Compared) -> str | None:
    if found.num_rows != expected.num_rows:
        return f"has {found.num_rows} rows, not {expected.num_rows}"
    every = right_answer(query.unlimited or "", compared)
    assert isinstance(every, pa.Table)
    others = Counter(map(repr, _rows(found, [], True))) - Counter(map(repr, _rows(every, [], True)))
    if others:
        return f"has rows that do not exist: {list(others)[:2]}"
    name = query.ordered_by
    if name is not None and repr(found[name].to_pylist()) != repr(expected[name].to_pylist()):
        return f"has other first rows by {name}: {found[name].to_pylist()[:20]}, not {expected[name].to_pylist()[:20]}"
    return None


def _rows(table: pa.Table, sums: Sequence[int], is_ordered: bool) -> Rows:
    """The rows; where they have no order in one of their values, sums last."""
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True)) if table.num_columns else []
    return rows if is_ordered else sorted(rows, key=lambda row: _sort_key(row, sums))


def _sort_key(row: tuple[Any, ...], sums: Sequence[int]) -> Any:
    exact = tuple(repr(cell) for place, cell in enumerate(row) if place not in sums)
    return exact, tuple(-math.inf if row[place] is None else row[place] for place in sums)


def _are_equal(one: tuple[Any, ...], other: tuple[Any, ...], sums: Sequence[int]) -> bool:
    return all(
        _is_near(left, right) if place in sums and left is not None and right is not None else repr(left) == repr(right)
        for place, (left, right) in enumerate(zip(one, other, strict=True))
    )


def _is_near(one: float, other: float) -> bool:
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=RELATIVE, abs_tol=NOISE)


def _examples(got: Rows, right: Rows) -> str:
    added, lost = (Counter(map(repr, one)) - Counter(map(repr, other)) for one, other in ((got, right), (right, got)))
    return f"{len(added)} too many, such as {list(added)[:1]}, {len(lost)} too few, such as {list(lost)[:1]}"
