"""Identity: source names whose company is known, resolved against lists of companies, beside what others offer for it.

Codes and names are damaged by a generator of its own (`noise`, `name_noise`), from a seed; the real lists and the
real source names are those beside the project. What nobody could decide from a source name is set apart, and reported.
`python -m benchmarks.identity --help` runs single parts, smaller ones, or other seeds and mixes.
"""

import sys
from collections.abc import Iterator, Sequence

from benchmarks.figure import Figure
from benchmarks.identity import codes, dense, large, names, pairs, strangers
from benchmarks.identity.setting import SHARED, Setting
from benchmarks.services.progress import say

PARTS = {"codes": codes, "large": large, "dense": dense, "names": names, "strangers": strangers, "pairs": pairs}
NEEDED = (
    "identity/gleif_sample.parquet",
    "identity/sec_company_tickers.parquet",
    "identity/sp500_constituents.csv",
    "identity/name_bench_half.csv",
    "company_name_variants.csv",
    "companies.csv",
)


def missing() -> str | None:
    """What this part needs and is not here."""
    if sys.platform != "linux":
        return "Linux, which tells the memory of a process in /proc"
    absent = [name for name in NEEDED if not (SHARED / name).is_file()]
    return f"{', '.join(absent)} beside the project (../shared/data)" if absent else None


def figures(setting: Setting | None = None, parts: Sequence[str] = tuple(PARTS)) -> Iterator[Figure]:
    """The figures of the parts, each part's as soon as they are known."""
    for part in parts:
        say(f"measuring {part}")
        yield from PARTS[part].figures(setting or Setting())
