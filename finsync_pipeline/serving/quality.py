"""The quality of a release at a glance: its tables counted by source, quarter, company, item, method and reason.

Each is one SQL statement over the tables of the release, which never changes, so each is counted once. What single
rows are is in `listings`; how fresh the stored quarters are is asked of `publishing.staleness`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from finsync_pipeline.errors import PublicationError
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.publishing.changes import Limits, losses, summarize_differences
from finsync_pipeline.publishing.release import releases
from finsync_pipeline.publishing.staleness import State, command_for, source_states, stored_inventory
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.statements.tables import FACTS, TEXT

COMPANIES = 40
"""Companies of a page of coverage."""
LARGEST = 50
"""Differences between two releases that are shown, those by the largest share first."""


@dataclass(frozen=True)
class Count:
    """Counts over a table of a release: the names of its columns stand in the SQL, in the order of the answer."""

    name: str
    table: str
    summary: str
    sql: str
    needs: str = ""
    """A column without which the release is of an earlier version."""


_COUNTS: Sequence[Count] = (
    Count("coverage", "facts", "Companies and facts of each source and quarter", """
        SELECT source, quarter, count(*) AS companies, sum(facts)::BIGINT AS facts
        FROM coverage GROUP BY source, quarter ORDER BY source, quarter
    """),
    Count("verdicts", "agreement", "Cells of each item by what the comparison of the sources found", """
        SELECT
            item, verdict, count(*) AS cells, count(*) FILTER (WHERE sources > 1) AS compared,
            count(*) FILTER (WHERE is_withheld) AS withheld
        FROM agreement GROUP BY item, verdict ORDER BY item, verdict
    """),
    Count("source-pairs", "agreement", "Cells that two sources have in common, by what their comparison found", """
        WITH cells AS (
            SELECT string_split(used_sources, '|') AS sources, verdict, 1 AS cells
            FROM agreement WHERE sources > 1 AND sources_used = sources AND used_sources IS NOT NULL
        ), others AS (
            SELECT list(DISTINCT facts.source) AS sources, any_value(verdict) AS verdict
            FROM agreement JOIN facts USING (company_id, item, period_end, months, currency)
            WHERE agreement.sources > 1 AND (sources_used <> sources OR used_sources IS NULL)
            GROUP BY company_id, item, period_end, months, currency
        ), counted AS (
            SELECT list_sort(sources) AS sources, verdict, count(*) AS cells
            FROM (SELECT sources, verdict FROM cells UNION ALL SELECT sources, verdict FROM others) GROUP BY ALL
        ), firsts AS (SELECT sources, verdict, cells, unnest(sources) AS source FROM counted),
        pairs AS (SELECT source, unnest(sources) AS other_source, verdict, cells FROM firsts)
        SELECT source, other_source, verdict, sum(cells)::BIGINT AS cells
        FROM pairs WHERE source < other_source GROUP BY ALL ORDER BY ALL
    """, needs="used_sources"),
    Count("methods", "company_ids", "Source names and rows by how their company was decided", """
        SELECT source, status, method, count(DISTINCT source_name) AS names, sum(row_count)::BIGINT AS rows
        FROM company_ids WHERE row_count > 0 GROUP BY source, status, method ORDER BY source, rows DESC, status, method
    """),
    Count("item-grades", "accounting_grades", "Accounting checks of each source and item, over all years", """
        SELECT
            source, item, sum(cells)::BIGINT AS cells, sum(missing)::BIGINT AS missing,
            sum(checks)::BIGINT AS checks, sum(exact)::BIGINT AS exact, sum(close)::BIGINT AS close,
            sum(failed)::BIGINT AS failed, sum(culprits)::BIGINT AS culprits,
            (sum(exact) + sum(close)) / nullif(sum(checks), 0) AS grade
        FROM accounting_grades GROUP BY source, item ORDER BY source, item
    """),
    Count("reject-reasons", "rejects", "Entries and cells that are not used, by source and reason", """
        SELECT source, outcome, reason, count(*) AS entries, sum(cells)::BIGINT AS cells
        FROM rejects GROUP BY source, outcome, reason ORDER BY sum(cells) DESC, source, reason, outcome
    """),
)  # fmt: skip
COUNTS: Mapping[str, Count] = {each.name: each for each in _COUNTS}
_COVERAGE = """
    CREATE TABLE coverage AS
    SELECT company_id, date_trunc('quarter', period_end)::DATE AS quarter, source, count(*) AS facts
    FROM facts GROUP BY ALL
"""
_counted: WeakKeyDictionary[OpenRelease, dict[str, pa.Table]] = WeakKeyDictionary()
_lock = Lock()


def count(release: OpenRelease, name: str) -> pa.Table:
    """The counts of this name, as an Arrow table. Raises PublicationError if the release lacks what they are of."""
    counted = COUNTS[name]
    release.require(counted.table)
    if counted.needs and counted.needs not in release.columns[counted.table]:
        what = f"it is of an earlier version, without {counted.table}.{counted.needs}"
        raise PublicationError(what, "Name a newer release", f"Release {release.name}")
    kept = _kept(release)
    if name not in kept:
        kept[name] = release.arrow(counted.sql)
    return kept[name]


def coverage_by_company(
    release: OpenRelease, limit: int = COMPANIES, after: int = 0, source: str | None = None, order: str = "facts"
) -> pa.Table:
    """The facts of each of some companies by quarter and source: company_id, quarter, source, facts.

    The companies are those with the most facts or, with `order` = `company_id`, the first by their ids; `after` is how
    many of them come before. Raises PublicationError.
    """
    release.require("facts")
    _kept(release)
    by = "company_id" if order == "company_id" else "sum(facts) DESC, company_id"
    sql = f"""
        WITH companies AS (
            SELECT company_id, row_number() OVER (ORDER BY {by}) AS place
            FROM coverage WHERE ? IS NULL OR source = ? GROUP BY company_id ORDER BY place LIMIT ? OFFSET ?
        )
        SELECT company_id, quarter, source, facts
        FROM coverage JOIN companies USING (company_id)
        WHERE ? IS NULL OR source = ? ORDER BY place, quarter, source
    """
    return release.arrow(sql, source, source, limit, after, source, source)


def count_companies(release: OpenRelease) -> int:
    """Companies that have a fact."""
    release.require("facts")
    _kept(release)
    [(companies,)] = release.query("SELECT count(DISTINCT company_id) FROM coverage").rows
    return int(companies)


def freshness(deployment: Deployment) -> dict[str, list[dict[str, Any]]]:
    """By source, the state of each quarter: quarter, state, why, rows at the source, and the command to run."""
    decider = decider_of(deployment)
    found = {}
    for name, mapping in deployment.mappings.items():
        inventory = stored_inventory(deployment.tables, name)
        states = source_states(deployment.tables, mapping, decider, deployment.quarters, inventory) or ()
        found[name] = [
            {
                "quarter": each.quarter,
                "state": str(each.state),
                "why": each.why,
                "rows": each.rows,
                "command": None if each.state == State.CURRENT else command_for([each]).partition(" (")[0],
            }
            for each in states
        ]
    return found


_COUNTED = pa.schema({"source": TEXT, "item": TEXT, "change": TEXT, "facts": pa.int64()})
_LARGEST = pa.schema(
    [*(FACTS.arrow.field(name) for name in ("source", "company_id", "item", "period_end", "months", "currency"))]
    + [(name, pa.float64()) for name in ("before", "after", "share")]
)


def release_before(published: Path, release: Path) -> Path | None:
    """The release before this one, if there is one."""
    earlier = [folder for folder in releases(published) if folder.name < release.name]
    return earlier[-1] if earlier else None


@lru_cache(maxsize=8)
def changes(before: Path, after: Path) -> tuple[pa.Table, pa.Table, list[str]]:
    """What two releases differ in: facts by source, item and kind of change; the largest changes; and what is lost.

    The lost ones are sentences about companies, quarters and shares of a source, whatever a release may lose.
    """
    found = summarize_differences(before, after, LARGEST)
    counted = [
        {"source": row["source"], "item": row["item"], "change": change, "facts": row[change]}
        for row in found.counts
        for change in ("changed", "lost", "new")
        if row[change]
    ]
    nothing_may_go = Limits(companies=0, companies_at_least=1, facts=0)
    lost = losses(before, after).beyond(nothing_may_go)
    return pa.Table.from_pylist(counted, _COUNTED), pa.Table.from_pylist(found.largest, _LARGEST), lost


def _kept(release: OpenRelease) -> dict[str, pa.Table]:
    """What was counted of the release; the facts by company, quarter and source are counted first."""
    with _lock:
        if release not in _counted:
            if release.has("facts"):
                release.query(_COVERAGE)
            _counted[release] = {}
        return _counted[release]
