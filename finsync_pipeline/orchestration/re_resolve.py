"""Re-resolving companies from the stored raw rows: which quarters the list and the review of now decide otherwise."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from finsync_pipeline.identity import Decider, Reference
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.orchestration.run_requests import range_tags, unbroken_ranges
from finsync_pipeline.publishing.staleness import (
    StoredQuarter,
    quarters_decided_otherwise,
    read_decisions,
    stored_decider,
    stored_quarters,
)
from finsync_pipeline.settings import reference_path, review_path, tables_folder
from finsync_pipeline.storage.parquet import read_frame

LISTS = ("companies", "company_aliases", "review_lines")
RESOLVED = ("company_ids", "facts", "versions", "texts", "rejects", "ledger")
LIST_ASSETS = [*map(dg.AssetKey, LISTS), dg.AssetKey("identity_review")]
"""What is made when the lists have changed, but no decision."""


def assets_to_re_resolve(sources: Iterable[str]) -> list[dg.AssetKey]:
    """What is made when companies of these sources are re-resolved; the sources are not asked."""
    resolved = [dg.AssetKey([source, table]) for source in sorted(sources) for table in RESOLVED]
    return [*LIST_ASSETS, *resolved]


@dataclass(frozen=True)
class QuartersToResolve:
    """Neighbouring quarters to re-resolve, the sources with raw rows of them, and those without."""

    quarters: list[date]
    sources: frozenset[str]
    missing: frozenset[str]
    key: str

    @property
    def asset_keys(self) -> list[dg.AssetKey]:
        """What to make."""
        return assets_to_re_resolve(self.sources)

    @property
    def tags(self) -> dict[str, str]:
        """Of the run that makes it."""
        return range_tags(self.quarters[0], self.quarters[-1])


def digest_of_files(sources: Sequence[str]) -> str:
    """A digest of the rules, and times and sizes of lists and tables: while it is the same, nothing is to re-resolve.

    Nothing is read: a list may have millions of lines.
    """
    reference, review, tables = reference_path(), review_path(), tables_folder()
    lists = sorted(reference.glob("*.csv")) if reference.is_dir() else [reference]
    files = [*lists, *([review] if review else []), *(tables / f"{name}.parquet" for name in LISTS)]
    for source in sorted(sources):
        for table in ("company_ids", "ledger"):
            files += sorted((tables / source / table).glob("*.parquet"))
    stats = [(str(file), file.stat()) for file in files if file.exists()]
    return _digest([Reference.RULES, *([name, stat.st_mtime_ns, stat.st_size] for name, stat in stats)])


class StoredDecisions:
    """The stored decisions of the sources, compared with the list and the review of now.

    Raises ConfigurationError if one of these cannot be read.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = frozenset(sources)
        self.decider = Decider.read(reference_path(), review_path(), sources)
        self.stored = {
            source: [each for each in stored_quarters(tables_folder(), source, all_quarters()) if _can_resolve(each)]
            for source in sources
        }

    def to_re_resolve(self) -> list[QuartersToResolve]:
        """The quarters in which a decision would be another now, or whose facts were made by other decisions."""
        concerned = set[date]().union(*map(self._concerned, self.stored.values()))
        by_sources: dict[frozenset[str], list[date]] = {}
        for quarter in sorted(concerned):
            having = frozenset(s for s in self.sources if any(each.quarter == quarter for each in self.stored[s]))
            by_sources.setdefault(having, []).append(quarter)
        return [
            QuartersToResolve(quarters, having, self.sources - having, self._key(quarters))
            for having, of_the_same in by_sources.items()
            for quarters in unbroken_ranges(of_the_same, all_quarters())
        ]

    def key_of_other_lists(self) -> str | None:
        """A run key for reading the lists again; None if they are the same as last read, or never were read."""
        files = [tables_folder() / f"{name}.parquet" for name in LISTS]
        if not all(file.exists() for file in files):
            return None
        companies, aliases, lines = (read_frame([file]) for file in files)
        versions = stored_decider(companies, aliases, lines).versions
        if versions == self.decider.versions:
            return None
        return _digest([datetime.now(UTC).date(), self.decider.versions, versions, files[-1].stat().st_mtime_ns])

    def _concerned(self, stored: list[StoredQuarter]) -> set[date]:
        others = [each for each in stored if each.decided_by != self.decider.versions]
        since = {each.quarter for each in stored if each.is_decided_since}
        return since | quarters_decided_otherwise(read_decisions(others), self.decider)

    def _key(self, quarters: Sequence[date]) -> str:
        """The same change is requested at most once a day, also if its run fails, until new facts are written."""
        stored = [(source, each) for source in sorted(self.sources) for each in self.stored[source]]
        facts = [[source, each.quarter, each.made_at] for source, each in stored if each.quarter in quarters]
        return _digest([datetime.now(UTC).date(), self.decider.versions, facts])


def _can_resolve(stored: StoredQuarter) -> bool:
    return stored.has_raw_rows and stored.decisions.exists()


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
