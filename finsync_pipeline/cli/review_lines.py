"""Lines of the review that decide nothing: misspelt ones are found by the rows that they were meant for."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from finsync_pipeline.identity import Review
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.settings import tables_folder
from finsync_pipeline.storage.decisions import read_decisions, stored_decisions


def last_decisions(sources: Sequence[str]) -> pd.DataFrame:
    """The decisions that are stored of the sources, as a table COMPANY_IDS."""
    quarters: list[date] = all_quarters()
    files: list[Path] = [
        each.file for source in sources for each in stored_decisions(tables_folder(), source, quarters)
    ]
    return read_decisions(files)


def unused_lines(review: Review, decisions: pd.DataFrame) -> list[str]:
    """A sentence for each line that decides none of the rows; lines on a source without rows are left out."""
    worked = {*decisions["source"].unique()}
    return [
        f"Not used: the review's line on {line.source_name!r} of {line.source or 'every source'} "
        f"({line.who}, {line.when}): correct its source name, source, evidence or dates "
        "to those of finsync review --csv, or remove it"
        for line in (review.unused(decisions) if worked else [])
        if line.source is None or line.source in worked
    ]
