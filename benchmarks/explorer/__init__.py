"""Explorer: how soon its first view is there on the sample, and how soon each interaction is over a large release.

Measured in Chromium, from the event of the user to the frame that shows what was asked for. The large release has
2,000 companies, 40 quarters and 60 items. `python -m benchmarks.explorer --help` runs single measures, or smaller ones.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.explorer.browser import CHROMIUM
from benchmarks.explorer.measures import MEASURES, Setting
from benchmarks.figure import Figure
from benchmarks.services.progress import say

COMPANIES = 2_000


def missing() -> str | None:
    """What this part needs and is not here."""
    if sys.platform != "linux":
        return "Linux, where /proc has the memory of a process"
    return None if CHROMIUM else "Chromium (apt-get install chromium)"


def figures(measures: Sequence[str] = tuple(MEASURES), companies: int = COMPANIES, rounds: int = 5) -> Iterator[Figure]:
    """The figures of the measures, each as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
        for measure in measures:
            say(f"measuring {measure}")
            yield from MEASURES[measure](Setting(Path(folder), companies, rounds))
