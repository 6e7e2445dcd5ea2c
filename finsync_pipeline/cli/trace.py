"""Where a number of a release comes from, as a tree that an accountant reads, or as JSON."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from rich.tree import Tree

from finsync_pipeline.cli.terminal import console, write_text
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.identity import read_reference
from finsync_pipeline.publishing.release import CURRENT
from finsync_pipeline.serving.find_company import FoundCompany, find_company
from finsync_pipeline.serving.lineage import Cell, Decision, Mean, Origin, SourceValue, Trace, Unused
from finsync_pipeline.serving.periods import chosen_day
from finsync_pipeline.serving.trace import trace as lineage_of
from finsync_pipeline.settings import published_folder, reference_path
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.mapping import SCALES

SHOWN_VERSION = 12
"""Characters of a data version that are shown; --json has all of it."""
_UNITS = {exponent: name for name, exponent in SCALES.items()}


def trace(
    company: str,
    item: str,
    period: str | None,
    months: int | None,
    currency: str | None,
    release: str | None,
    as_json: bool,
) -> int:
    """Print the lineage of the item. Raises FinSyncError for what the release does not have."""
    folder = find_release(published_folder(), release or CURRENT)
    first, last = _days(period) if period else (None, date.today())
    found = find_company(folder, company, lambda: read_reference(reference_path()), last)
    day = None if first is None else chosen_day(folder, found.company_id, item, first, last, months, currency)
    traced = lineage_of(folder, found.company_id, item, day, months, currency)
    if as_json:
        write_text(traced.model_dump_json(indent=2) + "\n")
        return 0
    for line in _found(found, company, traced):
        console.print(line, soft_wrap=True)
    for tree in _trees(traced):
        console.print(tree)
    for note in traced.notes:
        console.print(note, soft_wrap=True)
    return 0


def _days(period: str) -> tuple[date, date]:
    """The first and the last day of `2009-12-31`, `2009-Q4` or `2009`."""
    try:
        if re.fullmatch(r"\d{4}", period):
            return date(int(period), 1, 1), date(int(period), 12, 31)
        if found := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", period):
            first = date(int(found[1]), 3 * int(found[2]) - 2, 1)
            return first, quarter_of(first + timedelta(days=100)) - timedelta(days=1)
        return date.fromisoformat(period), date.fromisoformat(period)
    except ValueError:
        fix = "Write a day, such as 2009-12-31, or 2009-Q4, or 2009"
        raise ConfigurationError(f"{period!r} is not a period", fix, "PERIOD") from None


def _found(found: FoundCompany, company: str, traced: Trace) -> Iterator[str]:
    if found.method != "id":
        steps = f" ({found.steps})" if found.steps else ""
        yield f"{company!r} is {traced.company_id}, {traced.company_name}: found by {found.method}{steps}."
    yield f"{traced.item}: {traced.description}."
    yield f"Release {traced.release}."


def _trees(traced: Trace) -> Iterator[Tree]:
    who = traced.company_name or traced.company_id
    for cell in traced.cells:
        yield _cell(cell, f"{traced.item} of {who}")
    for mean in traced.means:
        yield _mean(mean, f"{traced.item} of {who}")
    if traced.texts:
        tree = Tree(f"{traced.item} of {who}")
        for text in traced.texts:
            _add_value(tree, text)
        yield tree
    if traced.unused:
        tree = Tree("Not used")
        for unused in traced.unused:
            _add_unused(tree, unused)
        yield tree


def _cell(cell: Cell, title: str) -> Tree:
    length = f"at {cell.period_end}" if cell.months == 0 else f"{cell.months} months to {cell.period_end}"
    tree = Tree(f"{title}, {length}, {cell.currency}: {_number(cell.value)}")
    tree.add(cell.explanation)
    for fact in cell.facts:
        _add_value(tree, fact)
    if len(cell.versions) > len(cell.facts):
        versions = tree.add("All versions of the number")
        for version in cell.versions:
            suspect = f"; suspect: {version.why_suspect}" if version.why_suspect else ""
            replaced = f", delivered until {version.replaced_on}" if version.replaced_on else ""
            text = f" ({version.raw_text!r} in row {version.row_key})" if version.raw_text is not None else ""
            versions.add(
                f"{version.source}, known since {version.known_since or 'an unknown day'}{replaced}: "
                f"{_number(version.value)}{text}{suspect}"
            )
    for revision in cell.revisions:
        tree.add(
            f"Changed by {revision.source} on {revision.known_since}: {_number(revision.before)} to "
            f"{_number(revision.after)} ({revision.cause})"
        )
    for check in cell.checks:
        culprit = f"; probably wrong: {check.culprit} of {check.culprit_source}" if check.culprit else ""
        verdict = "fails" if check.verdict == "fails" else "is close, but differs"
        by = f"{_number(check.difference)}; {check.cause}{culprit}"
        tree.add(f"Accounting check of {check.source}: {check.equation} {verdict} by {by}")
    return tree


def _mean(mean: Mean, title: str) -> Tree:
    tree = Tree(f"{title}, mean of {mean.count} annual periods, {mean.currency}: {_number(mean.value)}")
    for period in mean.periods:
        value = "withheld, and not in the mean" if period.value is None else _number(period.value)
        tree.add(f"{period.period_end}: {value} ({period.verdict})")
    if mean.periods:
        tree.add(f"Each has a lineage of its own: the same command with {mean.periods[-1].period_end} behind it")
    return tree


def _add_value(tree: Tree, value: SourceValue) -> None:
    used = {True: "used", False: f"not used: {value.why_not}", None: "whether it is used is not known"}[value.is_used]
    shown = repr(value.text) if value.text is not None else _number(value.value)
    branch = tree.add(f"{value.source}: {shown} ({used})")
    if value.origin is None:
        branch.add(f"Row {value.row_key}; its cells are not shown: {value.why_no_origin}")
    else:
        _add_origin(branch, value.origin, value.row_key, is_number=value.text is None)
    since = "an unknown day" if value.known_since is None else value.known_since
    branch.add(
        f"Known since {since}, first received on {value.first_seen}; data version {value.data_version[:SHOWN_VERSION]}"
    )
    if value.decision:
        branch.add(_decided(value.decision))


def _add_origin(branch: Tree, origin: Origin, row_key: str, is_number: bool) -> None:
    branch.add(f"Delivered as {origin.raw_text!r} in column {origin.column!r} of row {row_key}")
    if is_number:
        unit = "an unreadable unit" if origin.power_of_ten is None else _unit(origin.power_of_ten)
        stated = f" (the row states {origin.unit_text!r})" if origin.unit_text else " (declared for the source)"
        sign = "sign turned" if origin.sign == -1 else "sign as delivered"
        branch.add(f"Read in {unit}{stated}, {sign}")
    texts = {
        "period": origin.period_text,
        "length": origin.length_text,
        "currency": origin.currency_text,
        "known since": origin.known_since_text,
    }
    stated_texts = ", ".join(f"{name} {text!r}" for name, text in texts.items() if text is not None)
    branch.add(f"The row states: {stated_texts}")
    branch.add("Whole row: " + "; ".join(f"{name} = {_delivered(cell)}" for name, cell in origin.row.items() if cell))


def _decided(decision: Decision) -> str:
    supporting = ", ".join(f"{name} {cell!r}" for name, cell in decision.supporting_columns.items() if cell)
    how = f"{decision.method}" + (f" ({decision.steps})" if decision.steps else "")
    versions = ", ".join(
        f"{name} {version[:SHOWN_VERSION]}"
        for name, version in (("list", decision.reference_version), ("review", decision.review_version))
        if version
    )
    named = f"Company named {decision.source_name!r}" + (f" with {supporting}" if supporting else "")
    return f"{named}: {decision.status}, found by {how}; versions: {versions}"


def _add_unused(tree: Tree, unused: Unused) -> None:
    what = "whole row" if unused.is_whole_row else "cell"
    length = "" if unused.months is None else f", {unused.months} months" if unused.months else ", instant"
    money = f", {unused.currency}" if unused.currency else ""
    branch = tree.add(
        f"{unused.source}, row {unused.row_key}{length}{money}: {unused.raw_text!r}, {what} {unused.outcome}"
    )
    branch.add(f"{unused.reason}: {unused.meaning}")
    if unused.other_row_key:
        branch.add(f"The other row: {unused.other_row_key}, with {unused.other_raw_text!r}")


def _unit(exponent: int) -> str:
    return _UNITS.get(exponent, f"units of 10^{exponent}")


def _number(value: float | None) -> str:
    if value is None:
        return "no value"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6f}".rstrip("0")


def _delivered(cell: str) -> str:
    return repr(cell) if cell != cell.strip() else cell
