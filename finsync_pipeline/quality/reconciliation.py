"""Reconciliation: rows in = used + rejected + superseded, and cells likewise with the empty ones.

The ledger counts again, from the tables alone (`ledger.sql`). It shares with the work that it checks only the reading
of which cells are empty (`standardize.delivered_cells`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import with_row_ids
from finsync_pipeline.statements.standardize import StandardizedTables, delivered_cells
from finsync_pipeline.statements.tables import LEDGER

_LEDGER_SQL = files(__package__).joinpath("ledger.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Imbalance:
    """A count that does not reconcile: what, in which quarter, and by how much."""

    quarter: date
    what: str
    expected: int
    found: int

    def __str__(self) -> str:
        """`2009-10-01: cells in 120, accounted for 119`."""
        return f"{self.quarter}: {self.what} {self.expected:,}, accounted for {self.found:,}"


def make_ledger(
    raw: pd.DataFrame,
    standardized: StandardizedTables,
    mapping: SourceMapping,
    quarters: Sequence[date],
    company_ids: pd.DataFrame,
) -> pd.DataFrame:
    """One line per quarter, also for a quarter without rows, as a table LEDGER.

    `raw` and `standardized` hold the rows of all these quarters, `company_ids` (table COMPANY_IDS) the decisions about
    their companies; a quarter without rows has no versions.
    """
    rows = with_row_ids(raw)
    counts = frames.query(
        _LEDGER_SQL,
        quarters=frames.frame_of([{"quarter": quarter} for quarter in quarters], pa.schema({"quarter": pa.date32()})),
        rows=rows[["finsync_row", "finsync_period_end", "finsync_data_version"]],
        cells=delivered_cells(rows, mapping),
        facts=standardized.facts,
        texts=standardized.texts,
        rejects=standardized.rejects,
        company_ids=company_ids,
    )
    cells_in = counts["rows_in"] * len(mapping.items)
    return LEDGER.conform(
        counts.assign(
            source=mapping.name,
            mapping_hash=mapping.hash,
            rules=mapping.RULES,
            cells_in=cells_in,
            cells_empty=cells_in - counts["cells_filled"],
        )
    )


def imbalances(ledger: pd.DataFrame, delivered: Mapping[date, int]) -> list[Imbalance]:
    """What does not reconcile in the ledger, and with `delivered`: the rows that the inventory counts by quarter."""
    found = []
    for line in ledger.to_dict("records"):
        rows = line["rows_used"] + line["rows_rejected"] + line["rows_superseded"]
        cells = line["cells_used"] + line["cells_rejected"] + line["cells_superseded"] + line["cells_empty"]
        pairs = (
            ("rows in", line["rows_in"], rows),
            ("cells in", line["cells_in"], cells),
            ("rows delivered", delivered.get(line["quarter"], 0), line["rows_in"]),
        )
        found += [Imbalance(line["quarter"], *pair) for pair in pairs if pair[1] != pair[2]]
    return found
