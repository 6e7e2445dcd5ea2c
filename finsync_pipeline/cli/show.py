"""The account of a release as tables on a terminal."""

import json
import sys
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from finsync_pipeline.frames import query
from finsync_pipeline.publishing.release import CURRENT, MANIFEST
from finsync_pipeline.settings import published_folder
from finsync_pipeline.storage.parquet import read_frame

console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
COMPANIES = 8
SHOWN_ITEMS = ("revenue", "net_income", "total_assets", "cash_from_operations")


def show_current() -> int:
    """Print the current release: rows and cells by source, reasons, some companies, and where it lies."""
    folder = published_folder() / CURRENT
    if not folder.exists():
        print(f"finsync: no release in {published_folder()} yet; make one with: finsync run", file=sys.stderr)
        return 1
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    sources = manifest["sources"]
    for kind in ("rows", "cells"):
        console.print(_account(kind, sources))
    console.print(_reasons(sources))
    console.print(_companies(read_frame([folder / "company_summary.parquet"])))
    console.print(
        f"{manifest['facts']:,} facts; {manifest['facts_in_basis']:,} of them in the annual basis of the summary, "
        f"{manifest['facts_outside_basis']:,} of other lengths or dates (financials.parquet has them)."
    )
    for name, account in sources.items():
        stale = [line["quarter"] for line in account["quarters"] if line["status"] == "stale"]
        if stale:
            console.print(
                f"{name}: {len(stale)} quarters are not what it holds or is declared now: {', '.join(stale[:4])}"
            )
    if manifest["allow_missing"]:
        console.print(f"Published although these may be missing: {', '.join(manifest['allow_missing'])}")
    console.print(f"CSV: {folder.resolve() / manifest['csv']}", soft_wrap=True)
    console.print("Look further in the web UI: make dev (or: finsync dev), then http://127.0.0.1:3000")
    return 0


def _account(kind: str, sources: dict[str, Any]) -> Table:
    columns = ["in", "used", "rejected", "superseded"] + (["empty"] if kind == "cells" else [])
    table = _table(f"{kind.capitalize()} of each source", "source", *columns, "adds up", "unassigned")
    for name, account in sources.items():
        counts = [account[f"{kind}_{column}"] for column in columns]
        is_whole = kind == "cells" or counts[0] + account["unassigned_rows"] == account["row_count"]
        adds_up = "yes" if counts[0] == sum(counts[1:]) and is_whole else "NO"
        table.add_row(name, *(f"{count:,}" for count in counts), adds_up, f"{account[f'unassigned_{kind}']:,}")
    return _right_aligned(table)


def _reasons(sources: dict[str, Any]) -> Table:
    table = _table("Not used, and why (rejects.parquet has each)", "source", "outcome", "reason", "entries", "cells")
    for name, account in sources.items():
        for line in account["reasons"]:
            table.add_row(name, line["outcome"], line["reason"], f"{line['entries']:,}", f"{line['cells']:,}")
    return _right_aligned(table, after=3)


def _companies(summary: pd.DataFrame) -> Table:
    columns = ", ".join(f"round({item} / 1e6) AS {item}" for item in SHOWN_ITEMS)
    shown = query(
        f"""
        SELECT company_name, currency, periods, {columns}
        FROM summary WHERE revenue IS NOT NULL ORDER BY revenue DESC LIMIT {COMPANIES}
        """,
        summary=summary,
    )
    title = f"The largest of {summary['company_id'].nunique():,} companies: annual means in millions"
    table = _table(title, "company", "currency", "years", *(item.replace("_", " ") for item in SHOWN_ITEMS))
    for row in shown.itertuples(index=False):
        table.add_row(*(_cell(cell) for cell in row))
    return _right_aligned(table, after=2)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    return value if isinstance(value, str) else f"{value:,.0f}"


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, box=SIMPLE_HEAD)


def _right_aligned(table: Table, after: int = 1) -> Table:
    for column in table.columns[after:]:
        column.justify = "right"
    return table
