"""The release summary in a manifest: for each source and quarter, what went in and what became of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from finsync_pipeline.publishing.staleness import QuarterState

COUNTS = ("rows_in", "rows_used", "rows_rejected", "rows_superseded")
CELL_COUNTS = ("cells_in", "cells_used", "cells_rejected", "cells_superseded", "cells_empty")


def source_summary(
    states: Iterable[QuarterState] | None,
    inventory: pd.DataFrame | None,
    unassigned: pd.DataFrame,
    rejects: pd.DataFrame,
    ledger: pd.DataFrame,
) -> dict[str, Any]:
    """The summary of one source; all counts are of rows or cells. `inventory` is None if it was never asked."""
    lines = {line.quarter: line for line in ledger.itertuples()}
    totals = {name: int(ledger[name].sum()) for name in (*COUNTS, *CELL_COUNTS)}
    reasons = pd.concat([rejects, unassigned]).groupby(["outcome", "reason"])["cells"].agg(["size", "sum"]).sort_index()
    return {
        "data_version": None if inventory is None or inventory.empty else inventory["data_version"].iloc[0],
        "row_count": None if inventory is None else int(inventory["row_count"].sum()),
        "mapping_hash": ledger["mapping_hash"].iloc[-1] if len(ledger) else None,
        **totals,
        "unassigned_rows": len(unassigned),
        "unassigned_cells": int(unassigned["cells"].sum()),
        "reasons": [
            {"outcome": outcome, "reason": reason, "entries": int(entries), "cells": int(cells)}
            for (outcome, reason), entries, cells in zip(reasons.index, reasons["size"], reasons["sum"], strict=True)
        ],
        "quarters": [
            {
                "quarter": str(each.quarter),
                "state": str(each.state),
                "data_version": each.data_version,
                "rows_at_source": each.rows,
                **({name: int(getattr(lines[each.quarter], name)) for name in COUNTS} if each.data_version else {}),
            }
            for each in states or ()
        ],
    }


def basis_counts(facts: int, in_basis: int) -> Mapping[str, int]:
    """How many facts the summary averages, and how many are of other lengths, or not at an annual period's end."""
    return {"facts": facts, "facts_in_basis": in_basis, "facts_outside_basis": facts - in_basis}
