"""The law of conservation: rows in = used + refused + superseded, and cells likewise with the empty ones.

The ledger counts again, from the tables alone. It shares with the work that it judges only the reading of which cells
are empty (`standardize.delivered_cells`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import numbered
from finsync_pipeline.statements.standardize import Harmonised, delivered_cells
from finsync_pipeline.statements.tables import LEDGER


@dataclass(frozen=True)
class Imbalance:
    """A count that does not add up: what, in which quarter, and by how much."""

    quarter: date
    what: str
    expected: int
    found: int

    def __str__(self) -> str:
        """`2009-10-01: cells in 120, accounted for 119`."""
        return f"{self.quarter}: {self.what} {self.expected:,}, accounted for {self.found:,}"


def draw_up_ledger(
    raw: pd.DataFrame,
    harmonised: Harmonised,
    mapping: SourceMapping,
    quarters: Sequence[date],
    company_ids: pd.DataFrame,
) -> pd.DataFrame:
    """One line per quarter, also for a quarter without rows, as a table LEDGER.

    `raw` and `harmonised` hold the rows of all these quarters, `company_ids` (table COMPANY_IDS) what was decided about
    their companies; a quarter without rows has no versions.
    """
    items = len(mapping.items)
    keyed = pd.DataFrame(
        {
            "period_end": raw["finsync_period_end"],
            "version": raw["finsync_data_version"],
        }
    )
    cells = _filled_cells(raw, mapping)
    ledger = frames.query(
        f"""
        WITH rows AS (
            SELECT {_QUARTER} AS quarter, count(*) AS rows_in, any_value(version) AS data_version
            FROM keyed GROUP BY quarter
        ),
        decided AS (
            SELECT {_QUARTER} AS quarter, any_value(reference_version) AS reference_version,
                any_value(review_version) AS review_version
            FROM company_ids GROUP BY quarter
        ),
        filled AS (SELECT {_QUARTER} AS quarter, sum(cells) AS cells FROM cells GROUP BY quarter),
        used AS (
            SELECT {_QUARTER} AS quarter, row_key FROM facts
            UNION ALL
            SELECT {_QUARTER} AS quarter, row_key FROM texts
        ),
        used_counts AS (
            SELECT quarter, count(*) AS cells_used, count(DISTINCT row_key) AS rows_used
            FROM used GROUP BY quarter
        ),
        unused_rows AS (
            SELECT quarter, row_number, bool_or(outcome = 'refused') AS is_refused
            FROM rejects
            WHERE item IS NULL OR (quarter, row_key) NOT IN (SELECT (quarter, row_key) FROM used)
            GROUP BY quarter, row_number
        ),
        reject_rows AS (
            SELECT
                quarter,
                count(*) FILTER (is_refused) AS rows_refused,
                count(*) FILTER (NOT is_refused) AS rows_superseded
            FROM unused_rows GROUP BY quarter
        ),
        reject_cells AS (
            SELECT
                quarter,
                sum(cells) FILTER (outcome = 'refused') AS cells_refused,
                sum(cells) FILTER (outcome = 'superseded') AS cells_superseded
            FROM rejects GROUP BY quarter
        )
        SELECT
            quarter,
            coalesce(data_version, '') AS data_version,
            CASE WHEN rows_in > 0 THEN reference_version ELSE '' END AS reference_version,
            CASE WHEN rows_in > 0 THEN review_version ELSE '' END AS review_version,
            coalesce(rows_in, 0) AS rows_in,
            coalesce(rows_used, 0) AS rows_used,
            coalesce(rows_refused, 0) AS rows_refused,
            coalesce(rows_superseded, 0) AS rows_superseded,
            coalesce(rows_in, 0) * {items} AS cells_in,
            coalesce(cells_used, 0) AS cells_used,
            coalesce(cells_refused, 0) AS cells_refused,
            coalesce(cells_superseded, 0) AS cells_superseded,
            coalesce(rows_in, 0) * {items} - coalesce(filled.cells, 0) AS cells_empty
        FROM quarters
        LEFT JOIN rows USING (quarter) LEFT JOIN decided USING (quarter)
        LEFT JOIN filled USING (quarter) LEFT JOIN used_counts USING (quarter)
        LEFT JOIN reject_rows USING (quarter) LEFT JOIN reject_cells USING (quarter)
        ORDER BY quarter
        """,
        keyed=keyed,
        cells=cells,
        facts=harmonised.facts,
        texts=harmonised.texts,
        rejects=harmonised.rejects,
        company_ids=company_ids[["period_end", "reference_version", "review_version"]],
        quarters=_list_of(quarters),
    )
    return LEDGER.conform(ledger.assign(source=mapping.name, mapping_hash=mapping.hash, rules=mapping.RULES))


def imbalances(ledger: pd.DataFrame, delivered: Mapping[date, int]) -> list[Imbalance]:
    """What does not add up in the ledger, and against the rows that the delivery counts for each quarter."""
    found = []
    for line in ledger.to_dict("records"):
        rows = line["rows_used"] + line["rows_refused"] + line["rows_superseded"]
        cells = line["cells_used"] + line["cells_refused"] + line["cells_superseded"] + line["cells_empty"]
        pairs = (
            ("rows in", line["rows_in"], rows),
            ("cells in", line["cells_in"], cells),
            ("rows delivered", delivered.get(line["quarter"], 0), line["rows_in"]),
        )
        found += [Imbalance(line["quarter"], *pair) for pair in pairs if pair[1] != pair[2]]
    return found


_QUARTER = "date_trunc('quarter', period_end)::DATE"


def _filled_cells(raw: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
    """The number of cells with a value per period end: period_end, cells."""
    rows = numbered(raw)
    return frames.query(
        """
        SELECT finsync_period_end AS period_end, count(*) AS cells
        FROM filled JOIN rows USING (finsync_row) GROUP BY ALL
        """,
        filled=delivered_cells(rows, mapping),
        rows=rows[["finsync_row", "finsync_period_end"]],
    )


def _list_of(quarters: Sequence[date]) -> pd.DataFrame:
    return frames.from_arrow(pa.table({"quarter": pa.array(list(quarters), pa.date32())}))
