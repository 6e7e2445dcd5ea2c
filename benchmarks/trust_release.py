"""What comparing the sources costs a release: from the facts of the main job to the published files.

`python -m benchmarks.trust_release HOME WAY` makes a release of the tables in the folder HOME and prints its seconds,
its seconds of processor time, and its peak memory in MB. WAY is `agreement` for what FinSync does, or `mean` for the
plain mean over sources without a comparison.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import narwhals as nw
import pandas as pd

from benchmarks.figure import Figure
from benchmarks.truth import KEY_PREFIX, run_main_job
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials
from finsync_pipeline.aggregation.means import mean_of
from finsync_pipeline.publishing.build import CONSOLIDATED, ConsolidatedTables, SourceTables, make_release
from finsync_pipeline.publishing.consistency import facts_versions
from finsync_pipeline.publishing.consolidate import Consolidated, consolidate
from finsync_pipeline.publishing.release import ReleaseOptions
from finsync_pipeline.quality.agreement import KEYS
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.settings import DEFS
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.source_files import read_sources
from finsync_pipeline.statements.tables import (
    ACCOUNTING_CHECKS,
    ACCOUNTING_GRADES,
    AGREEMENT,
    FACTS,
    FINANCIALS,
    HISTORY,
    REVISIONS,
)
from finsync_pipeline.storage.parquet import write_frame

LIMIT = 1.5
REPEATS = 3
_TABLES = tuple(SourceTables.__annotations__)


def figures(shared: Path) -> Iterator[Figure]:
    """Time and memory of a release of the composed services, against those with the plain mean; the least of three."""
    with tempfile.TemporaryDirectory() as folder:
        run_main_job(shared, Path(folder), with_aliases=True)
        costs = {way: _least(Path(folder) / "home", way) for way in ("mean", "agreement")}
    for n, (what, unit) in enumerate((("seconds", "s"), ("processor seconds", "s"), ("memory", "MB"))):
        plain, compared = costs["mean"][n], costs["agreement"][n]
        yield Figure(f"trust, release of the services: {what}", compared, unit=unit)
        yield Figure(f"trust, release of the services: {what}, of the plain mean's", compared / plain, "<=", LIMIT, "x")


def _least(home: Path, way: str) -> list[float]:
    command = [sys.executable, "-m", __name__, str(home), way]
    done = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(REPEATS)]
    return [min(of_runs) for of_runs in zip(*(map(float, printed.split()) for printed in done), strict=True)]


def release(home: Path, way: str, folder: Path) -> None:
    """Publish the tables in `home` below the folder."""
    sources = {
        source: SourceTables(**{table: _files(home, f"{source}/{table}") for table in _TABLES}) for source in KEY_PREFIX
    }
    facts = [file for tables in sources.values() for file in tables.facts]
    versions = [file for source in sources for file in _files(home, f"{source}/versions")]
    made = consolidate(facts, versions, Rules(), {}) if way == "agreement" else _averaged(facts)
    for name in CONSOLIDATED:
        write_frame(getattr(made, name), folder / f"{name}.parquet")
    consolidated = ConsolidatedTables(**{name: [folder / f"{name}.parquet"] for name in CONSOLIDATED})
    companies = pd.read_parquet(_files(home, "companies")[0], dtype_backend="pyarrow")[["company_id", "name"]]
    options = ReleaseOptions(folder / "published")
    mappings = {name: mapping for name, mapping in read_sources(DEFS).items() if name in sources}
    make_release(mappings, sources, dict.fromkeys(sources, ()), consolidated, companies, options)


def _files(home: Path, table: str) -> list[Path]:
    place = home / "tables" / table
    return sorted(place.rglob("*.parquet")) or [place.with_suffix(".parquet")]


def _averaged(facts: list[Path]) -> Consolidated:
    """The plain means, and nothing about agreement or accounts."""
    with DuckDBEngine() as engine:
        table = engine.scan(facts, FACTS.arrow)
        versions = facts_versions(table)
        cells = mean_of(table, KEYS, "value").rename({"mean": "value", "n": "sources_used"})
        cells = cells.with_columns(verdict=nw.lit("single"), is_withheld=nw.lit(value=False))
        wide = engine.collect(financials(cells).with_columns(facts_version=nw.lit("")), FINANCIALS.arrow)
    means = FINANCIALS.conform(wide.assign(facts_version=wide["period_end"].map(quarter_of).map(versions)))
    return Consolidated(
        AGREEMENT.frame(),
        ACCOUNTING_CHECKS.frame(),
        ACCOUNTING_GRADES.frame(),
        means,
        HISTORY.frame(),
        REVISIONS.frame(),
    )


if __name__ == "__main__":
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        release(Path(sys.argv[1]), sys.argv[2], Path(folder))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3)
