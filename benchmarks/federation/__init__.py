"""Federation: one query over three sources of a million rows, asked for in parts, against fetching all of them.

"Fetching all" is the same query by the same mediator with pushdown switched off, so that all of each source that it is
about is fetched; both answers must be the same. The cores may be shared with other work, so both are measured in turns.
`python -m benchmarks.federation --help` runs single measures, or smaller ones.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.federation.measures import MEASURES, Setting
from benchmarks.figure import Figure
from benchmarks.services import peers
from benchmarks.services.progress import say

ROWS = 1_000_000


def missing() -> str | None:
    """What this part needs and is not here."""
    return None if sys.platform == "linux" else "Linux, where /proc has the memory of a process"


def figures(measures: Sequence[str] = tuple(MEASURES), rows: int = ROWS, rounds: int = 2) -> Iterator[Figure]:
    """The figures of the measures, each as soon as it is known."""
    peers.install()
    for measure in measures:
        say(f"measuring {measure}")
        with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
            yield from MEASURES[measure](Setting(Path(folder), rows, rounds))
