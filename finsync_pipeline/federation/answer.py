"""The answer to a query: a table, what is missing in it and why, and how it was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
from rich.tree import Tree

from finsync_pipeline import frames


class Plan(Protocol):
    """How a query is answered: what each source is sent, and what is done with the answers."""

    def tree(self) -> Tree:
        """The plan to be printed."""

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON has it."""


@dataclass(frozen=True)
class Answer:
    """The table of an answer.

    `missing` has a reason for each source that is left out of a partial answer. `plan` is how the answer was made, of a
    live query that asked for it; `from_cache` is true if no source was asked for rows. `notes`
    say what a person has to know of the sources, such as cells that cannot be read.
    """

    table: pa.Table
    missing: Mapping[str, str] = field(default_factory=dict)
    plan: Plan | None = None
    from_cache: bool = False
    notes: tuple[str, ...] = ()

    def to_arrow(self) -> pa.Table:
        """The table in Arrow."""
        return self.table

    def to_pandas(self) -> pd.DataFrame:
        """The table in pandas, with Arrow-backed types."""
        return frames.from_arrow(self.table)
