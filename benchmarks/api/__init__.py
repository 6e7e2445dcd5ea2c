"""API: answers over a release of 2,000 companies, 40 quarters and 60 items, against Datasette over the same tables.

The cores may be shared with other work, so what is compared is measured in turns, in the same run, and the medians are
compared. `python -m benchmarks.api --help` runs single measures, or smaller ones.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.api import dataset
from benchmarks.api.measures import MEASURES, Setting
from benchmarks.figure import Figure
from benchmarks.services import peers
from benchmarks.services.progress import say

COMPANIES = 2_000


def missing() -> str | None:
    """What this part needs and is not here."""
    return None if sys.platform == "linux" else "Linux, where /proc has the memory of a process"


def figures(
    measures: Sequence[str] = tuple(MEASURES), companies: int = COMPANIES, rounds: int = 3, soak_seconds: float = 60
) -> Iterator[Figure]:
    """The figures of the measures, each as soon as it is known."""
    peers.install()
    with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
        began = time.monotonic()
        served = dataset.write(companies, Path(folder))
        say(f"made the release in {time.monotonic() - began:.0f} s")
        for measure in measures:
            say(f"measuring {measure}")
            yield from MEASURES[measure](Setting(served, rounds, soak_seconds))
