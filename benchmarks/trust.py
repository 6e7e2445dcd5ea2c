"""Trust: what of damaged real statements is found, named and kept from being published, and what it costs.

One per cent of the facts of the composed services, of the second provider and of another extract of the services' cells
are damaged (`damages`), and the table AGREEMENT is compared with the true values. The mappings are linear, so a damaged
fact is the same as a damaged cell of its source.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks import trust_accounts, trust_facts, trust_history, trust_release
from benchmarks.damages import KINDS, damaged
from benchmarks.figure import Figure
from benchmarks.truth import SHARED
from finsync_pipeline import frames
from finsync_pipeline.quality.agreement import agreement
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import FACTS

SHARE = 0.01
SEEDS = (1, 2)
MANY = 10_000_000
MEMORY_GB = 4.0
_SCORED_SQL = (Path(__file__).parent / "trust_scored.sql").read_text(encoding="utf-8")


def missing() -> str | None:
    """What this part needs and is not here."""
    return None if SHARED.is_dir() else "the real statements beside the project (../shared/data)"


def figures(shared: Path = SHARED, seeds: Iterable[int] = SEEDS, many: int = MANY) -> Iterator[Figure]:
    """The figures of each set of sources: without damage, with damage by each of the seeds; and of many facts."""
    services, nyse = trust_facts.services(shared), trust_facts.nyse(shared)
    sets = {
        "services": [services],
        "services and NYSE": [services, nyse],
        "services, extract and NYSE": [services, trust_facts.sec_extract(shared), nyse],
        "NYSE and as first filed": [nyse, trust_facts.as_first_filed(shared)],
    }
    for name, parts in sets.items():
        facts = pd.concat(parts, ignore_index=True)
        yield Figure(f"trust, {name}: suspects without damage", _suspects(facts), "<=", 0.3, "%")
        for seed in seeds:
            yield from _of_damage(f"trust, {name}, seed {seed}", damaged(facts, SHARE, seed))
    yield from trust_accounts.figures(shared)
    yield from trust_history.figures(shared)
    yield from trust_release.figures(shared)
    yield from _of_many(shared, many)


def compare(connection: duckdb.DuckDBPyConnection, facts: pd.DataFrame) -> None:
    """Compare the sources of the `damaged` facts, and fill the tables that trust_scored.sql describes."""
    connection.register("damaged", frames.to_arrow(facts))
    agreement(connection, connection.sql(f"SELECT {', '.join(FACTS.arrow.names)} FROM damaged"), Rules())
    connection.execute(_SCORED_SQL)


def _suspects(facts: pd.DataFrame) -> float:
    """Per cent of the cells that are suspects."""
    with duckdb.connect() as connection:
        table = agreement(connection, connection.from_arrow(frames.to_arrow(facts)), Rules())
        table.create_view("cells")
        found = connection.sql(
            "SELECT 100 * avg((verdict LIKE '%suspect' OR verdict = 'beyond_bound')::INT) FROM cells"
        )
        return float(found.fetchall()[0][0])


def _of_damage(name: str, facts: pd.DataFrame) -> Iterator[Figure]:
    with duckdb.connect() as connection:
        compare(connection, facts)

        def number(sql: str) -> float:
            return float(connection.sql(sql).fetchall()[0][0] or 0)

        unflagged = "count(*) FILTER (is_large AND (is_shared OR is_near) AND NOT is_flagged)"
        yield Figure(f"{name}: 1,000 or more, unflagged", number(f"SELECT {unflagged} FROM damages"), "=", 0)
        named = number("SELECT count(*) FROM named")
        rightly = number("SELECT count(*) FROM named WHERE is_right")
        yield Figure(f"{name}: culprit named rightly", 100 * rightly / max(named, 1), ">=", 95, "%")
        alarms = number("SELECT 100 * avg(is_suspect::INT) FROM undamaged")
        yield Figure(f"{name}: suspects among the undamaged", alarms, "<=", 0.3, "%")
        kinds = connection.sql(
            "SELECT damage, is_shared, 100 * avg(is_flagged::INT) FROM damages GROUP BY ALL"
        ).fetchall()
        for kind, is_shared, found in sorted(kinds, key=lambda line: (KINDS.index(line[0]), not line[1])):
            place = "another source has it" if is_shared else "one source"
            yield Figure(f"{name}: {kind}, {place}: flagged", found, unit="%")


def _of_many(shared: Path, many: int) -> Iterator[Figure]:
    """Time and memory of many facts, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "facts.parquet"
        scale_up = shared / "scale" / "scale_up.py"
        command = [sys.executable, str(scale_up), "--facts", str(many), "--out", str(file), "--dirty", "0.02"]
        subprocess.run(command, check=True, capture_output=True)
        done = subprocess.run(
            [sys.executable, "-c", _MANY, str(file), folder], check=True, capture_output=True, text=True
        )
    took, gigabytes = map(float, done.stdout.split())
    yield Figure(f"trust: {many:,} facts: seconds", took, unit="s")
    yield Figure(f"trust: {many:,} facts: memory", gigabytes, "<=", MEMORY_GB, "GB")


_MANY = """
import resource, sys, time
import duckdb
from finsync_pipeline.quality.accounting import accounting_tables
from finsync_pipeline.quality.agreement import agreement
from finsync_pipeline.quality.rules import Rules
file, folder = sys.argv[1:]
connection = duckdb.connect()
connection.execute(f"SET memory_limit = '2500MB'; SET threads = 2; SET temp_directory = '{folder}/spilled'")
connection.execute("SET preserve_insertion_order = false; SET enable_progress_bar = false")
facts = connection.sql(f'''
    SELECT DISTINCT ON (company_id, item, period_end, months, currency, source)
        company::VARCHAR AS company_id, item::VARCHAR AS item, period_end::DATE AS period_end,
        (quarters * 3)::BIGINT AS months, left(unit::VARCHAR, 3) AS currency, value, stmt::VARCHAR AS source,
        accession AS row_key, 'v1' AS data_version, DATE '2026-06-01' AS known_since, DATE '2026-06-01' AS first_seen
    FROM read_parquet('{file}') WHERE quarters < 5 AND unit NOT LIKE 'sh%'
''')
facts.to_parquet(f"{folder}/one.parquet")
began = time.perf_counter()
found = agreement(connection, connection.read_parquet(f"{folder}/one.parquet"), Rules())
found.to_parquet(f"{folder}/agreement.parquet")
for table in accounting_tables(connection):
    table.to_parquet(f"{folder}/{table.alias}.parquet")
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""
