"""What two releases differ in: a table by source, or each differing fact as CSV."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.table import Table

from finsync_pipeline.cli.terminal import console, table, write_text
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.publishing.changes import Losses, SourceLoss, differences, losses, shares_rejected
from finsync_pipeline.publishing.release import CURRENT, current_folder, releases
from finsync_pipeline.settings import published_folder

SHOWN = 10
LEAST_SHARE = 0.001
"""A share of rejected cells that changed by less is not shown."""


def diff(first: str | None, second: str | None, as_csv: bool) -> int:
    """Compare two releases (names or their beginnings; default: the current one and the one before it)."""
    before, after = _two(first, second)
    facts = differences(before, after)
    if as_csv:
        write_text(facts.to_csv(index=False, lineterminator="\n"))
        return 0
    found = losses(before, after)
    console.print(f"Release {after.name} compared with {before.name}")
    if facts.empty:
        console.print("Both have the same facts.")
    console.print(_sources(found, facts))
    lost = ", ".join(found.companies[:SHOWN]) or "none"
    console.print(
        f"Companies: {found.companies_before:,} before, {found.companies_after:,} after; lost: {lost}"
        + (f" and {len(found.companies) - SHOWN} more" if len(found.companies) > SHOWN else ""),
        soft_wrap=True,
    )
    for line in _shares(before, after):
        console.print(line, soft_wrap=True)
    console.print("Each differing fact: finsync diff --csv")
    return 0


def _two(first: str | None, second: str | None) -> tuple[Path, Path]:
    folders = releases(published_folder())
    after = _named(second, folders) if second else current_folder(published_folder())
    if after is None:
        raise ConfigurationError("there is no release yet", "Run: finsync run", published_folder())
    if first:
        return _named(first, folders), after
    earlier = [folder for folder in folders if folder.name < after.name]
    if not earlier:
        raise ConfigurationError(f"{after.name} is the first release", "Publish another one first", "finsync diff")
    return earlier[-1], after


def _named(name: str, folders: Sequence[Path]) -> Path:
    found = [folder for folder in folders if folder.name.startswith(name)]
    if name == CURRENT and (folder := current_folder(published_folder())):
        found = [folder]
    if len(found) != 1:
        what = f"{len(found)} releases have a name that begins with {name!r}"
        fix = f"Name one of {', '.join(folder.name for folder in folders[-SHOWN:]) or 'none: there is no release'}"
        raise ConfigurationError(what, fix, "finsync diff")
    return found[0]


def _sources(found: Losses, facts: pd.DataFrame) -> Table:
    columns = ("source", "facts before", "after", "new", "lost", "changed", "quarters lost", "items lost")
    made = table("Facts", *columns, text_columns=1)
    counts = facts.groupby(["source", "change"]).size().to_dict()
    lost = {each.source: each for each in found.sources}
    for source in sorted({*lost, *facts["source"].unique()}):
        changes = [counts.get((source, change), 0) for change in ("new", "lost", "changed")]
        each = lost.get(source) or SourceLoss(source, 0, changes[0], 0, [], [], [])  # a new source has lost nothing
        numbers = [f"{count:,}" for count in (each.facts_before, each.facts_after, *changes)]
        made.add_row(source, *numbers, ", ".join(each.quarters[:SHOWN]), ", ".join(each.items[:SHOWN]))
    return made


def _shares(before: Path, after: Path) -> list[str]:
    """A line for each reason whose share of a source's cells has changed."""
    old, new = shares_rejected(before), shares_rejected(after)
    lines = []
    for source in sorted({*old, *new}):
        reasons = {**old.get(source, {}), **new.get(source, {})}
        for reason in sorted(reasons):
            was, now = old.get(source, {}).get(reason, 0.0), new.get(source, {}).get(reason, 0.0)
            if abs(now - was) >= LEAST_SHARE:
                lines.append(f"{source}: {reason} takes {now:.1%} of the cells, before {was:.1%}")
    return lines
