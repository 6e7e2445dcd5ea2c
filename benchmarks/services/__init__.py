"""Services: ours against Datasette, ROAPI and a plain Flask service, over the same million rows; and ours under load.

The cores may be shared with other work, so what is compared is measured in turns, in the same run, and the medians are
compared. `python -m benchmarks.services --help` runs single measures, or smaller ones.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.services import dataset, peers
from benchmarks.services.measures import MEASURES, Setting
from benchmarks.services.progress import say

ROWS, FEWER_ROWS = 1_000_000, 100_000


def missing() -> str | None:
    """What this part needs and is not here."""
    return None if sys.platform == "linux" else "Linux, where /proc has the memory of a process"


def figures(
    measures: Sequence[str] = tuple(MEASURES), rows: int = ROWS, rounds: int = 5, soak_seconds: float = 60
) -> Iterator[Figure]:
    """The figures of the measures, each as soon as it is known."""
    peers.install()
    with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
        say(f"making {rows:,} statements")
        database = dataset.write(rows, Path(folder) / "many")
        fewer = dataset.write(min(FEWER_ROWS, rows // 10), Path(folder) / "fewer")
        setting = Setting(database, fewer, rows, rounds, soak_seconds)
        for measure in measures:
            say(f"measuring {measure}")
            yield from MEASURES[measure](setting)
