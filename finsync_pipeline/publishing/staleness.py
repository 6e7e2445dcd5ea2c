"""Staleness: is what the tables hold of a quarter current, and if not, why? This is the one place that answers.

`stored_quarters` reads which versions a quarter was made from, `quarter_states` compares them with those of now. The
sensors, `finsync run`, `finsync re-resolve`, `finsync status`, the release and its asset check all ask here. Whether
the stored tables belong to each other is the subject of `consistency`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from finsync_pipeline import frames
from finsync_pipeline.errors import ConfigurationError, PublicationError
from finsync_pipeline.extraction.inventory import quarter_versions, rows_by_quarter
from finsync_pipeline.identity import Decider, Reference, Review
from finsync_pipeline.statements.dates import quarter_label, quarter_of
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import (
    COMPANIES,
    COMPANY_ALIASES,
    COMPANY_IDS,
    INVENTORY,
    LEDGER,
    REVIEW_LINES,
)
from finsync_pipeline.storage.parquet import read_frame

SHOWN_QUARTERS = 4
MEANINGS = {
    "data": "the source has other rows, or was not asked",
    "mapping": "its mapping has changed",
    "rules": "another version of FinSync read it",
    "reference": "the list of companies decides otherwise",
    "review": "the review decides otherwise",
}


class State(StrEnum):
    """What a stored quarter is, compared with what would be made now."""

    CURRENT = "current"
    CHANGED = "changed"
    """The source has other rows than those that were brought in."""
    OUTDATED = "outdated"
    """The same rows would become other facts now: by the mapping, the rules, the list of companies or the review."""
    MISSING = "missing"
    """The source has rows that were never brought in."""
    UNCHECKED = "unchecked"
    """Not compared with the source, since a release may do without it."""


@dataclass(frozen=True)
class InputVersions:
    """The versions of everything that the facts of a quarter are made from; None if unknown."""

    data: str | None = None
    mapping: str | None = None
    reference: str | None = None
    review: str | None = None
    rules: int | None = None

    @classmethod
    def now(cls, mapping: SourceMapping, decider: Decider) -> "InputVersions":
        """Those of now, without the version of the rows."""
        return cls(None, mapping.hash, *decider.versions, SourceMapping.RULES)

    @property
    def of_decisions(self) -> tuple[str | None, str | None]:
        """The versions by which companies are decided."""
        return self.reference, self.review

    def differences(self, other: "InputVersions") -> set[str]:
        """The names of the fields that differ."""
        return {field.name for field in fields(self) if getattr(self, field.name) != getattr(other, field.name)}


@dataclass(frozen=True)
class StoredQuarter:
    """What the tables of a source hold of one quarter.

    `made_from` is None if its facts were never made or it had no rows, `decided_by` has the versions of the stored
    decisions (None without any), `decisions` is their file, `made_at` the time of the facts in nanoseconds (0: never),
    `has_raw_rows` says whether it can be decided again without the source.
    """

    quarter: date
    made_from: InputVersions | None
    decided_by: tuple[str | None, str | None] | None
    decisions: Path
    made_at: int
    has_raw_rows: bool

    @property
    def is_decided_since(self) -> bool:
        """Whether its companies were decided again after its facts were made."""
        if not self.made_at or self.decided_by is None:
            return False
        return self.made_from is None or self.made_from.of_decisions != self.decided_by


@dataclass(frozen=True)
class QuarterState:
    """The state of a quarter, the fields of InputVersions that differ, the version of its data, its rows at the source.

    `data_version` is None if the quarter is missing.
    """

    quarter: date
    state: State
    differences: frozenset[str]
    data_version: str | None
    rows: int

    @property
    def has_other_rows(self) -> bool:
        """Whether the source has other rows than the tables."""
        return self.state == State.MISSING or "data" in self.differences

    @property
    def why(self) -> str:
        """Why it is not current, in words."""
        if self.state == State.MISSING:
            return "never brought in"
        return "; ".join(meaning for name, meaning in MEANINGS.items() if name in self.differences)


def stored_decider(companies: pd.DataFrame, aliases: pd.DataFrame, review_lines: pd.DataFrame) -> Decider:
    """What decides by the stored lists. Raises DataError if another version of FinSync wrote them."""
    reference = Reference(COMPANIES.checked(companies), COMPANY_ALIASES.checked(aliases))
    return Decider(reference, Review.of(REVIEW_LINES.checked(review_lines)))


def stored_quarters(tables: Path, source: str, quarters: Iterable[date]) -> list[StoredQuarter]:
    """Those of the quarters of which the folder `tables` has decisions or facts of the source."""
    found = []
    for quarter in quarters:
        ledger, decided, raw = (
            tables / source / table / f"{quarter}.parquet" for table in (LEDGER.name, COMPANY_IDS.name, "raw")
        )
        if ledger.exists() or decided.exists():
            line, decision = _first_row(ledger), _first_row(decided)
            decided_by = (decision.get("reference_version"), decision.get("review_version")) if decision else None
            made_at = ledger.stat().st_mtime_ns if ledger.exists() else 0
            found.append(StoredQuarter(quarter, _made_from(line), decided_by, decided, made_at, raw.exists()))
    return found


def read_decisions(stored: Iterable[StoredQuarter]) -> pd.DataFrame:
    """The decisions of the quarters, as a table COMPANY_IDS; what an older FinSync did not write is null."""
    return read_decision_files(each.decisions for each in stored if each.decisions.exists())


def read_decision_files(files: Iterable[Path]) -> pd.DataFrame:
    """The decisions in these files of quarters, as a table COMPANY_IDS."""
    tables = [pq.ParquetFile(file).read() for file in files]
    return frames.from_arrow(pa.concat_tables([COMPANY_IDS.arrow.empty_table(), *tables], promote_options="default"))


def quarter_states(
    inventory: pd.DataFrame | None,
    stored: Iterable[StoredQuarter],
    now: InputVersions,
    decided_otherwise: Collection[date] = (),
) -> list[QuarterState]:
    """The state of every quarter that the source has rows for, or that was made with rows.

    `inventory` is the table INVENTORY of the source, None if it was never asked; `now` the versions of now, whose
    `data` is taken from the inventory; `decided_otherwise` the quarters in which the list of companies or the review
    would decide otherwise now: those that they decide the same are current.
    """
    at_source = {} if inventory is None else quarter_versions(inventory)
    rows = {} if inventory is None else rows_by_quarter(inventory)
    made = {each.quarter: each for each in stored if each.made_from is not None}
    states = []
    for quarter in sorted({*at_source, *made}):
        if quarter not in made:
            states.append(QuarterState(quarter, State.MISSING, frozenset(), None, rows.get(quarter, 0)))
            continue
        differences = _differences(made[quarter], replace(now, data=at_source.get(quarter)))
        if quarter not in decided_otherwise and not made[quarter].is_decided_since:
            differences -= {"reference", "review"}
        made_from = made[quarter].made_from
        version = made_from.data if made_from else None
        states.append(QuarterState(quarter, _state(differences), frozenset(differences), version, rows.get(quarter, 0)))
    return states


def stored_inventory(tables: Path, source: str) -> pd.DataFrame | None:
    """The table INVENTORY of the source as it was last asked; None if it never was."""
    file = tables / source / f"{INVENTORY.name}.parquet"
    return INVENTORY.checked(read_frame([file])) if file.exists() else None


def source_states(
    tables: Path, mapping: SourceMapping, decider: Decider, quarters: Iterable[date], inventory: pd.DataFrame | None
) -> list[QuarterState] | None:
    """The states of the quarters of a source with this inventory; None if it was never asked and nothing is stored."""
    stored = stored_quarters(tables, mapping.name, quarters)
    if inventory is None and not stored:
        return None
    otherwise = quarters_decided_otherwise(read_decisions(stored), decider)
    return quarter_states(inventory, stored, InputVersions.now(mapping, decider), otherwise)


def unchecked(states: Iterable[QuarterState]) -> list[QuarterState]:
    """The states of a source that a release may do without: whether its rows are those of the source is left open."""
    open_states = (State.CURRENT, State.CHANGED)
    return [replace(each, state=State.UNCHECKED) if each.state in open_states else each for each in states]


def quarters_decided_otherwise(decisions: pd.DataFrame, decider: Decider) -> set[date]:
    """The quarters of the stored decisions (columns of COMPANY_IDS) in which at least one would be another now."""
    return {quarter_of(day) for day in decider.outdated(decisions)["period_end"].unique()}


def check_allow_missing(allow_missing: Iterable[str], sources: Collection[str]) -> None:
    """Raise ConfigurationError for a name that is not a source."""
    if unknown := sorted(set(allow_missing) - set(sources)):
        fix = f"Name one of {', '.join(sorted(sources))}"
        raise ConfigurationError(f"{', '.join(unknown)} is not a source", fix, "allow_missing")


def check_publishable(source: str, states: Sequence[QuarterState] | None) -> None:
    """Raise PublicationError if the source was never asked (None), or a quarter of it is missing or outdated."""
    or_without = (
        f"or publish without it: finsync release --allow-missing {source} "
        f"(in the UI: resources.publication.config.allow_missing: [{source}])"
    )
    if states is None:
        raise PublicationError("was never extracted", f"Run: finsync run; {or_without}", f"Source {source!r}")
    for state in (State.MISSING, State.OUTDATED):
        found = [each for each in states if each.state == state]
        if found:
            what = f"has {state} quarters ({found[0].why}): {labels(each.quarter for each in found)}"
            raise PublicationError(what, f"Run: {command_for(found)}; {or_without}", f"Source {source!r}")


def command_for(states: Sequence[QuarterState]) -> str:
    """The command that makes these quarters current."""
    if all(each.differences and each.differences <= {"reference", "review"} for each in states):
        return "finsync re-resolve (in the UI: the job re_resolve)"
    return run_command([each.quarter for each in states])


def run_command(quarters: Sequence[date]) -> str:
    """The command that makes the quarters again from the sources."""
    first, last = quarter_label(min(quarters)), quarter_label(max(quarters))
    return f"finsync run --quarters {first}" + (f"...{last}" if last != first else "")


def labels(quarters: Iterable[date]) -> str:
    """`2009-Q3, 2009-Q4`; of many, the first and how many there are more."""
    named = [quarter_label(quarter) for quarter in quarters]
    more = f" and {len(named) - SHOWN_QUARTERS} more" if len(named) > SHOWN_QUARTERS else ""
    return ", ".join(named[:SHOWN_QUARTERS]) + more


def _differences(stored: StoredQuarter, now: InputVersions) -> set[str]:
    assert stored.made_from is not None
    since = {"reference", "review"} if stored.is_decided_since else set()
    return stored.made_from.differences(now) | since


def _state(differences: Collection[str]) -> State:
    if set(differences) - {"data"}:
        return State.OUTDATED
    return State.CHANGED if differences else State.CURRENT


def _made_from(line: dict[str, Any]) -> InputVersions | None:
    """The versions in a line of a ledger; None if it counts no rows."""
    if not line.get("rows_in"):
        return None
    names = ("data_version", "mapping_hash", "reference_version", "review_version", "rules")
    return InputVersions(*map(line.get, names))


def _first_row(file: Path) -> dict[str, Any]:
    """All rows of a quarter have the same versions. Without a file or without rows it is empty."""
    if not file.exists():
        return {}
    rows: list[dict[str, Any]] = pq.ParquetFile(file).read().slice(0, 1).to_pylist()
    return rows[0] if rows else {}
