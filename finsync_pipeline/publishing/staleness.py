"""Which quarters of a source are in a release, and whether they are what the source holds now.

Of quarters decided by another list of companies or review than now: which of them would be decided otherwise.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from finsync_pipeline.extraction.inventory import quarter_versions, rows_by_quarter
from finsync_pipeline.identity import Decider
from finsync_pipeline.statements.dates import quarter_of

Status = Literal["fresh", "stale", "missing", "outdated"]


@dataclass(frozen=True)
class MadeBy:
    """What rows are worked on with besides the rows: versions of the mapping, the list of companies and the review."""

    mapping_hash: str
    reference_version: str
    review_version: str


@dataclass(frozen=True)
class QuarterStatus:
    """A quarter of a source: the version worked on (null if missing), its status, and its rows at the source."""

    quarter: date
    status: Status
    data_version: str | None
    rows: int


class SourceMissing(ValueError):
    """A source lacks quarters that a release needs, or has them in no fit state; the message has the cure."""


def quarter_statuses(
    inventory: pd.DataFrame | None,
    ledger: pd.DataFrame,
    made_by: MadeBy | None,
    decided_alike: Collection[date] = (),
) -> list[QuarterStatus]:
    """The status of every quarter that the source has rows for, or that was worked on with rows.

    `inventory` is the last table INVENTORY, or None if the source was never asked; `ledger` has the lines of its
    quarters. Fresh is a quarter whose rows are what the source holds, stale one with other rows, missing one that is
    not in yet, outdated one worked on by another mapping, list of companies or review than now (`made_by`); but not one
    of `decided_alike`, whose companies would be decided the same now. Where `made_by` is None, the source may be
    missing: nothing of it is called fresh or outdated.
    """
    now = {} if inventory is None else quarter_versions(inventory)
    counts = {} if inventory is None else rows_by_quarter(inventory)
    worked = ledger[ledger["rows_in"] > 0]
    made = map(MadeBy, worked["mapping_hash"], worked["reference_version"], worked["review_version"])
    done = dict(zip(worked["quarter"], zip(worked["data_version"], made, strict=True), strict=True))
    statuses = []
    for quarter in sorted({*now, *done}):
        version, made_with = done.get(quarter, (None, None))
        if version is None:
            status: Status = "missing"
        elif made_by is None or now.get(quarter) != version:
            status = "stale"
        else:
            status = "fresh"
        if made_by and made_with and _is_outdated(made_with, made_by, quarter in decided_alike):
            status = "outdated"
        statuses.append(QuarterStatus(quarter, status, version, counts.get(quarter, 0)))
    return statuses


def _is_outdated(made_with: MadeBy, made_by: MadeBy, is_decided_alike: bool) -> bool:
    if made_with.mapping_hash != made_by.mapping_hash:
        return True
    return made_with != made_by and not is_decided_alike


def refuse_missing(source: str, statuses: Sequence[QuarterStatus] | None, allow_missing: Iterable[str]) -> None:
    """Raise SourceMissing if the source was never asked (None), or a quarter is missing or outdated.

    A source named in `allow_missing` is let through.
    """
    if source in allow_missing:
        return
    cure = (
        f"Start its service and materialize {source}, or allow it: "
        f"finsync release --allow-missing {source} (in the UI: resources.publication.config.allow_missing)"
    )
    if statuses is None:
        raise SourceMissing(f"Nothing is published: source {source!r} was never extracted. {cure}.")
    faults = {
        "missing": "holds quarters that are not in yet",
        "outdated": "has quarters worked on by another mapping, list of companies or review than now",
    }
    again = "If only the list of companies or the review changed: finsync decide (in the UI: the job decide_again). "
    for fault, meaning in faults.items():
        found = [str(status.quarter) for status in statuses if status.status == fault]
        if found:
            told = ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
            cures = f"{again if fault == 'outdated' else ''}{cure}"
            raise SourceMissing(f"Nothing is published: source {source!r} {meaning}: {told}. {cures}.")


def overtaken_quarters(decisions: pd.DataFrame, decider: Decider) -> set[date]:
    """The quarters (first days) of the decisions (columns of COMPANY_IDS) in which at least one would be another."""
    return _quarters(decider.outdated(decisions))


def decided_alike(decisions: pd.DataFrame, decider: Decider) -> set[date]:
    """The quarters decided by another list or review in which every decision would be the same."""
    others = decider.of_other_versions(decisions)
    return _quarters(others) - overtaken_quarters(others, decider)


def _quarters(decisions: pd.DataFrame) -> set[date]:
    return {quarter_of(day) for day in decisions["period_end"].unique()}
