"""Accounts: how often identities hold in real statements, and what they find of damage in each source alone.

A source alone has no other that could contradict it: what is found, its identities and its own history show. A value is
named if it is a suspect or the culprit of a check. To be in a check that fails is a wider finding, counted for damaged
values and others alike; it is no flag on the value. What is named without being damaged may still be an error of the
filing: the real statements are not free of them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks import trust_facts
from benchmarks.damages import KINDS, damaged
from benchmarks.figure import Figure
from finsync_pipeline import frames
from finsync_pipeline.quality.accounting import accounting_tables
from finsync_pipeline.quality.agreement import agreement
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import FACTS

SHARE = 0.01
SEEDS = (1, 2, 3, 4, 5)
KNOWN = {  # exact and within 1 %, by the README of the data: SEC annual, NYSE; of annual periods and their ends
    "assets": ((99.9, 100), (95.6, 99.0)),
    "change_in_cash": ((90.6, 98.0), (93.6, 98.1)),
    "ending_cash": ((92.7, 97.7), None),
    "cash_over_time": (None, (72.1, 90.1)),
    "gross_profit": ((96.6, 97.2), (96.0, 96.0)),
    "net_income": ((60.7, 84.7), (61.5, 84.4)),
}
_SQL = (Path(__file__).parent / "trust_accounts.sql").read_text(encoding="utf-8")


def figures(shared: Path, seeds: Iterable[int] = SEEDS) -> Iterator[Figure]:
    """How often identities hold, then for each source alone and each seed what is found of one per cent of damage."""
    services, nyse = trust_facts.services(shared), trust_facts.nyse(shared)
    for place, facts in enumerate((services, nyse)):
        yield from _held(("services", "nyse")[place], facts, place)
    for facts in [part for _, part in services.groupby("source")] + [nyse]:
        for seed in seeds:
            yield from _of_damage(facts.reset_index(drop=True), seed)


def _check(connection: duckdb.DuckDBPyConnection, facts: pd.DataFrame) -> None:
    connection.register("damaged", frames.to_arrow(facts))
    agreement(connection, connection.sql(f"SELECT {', '.join(FACTS.arrow.names)} FROM damaged"), Rules())
    accounting_tables(connection)


def _held(name: str, facts: pd.DataFrame, place: int) -> Iterator[Figure]:
    with duckdb.connect() as connection:
        _check(connection, facts)
        found = connection.sql(
            "SELECT identity, 100 * avg((verdict = 'exact')::INT), 100 * avg((verdict <> 'fails')::INT) "
            "FROM accounting_judged WHERE months IN (0, 12) GROUP BY identity ORDER BY identity"
        ).fetchall()
    for identity, exact, close in found:
        known = KNOWN.get(identity, (None, None))[place]
        beside = f" (README: {known[0]} / {known[1]})" if known else ""
        yield Figure(f"accounts, {name}: {identity} exact{beside}", exact, unit="%")
        yield Figure(f"accounts, {name}: {identity} within 1 %", close, unit="%")


def _of_damage(facts: pd.DataFrame, seed: int) -> Iterator[Figure]:
    name = f"accounts, {facts['source'].iloc[0]} alone, seed {seed}"
    with duckdb.connect() as connection:
        _check(connection, facts.assign(damage="", true_value=facts["value"]))
        connection.execute(
            "CREATE TEMP TABLE held AS SELECT DISTINCT company_id, item, currency, "
            "CASE WHEN is_previous THEN began ELSE period_end END AS period_end, "
            "CASE WHEN is_instant THEN 0 WHEN is_previous THEN previous_months ELSE months END AS months "
            "FROM accounting_judged JOIN accounting_terms USING (variant) "
            "JOIN damaged USING (source, company_id, item, currency, period_end, months) "
            "WHERE verdict = 'exact' AND NOT is_previous AND abs(value) >= 0.01 * largest"
        )
        _check(connection, damaged(facts, SHARE, seed))
        connection.execute(_SQL)

        def number(sql: str) -> float:
            return float(connection.sql(sql).fetchall()[0][0] or 0)

        def share(column: str, of: str) -> float:
            return number(f"SELECT 100 * avg({column}::INT) FROM damaged_values WHERE {of}")

        yield Figure(f"{name}: found, named", share("is_flagged", "damage <> ''"), ">=", 70, "%")
        for kind in KINDS:
            yield Figure(f"{name}: {kind}: found, named", share("is_flagged", f"damage = '{kind}'"), unit="%")
        yield Figure(f"{name}: false alarms, named", share("is_flagged", "damage = ''"), "<=", 0.5, "%")
        yield Figure(f"{name}: found, named or in a check", share("is_found", "damage <> ''"), unit="%")
        yield Figure(f"{name}: false alarms, named or in a check", share("is_found", "damage = ''"), unit="%")
        rightly = number("SELECT 100 * avg(is_right::INT) FROM named_culprits")
        yield Figure(f"{name}: culprit named rightly, in checks with damage", rightly, ">=", 90, "%")
        yield Figure(f"{name}: damaged, of all that are named", share("(damage <> '')", "is_flagged"), unit="%")
        unflagged = number("SELECT count(*) FROM damaged_values WHERE is_large AND is_held AND NOT is_flagged")
        yield Figure(f"{name}: 1,000 or more, held by an identity, unflagged", unflagged, "=", 0)
