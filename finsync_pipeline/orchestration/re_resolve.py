"""What to decide again: quarters in which the list of companies and the review, as they are now, decide otherwise."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from finsync_pipeline.identity import Decider, Reference, Review
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.orchestration.run_requests import range_tags, unbroken_ranges
from finsync_pipeline.publishing.staleness import overtaken_quarters
from finsync_pipeline.settings import reference_path, review_path, tables_folder
from finsync_pipeline.storage.decisions import StoredDecisions, read_decisions, stored_decisions
from finsync_pipeline.storage.parquet import read_frame

LISTS = ("companies", "company_aliases", "review_lines")
DECIDED = ("company_ids", "facts", "texts", "rejects", "ledger")
OVER_ALL = ("financials", "identity_review")


def assets_again(sources: Iterable[str]) -> list[dg.AssetKey]:
    """What is made when companies of these sources are decided again; the sources are not asked for it."""
    decided = [dg.AssetKey([source, table]) for source in sorted(sources) for table in DECIDED]
    return [*map(dg.AssetKey, LISTS), *decided, *map(dg.AssetKey, OVER_ALL)]


LISTS_AGAIN = [*map(dg.AssetKey, LISTS), dg.AssetKey("identity_review")]
"""What is made when the lists have changed, but no decision."""


@dataclass(frozen=True)
class QuartersAgain:
    """Neighbouring quarters to decide again, the sources that have rows kept for them, and those that lack them."""

    quarters: list[date]
    kept: frozenset[str]
    lacking: frozenset[str]
    key: str

    @property
    def asset_keys(self) -> list[dg.AssetKey]:
        """What to make."""
        return assets_again(self.kept)

    @property
    def tags(self) -> dict[str, str]:
        """Of the run that makes it."""
        return range_tags(self.quarters[0], self.quarters[-1])


def state_of_files(sources: Sequence[str]) -> str:
    """A digest of the rules, and times and sizes of lists and tables: while it is the same, so is what is to be done.

    Nothing is read for it: a list may have millions of lines.
    """
    reference, review, tables = reference_path(), review_path(), tables_folder()
    read = sorted(reference.glob("*.csv")) if reference.is_dir() else [reference]
    files = [*read, *([review] if review else []), *(tables / f"{name}.parquet" for name in LISTS)]
    for source in sorted(sources):
        files += sorted(
            file for table in ("company_ids", "ledger") for file in (tables / source / table).glob("*.parquet")
        )
    stats = [(str(file), file.stat()) for file in files if file.exists()]
    return _digest([Reference.RULES, *([name, stat.st_mtime_ns, stat.st_size] for name, stat in stats)])


class DecisionsKept:
    """The stored decisions of the sources, beside what is in force now. Raises ConfigurationError."""

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = frozenset(sources)
        self.decider = Decider.read(reference_path(), review_path(), sources)
        self.stored = {source: stored_decisions(tables_folder(), source, all_quarters()) for source in sources}

    def quarters_again(self) -> list[QuartersAgain]:
        """The quarters in which a decision would be another now, or whose facts were made by other decisions."""
        concerned = set[date]().union(*map(self._concerned, self.stored.values()))
        by_sources: dict[frozenset[str], list[date]] = {}
        for quarter in sorted(concerned):
            kept = frozenset(s for s in self.sources if any(each.quarter == quarter for each in self.stored[s]))
            by_sources.setdefault(kept, []).append(quarter)
        return [
            QuartersAgain(quarters, kept, self.sources - kept, self._key(quarters))
            for kept, of_the_same in by_sources.items()
            for quarters in unbroken_ranges(of_the_same, all_quarters())
        ]

    def lists_again(self) -> str | None:
        """A key for reading the lists again; null if they are in force as they were read last, or never were read."""
        read = self._lists_read()
        if read is None or read[0] == self.decider.versions:
            return None
        return _digest([datetime.now(UTC).date(), self.decider.versions, read])

    def _concerned(self, stored: list[StoredDecisions]) -> set[date]:
        others = [each.file for each in stored if each.versions != self.decider.versions]
        with_facts = [each for each in stored if any(each.versions) and each.facts_at]
        elsewise = {each.quarter for each in with_facts if each.facts_versions != each.versions}
        return elsewise | overtaken_quarters(read_decisions(others), self.decider)

    def _key(self, quarters: Sequence[date]) -> str:
        """The same change is asked for once a day, until it is in: only facts that were written make it another.

        A run that fails before that, as one would that does not add up, is not asked for again every minute.
        """
        stored = [(source, each) for source in sorted(self.sources) for each in self.stored[source]]
        facts = [[source, each.quarter, each.facts_at] for source, each in stored if each.quarter in quarters]
        return _digest([datetime.now(UTC).date(), self.decider.versions, facts])

    def _lists_read(self) -> tuple[tuple[str, str], int] | None:
        """The versions of the list and the review that the assets read last, and when."""
        files = [tables_folder() / f"{name}.parquet" for name in LISTS]
        if not all(file.exists() for file in files):
            return None
        companies, aliases, lines = (read_frame([file]) for file in files)
        versions = Reference(companies, aliases).version, Review.of(lines).version
        return versions, files[-1].stat().st_mtime_ns


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()
