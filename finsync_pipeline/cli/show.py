"""The summary of the current release as tables on a terminal."""

from typing import Any

import pandas as pd
from rich.table import Table

from finsync_pipeline.cli.terminal import console, table
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.frames import query
from finsync_pipeline.publishing.release import current_folder, read_release
from finsync_pipeline.settings import published_folder
from finsync_pipeline.storage.parquet import read_frame

COMPANIES = 8
SHOWN_ITEMS = ("revenue", "net_income", "total_assets", "cash_from_operations")
SHOWN_QUARTERS = 4


def show() -> int:
    """Print the current release: rows and cells by source, reasons, some companies, and where its files are."""
    current = current_folder(published_folder())
    if current is None:
        raise PublicationError("there is no release yet", "Make one: finsync run", published_folder())
    release = read_release(current)
    folder, manifest = release.folder, release.manifest
    sources = {name: _with_present_names(source) for name, source in manifest["sources"].items()}
    for kind in ("rows", "cells"):
        console.print(_counts(kind, sources))
    console.print(_reasons(sources))
    console.print(_companies(read_frame([folder / "company_summary.parquet"])))
    console.print(
        f"{manifest['facts']:,} facts; {manifest['facts_in_basis']:,} of them in the annual basis of the summary, "
        f"{manifest['facts_outside_basis']:,} of other lengths or dates (financials.parquet has them)."
    )
    for name, source in sources.items():
        for line in _not_current(name, source):
            console.print(line)
    for line in _agreement(manifest):
        console.print(line, soft_wrap=True)
    if manifest["allow_missing"]:
        console.print(f"Published although these may be missing: {', '.join(manifest['allow_missing'])}")
    console.print(f"CSV: {release.csv}", soft_wrap=True)
    console.print("See more in the web UI: make dev (or: finsync dev), then http://127.0.0.1:3000")
    return 0


def _agreement(manifest: dict[str, Any]) -> list[str]:
    """What sources disagree on, and what a person accepted; manifests of earlier versions have neither."""
    verdicts = manifest.get("verdicts", {})
    lines = []
    if others := {name: count for name, count in verdicts.items() if name not in ("single", "agreed")}:
        named = ", ".join(f"{count:,} {name}" for name, count in others.items())
        lines.append(f"Cells: {named}; {manifest['cells_withheld']:,} are withheld (disputes_*.csv has each).")
    if checks := manifest.get("accounting_checks"):
        lines.append(
            f"Accounts: {checks.get('fails', 0):,} checks fail, {checks['usually_exact']:,} differ where the identity "
            f"is usually exact, {checks['with_culprit']:,} have a culprit (accounting_checks_*.csv has each)."
        )
    if revisions := manifest.get("revisions"):
        named = ", ".join(f"{count:,} {cause}" for cause, count in revisions.items())
        lines.append(f"Revisions: {named} (revisions_*.csv has each).")
    if near := manifest.get("near_periods"):
        lines.append(f"{len(near)} period ends of two sources are a few days apart: set snap_days of one of them.")
    if accepted := manifest.get("accepted"):
        lines.append(f"Accepted by {accepted['by']}: {accepted['reason']} ({'; '.join(accepted['losses'])})")
    return lines


def _with_present_names(source: dict[str, Any]) -> dict[str, Any]:
    """A source of the manifest; releases of earlier versions have other names for two of the counts."""
    return {key.replace("refused", "rejected").replace("undated", "unassigned"): value for key, value in source.items()}


def _not_current(name: str, source: dict[str, Any]) -> list[str]:
    """A line for each state but "current", with quarters; releases of earlier versions have no states."""
    quarters: dict[str, list[str]] = {}
    for line in source["quarters"]:
        quarters.setdefault(line.get("state", "current"), []).append(line["quarter"])
    quarters.pop("current", None)
    return [
        f"{name}: {len(days)} quarters are {state} (see finsync status): {', '.join(days[:SHOWN_QUARTERS])}"
        for state, days in sorted(quarters.items())
    ]


def _counts(kind: str, sources: dict[str, Any]) -> Table:
    columns = ["in", "used", "rejected", "superseded"] + (["empty"] if kind == "cells" else [])
    made = table(f"{kind.capitalize()} of each source", "source", *columns, "reconciles", "unassigned", text_columns=1)
    for name, source in sources.items():
        counts = [source[f"{kind}_{column}"] for column in columns]
        is_complete = kind == "cells" or counts[0] + source["unassigned_rows"] == source["row_count"]
        reconciles = "yes" if counts[0] == sum(counts[1:]) and is_complete else "NO"
        made.add_row(name, *(f"{count:,}" for count in counts), reconciles, f"{source[f'unassigned_{kind}']:,}")
    return made


def _reasons(sources: dict[str, Any]) -> Table:
    title = "Not used, and why (rejects.parquet has each)"
    made = table(title, "source", "outcome", "reason", "entries", "cells", text_columns=3)
    for name, source in sources.items():
        for line in source["reasons"]:
            made.add_row(name, line["outcome"], line["reason"], f"{line['entries']:,}", f"{line['cells']:,}")
    return made


def _companies(summary: pd.DataFrame) -> Table:
    means = ", ".join(f"coalesce(format('{{:,.0f}}', round({item} / 1e6)::DOUBLE), '')" for item in SHOWN_ITEMS)
    largest = query(
        f"""
        SELECT coalesce(company_name, ''), currency, periods::VARCHAR, {means}
        FROM summary WHERE revenue IS NOT NULL ORDER BY revenue DESC LIMIT {COMPANIES}
        """,
        summary=summary,
    )
    title = f"The largest of {summary['company_id'].nunique():,} companies: annual means in millions"
    items = (item.replace("_", " ") for item in SHOWN_ITEMS)
    made = table(title, "company", "currency", "years", *items, text_columns=2)
    for row in largest.itertuples(index=False):
        made.add_row(*row)
    return made
