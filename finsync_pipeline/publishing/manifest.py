"""The account that a manifest gives: for each source and quarter, what went in and what became of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from finsync_pipeline.publishing.staleness import QuarterStatus

COUNTS = ("rows_in", "rows_used", "rows_rejected", "rows_superseded")
CELL_COUNTS = ("cells_in", "cells_used", "cells_rejected", "cells_superseded", "cells_empty")


def source_account(
    statuses: Iterable[QuarterStatus] | None,
    inventory: pd.DataFrame | None,
    unassigned: pd.DataFrame,
    rejects: pd.DataFrame,
    ledger: pd.DataFrame,
    is_allowed_missing: bool,
) -> dict[str, Any]:
    """What a manifest says of one source; all counts are of rows or cells."""
    lines = {line.quarter: line for line in ledger.itertuples()}
    totals = {name: int(ledger[name].sum()) for name in (*COUNTS, *CELL_COUNTS)}
    reasons = pd.concat([rejects, unassigned]).groupby(["outcome", "reason"])["cells"].agg(["size", "sum"]).sort_index()
    return {
        "allowed_missing": is_allowed_missing,
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
                "quarter": str(status.quarter),
                "status": status.status,
                "data_version": status.data_version,
                "rows_at_source": status.rows,
                **({name: int(getattr(lines[status.quarter], name)) for name in COUNTS} if status.data_version else {}),
            }
            for status in statuses or ()
        ],
    }


def basis_account(facts: int, in_basis: int) -> Mapping[str, int]:
    """How many facts the summary averages, and how many are of other lengths, or not at an annual period's end."""
    return {"facts": facts, "facts_in_basis": in_basis, "facts_outside_basis": facts - in_basis}
