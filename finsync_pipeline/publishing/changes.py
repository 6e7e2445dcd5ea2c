"""What two releases differ in, and whether the later one lost so much that a person must accept it first.

Both are folders of a release, the later one perhaps not yet published: DuckDB reads their Parquet files.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.errors import PublicationError

SHOWN = 5
"""Names that a message shows of each loss."""

LEAST_SCALED = 3
"""Fewer values than these that change by a power of ten or in sign may be corrections."""

_KEY = "source, company_id, item, period_end, months, currency"
_QUARTER = "year(period_end) || '-Q' || quarter(period_end)"

# One row per fact that only one of the releases has, or that has another value in them
_DIFFERENCES_SQL = f"""
    SELECT
        {_KEY}, before.value AS before, after.value AS after,
        CASE WHEN after.value IS NULL THEN 'lost' WHEN before.value IS NULL THEN 'new' ELSE 'changed' END AS change
    FROM before FULL JOIN after USING ({_KEY})
    WHERE before.value IS DISTINCT FROM after.value
    ORDER BY ALL
"""

_COUNTS_SQL = """
    SELECT
        source, item,
        count(*) FILTER (change = 'new') AS new,
        count(*) FILTER (change = 'lost') AS lost,
        count(*) FILTER (change = 'changed') AS changed
    FROM differences GROUP BY ALL ORDER BY ALL
"""

# The share that a value moved, of the larger one: 2 where it has the other sign
_LARGEST_SQL = f"""
    SELECT {_KEY}, before, after, abs(after - before) / greatest(abs(before), abs(after)) AS share
    FROM differences WHERE change = 'changed'
    ORDER BY share DESC, abs(after - before) DESC, {_KEY} LIMIT $most
"""

# For each source, what it has in both releases and what is lost
_SOURCES_SQL = f"""
    WITH lost AS (SELECT * FROM before ANTI JOIN after USING ({_KEY})),
    quarters AS (
        SELECT source, list(DISTINCT {_QUARTER} ORDER BY {_QUARTER}) AS quarters
        FROM before WHERE (source, {_QUARTER}) NOT IN (SELECT (source, {_QUARTER}) FROM after) GROUP BY source
    ),
    items AS (
        SELECT source, list(DISTINCT item ORDER BY item) AS items
        FROM before WHERE (source, item) NOT IN (SELECT (source, item) FROM after) GROUP BY source
    ),
    companies AS (
        SELECT source, list(DISTINCT company_id ORDER BY company_id) AS companies
        FROM before WHERE (source, company_id) NOT IN (SELECT (source, company_id) FROM after) GROUP BY source
    ),
    factors AS (
        SELECT
            source, round(log10(abs(after.value / before.value)) * 10)::INT AS tenths,
            sign(before.value) <> sign(after.value) AS is_turned, count(*) AS facts
        FROM before JOIN after USING ({_KEY})
        WHERE before.value <> 0 AND after.value <> 0
        GROUP BY source, tenths, is_turned HAVING abs(tenths) IN (20, 30, 60, 90) OR tenths = 0 AND is_turned
    ),
    scaled AS (
        SELECT source, facts AS facts_scaled, tenths, is_turned FROM factors
        QUALIFY row_number() OVER (PARTITION BY source ORDER BY facts DESC, tenths, is_turned) = 1
    )
    SELECT
        source,
        count(*) AS facts_before,
        (SELECT count(*) FROM after WHERE after.source = before.source) AS facts_after,
        (SELECT count(*) FROM lost WHERE lost.source = before.source) AS facts_lost,
        coalesce(any_value(quarters), []) AS quarters_lost,
        coalesce(any_value(items), []) AS items_lost,
        coalesce(any_value(companies), []) AS companies_lost,
        coalesce(any_value(facts_scaled), 0) AS facts_scaled,
        coalesce(any_value(tenths), 0) // 10 AS exponent,
        coalesce(any_value(is_turned), FALSE) AS is_turned
    FROM before
    LEFT JOIN quarters USING (source) LEFT JOIN items USING (source) LEFT JOIN companies USING (source)
    LEFT JOIN scaled USING (source)
    GROUP BY source ORDER BY source
"""


@dataclass(frozen=True)
class Limits:
    """What a release may lose without being accepted: shares of companies and of a source's facts.

    Up to `companies_at_least` - 1 companies may always go; a whole quarter of a source never.
    """

    companies: float = 0.02
    companies_at_least: int = 3
    facts: float = 0.05


@dataclass(frozen=True)
class SourceLoss:
    """What a source has lost from one release to the next; quarters as `2009-Q4`."""

    source: str
    facts_before: int
    facts_after: int
    facts_lost: int
    quarters: list[str]
    items: list[str]
    companies: list[str]
    facts_scaled: int = 0
    """Facts that are 10 to the power of `exponent` times what they were, perhaps with the other sign."""
    exponent: int = 0
    is_turned: bool = False


@dataclass(frozen=True)
class Losses:
    """What a release has lost: companies of all sources together (of how many before), and each source by itself."""

    companies: list[str]
    companies_before: int
    companies_after: int
    sources: list[SourceLoss]

    def beyond(self, limits: Limits) -> list[str]:
        """A sentence for each loss beyond the limits."""
        found = [] if self.companies_after else ["it has no company"]
        count, before = len(self.companies), self.companies_before
        if count >= limits.companies_at_least and count > limits.companies * before:
            found.append(f"{count:,} of {before:,} companies are lost: {_named(self.companies)}")
        for each in self.sources:
            if each.facts_lost > limits.facts * each.facts_before:
                found.append(f"{each.source} lost {each.facts_lost:,} of {each.facts_before:,} facts")
            if each.facts_scaled >= LEAST_SCALED and each.facts_scaled > limits.facts * each.facts_before:
                facts = f"{each.facts_scaled:,} of {each.facts_before:,} facts"
                sign = "-" if each.is_turned else ""
                times = f"{sign}10^{each.exponent} times" if each.exponent else "the opposite of"
                found.append(f"{each.source} has {facts} that are {times} what they were")
            if each.quarters:
                found.append(f"{each.source} has no facts any more for {_named(each.quarters)}")
        return found


def losses(before: Path | None, after: Path, without: Collection[str] = ()) -> Losses:
    """What the release in the folder `after` has lost since `before` (None: there is none), except of these sources."""
    with _facts(before, after, without) as connection:
        lost = _column(
            connection, "SELECT DISTINCT company_id FROM before ANTI JOIN after USING (company_id) ORDER BY 1"
        )
        counts = [
            _column(connection, f"SELECT count(DISTINCT company_id) FROM {name}")[0] for name in ("before", "after")
        ]
        rows = connection.sql(_SOURCES_SQL).fetchall()
    return Losses(lost, counts[0], counts[1], [SourceLoss(*row) for row in rows])


def differences(before: Path, after: Path) -> pd.DataFrame:
    """Each fact that the releases differ in: its keys, `before`, `after` (null where there is none), and `change`."""
    with _facts(before, after) as connection:
        return frames.from_arrow(connection.sql(_DIFFERENCES_SQL).to_arrow_table())


@dataclass(frozen=True)
class ChangeSummary:
    """What two releases differ in: `counts` for each source and item, and the `largest` changes of a value."""

    counts: list[dict[str, Any]]
    largest: list[dict[str, Any]]


def summarize_differences(before: Path, after: Path, most: int) -> ChangeSummary:
    """How many facts of each source and item are new, lost or changed, and the `most` largest changes."""
    with _facts(before, after) as connection:
        connection.execute(f"CREATE TEMP TABLE differences AS {_DIFFERENCES_SQL}")
        counts = connection.sql(_COUNTS_SQL).to_arrow_table().to_pylist()
        largest = connection.sql(_LARGEST_SQL, params={"most": most}).to_arrow_table().to_pylist()
    return ChangeSummary(counts, largest)


def shares_rejected(folder: Path) -> dict[str, dict[str, float]]:
    """Of each source, the share of its cells that each reason takes."""
    with duckdb.connect() as connection:
        cells = dict(
            connection.read_parquet(str(folder / "ledger.parquet"))
            .aggregate("source, sum(cells_in)", "source")
            .fetchall()
        )
        rejected = connection.read_parquet(str(folder / "rejects.parquet")).aggregate(
            "source, reason, sum(cells)", "source, reason"
        )
        shares: dict[str, dict[str, float]] = {source: {} for source in cells}
        for source, reason, count in rejected.order("source, reason").fetchall():
            shares.setdefault(source, {})[reason] = float(count) / float(cells.get(source) or count or 1)
    return shares


def check_losses(found: Losses, limits: Limits) -> None:
    """Raise PublicationError if the release has lost too much to be published without being accepted."""
    if sentences := found.beyond(limits):
        fix = (
            'If this is right, accept it: finsync release --accept "the reason" (in the UI: '
            "resources.publication.config.accept); else correct the source or its mapping, then: finsync run"
        )
        raise PublicationError("; ".join(sentences), fix, "The release before this one stays current")


@contextmanager
def _facts(before: Path | None, after: Path, without: Collection[str] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the facts of both releases as the views `before` and `after`."""
    left_out = ", ".join(map(_text, ["", *without]))
    with duckdb.connect() as connection:
        for name, folder in (("before", before), ("after", after)):
            file = _text(str((folder or after) / "facts.parquet"))
            none = "" if folder else "AND false"
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet({file}) WHERE source NOT IN ({left_out}) {none}"
            )
        yield connection


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _column(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return [row[0] for row in connection.sql(sql).fetchall()]


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
