"""The one entry of a query: SQL or a request in, an answer out, live or over releases."""

import re
from collections.abc import Callable

from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.releases import difference, find_release, query_release
from finsync_pipeline.federation.request import Request
from finsync_pipeline.federation.statement import BYTE_ORDER_MARK, Statement, read_statement, unlisted_companies
from finsync_pipeline.identity import read_reference
from finsync_pipeline.publishing.release import CURRENT

_BLANK = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)"
_EXPLAIN = re.compile(rf"({BYTE_ORDER_MARK}?{_BLANK}*)EXPLAIN(?={_BLANK})", re.IGNORECASE | re.DOTALL)
Progress = Callable[[str], object]
"""Is called with what is done now."""


def query(
    sql: str | Request,
    deployment: Deployment,
    *,
    release: str | None = None,
    against: str | None = None,
    partial: bool = False,
    explain: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """The answer to one SELECT over the standard views, or to a request, which stands for one.

    The sources are asked now; or a `release` is read (`current`, a name or the beginning of one); or it and `against`:
    then the answer has the rows that are in one of the two only, and which one in its first column. `partial` leaves
    out sources that do not respond, and names them in `missing`. `explain`, or EXPLAIN before the SELECT, asks sources
    anew, so that the plan has what each was sent.

    Raises QueryError, ConfigurationError for lists and settings, SourceError for sources that do not respond.
    """
    statement = sql.statement() if isinstance(sql, Request) else read_statement(without_explain(sql))
    explain = explain or is_explained(sql)
    if release is None and against is None:
        from finsync_pipeline.federation.live import query_live  # which a query over a release does not wait for

        return query_live(statement, deployment, partial=partial, explain=explain, progress=progress)
    if partial or explain:
        raise QueryError(
            "over a release, no source is asked", "leave out partial, explain, and EXPLAIN before the SELECT"
        )
    return _over_releases(statement, deployment, CURRENT if release is None else release, against)


def is_explained(sql: str | Request) -> bool:
    """Whether the plan is meant: EXPLAIN stands before the SELECT."""
    return isinstance(sql, str) and _EXPLAIN.match(sql) is not None


def without_explain(sql: str) -> str:
    """The SQL with blanks instead of an EXPLAIN before it, so that all else keeps its place."""
    found = _EXPLAIN.match(sql)
    return sql if found is None else f"{found[1]}{' ' * len('EXPLAIN')}{sql[found.end() :]}"


def _over_releases(statement: Statement, deployment: Deployment, release: str, against: str | None) -> Answer:
    companies = read_reference(deployment.reference).companies
    folder = find_release(deployment.published, release)
    if against is None:
        table = query_release(statement, folder, companies, deployment.limits)
    else:
        other = find_release(deployment.published, against)
        table = difference(statement, folder, other, companies, deployment.limits)
    return Answer(table, notes=tuple(unlisted_companies(statement, companies["company_id"])))
