"""The search for values that are wrong by a unit or by their sign: which, by which factor, and what proves it.

A value is judged against the other sources of its cell, its neighbours in time and its item's bound; the row, filing,
delivery, company, item and source that it belongs to are judged by the values in them. The statements are in the SQL
files beside this module and work on temporary tables named `agreement_...`; what is published is not decided here but
in `agreement`.
"""

from importlib.resources import files

import duckdb
import pandas as pd

from finsync_pipeline.quality.accounting import check_accounts
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.quality.sql import run_statements
from finsync_pipeline.statements.items import BALANCES_AS_FLOWS, ITEMS, NUMERIC_ITEMS

PASSES = 2  # in the second, what the first has found no longer disturbs the neighbours


def find_suspects(connection: duckdb.DuckDBPyConnection, facts: duckdb.DuckDBPyRelation, rules: Rules) -> None:
    """Fill the temporary table agreement_suspects: id, exponent, is_turned, proof, scope.

    `facts` is a table FACTS of all sources and quarters, a relation of this connection. A suspect value is 10 to the
    power of `exponent` times the right one (null: unknown), with the other sign if `is_turned`. `proof` is bound,
    source (another source agrees with the other value), time, group, accounts (its identities hold with the other
    value), or unproven (it or another value is wrong);
    `scope` names the group: row, filing, delivery, company, item or source. The table may have more than one line for
    a value; `agreement_observations` has the values by their id.
    """
    facts.create_view("agreement_facts", replace=True)
    connection.register("agreement_items", _items(rules))
    magnitudes = files(__package__) / "currency_magnitudes.csv"
    connection.read_csv(str(magnitudes)).create_view("agreement_magnitudes", replace=True)
    for name in ("measures", "observations"):
        run_statements(connection, name)
    _accuse(connection, "sources", "group")
    for _ in range(PASSES):
        run_statements(connection, "neighbours")
        _accuse(connection, "accused", "time", "source")
        _accuse(connection, "groups", "group")
    check_accounts(connection)
    _accuse(connection, "accounting_accused", "accounts")
    if connection.table("agreement_off_sources").limit(1).fetchall():
        _accuse(connection, "sources", "group", "unproven")
    _accuse(connection, "groups", "group", "unproven")
    run_statements(connection, "unproven")


def _items(rules: Rules) -> pd.DataFrame:
    """Per numeric item what the statements need to know of it and of its rule."""
    rows = []
    for name in NUMERIC_ITEMS:
        item, rule = ITEMS[name], rules.of(name)
        is_flow = item.kind == "duration" and name not in BALANCES_AS_FLOWS
        kind = rule.rule if isinstance(rule.rule, str) else "prefer"
        of_rule = (kind, rule.tolerance, rule.disputed, rule.suspects)
        rows.append((name, is_flow, item.unit == "money", item.has_one_sign, item.bound, *of_rule))
    of_item = ["item", "is_flow", "is_money", "has_one_sign", "bound"]
    return pd.DataFrame(rows, columns=[*of_item, "rule", "tolerance", "on_dispute", "on_suspicion"])


def _accuse(connection: duckdb.DuckDBPyConnection, statements: str, *proofs: str) -> None:
    """Run the statements that fill agreement_accused, and add those that have one of these proofs to the suspects."""
    run_statements(connection, statements)
    connection.execute(
        """
        INSERT INTO agreement_suspects
        SELECT id, exponent, is_turned, proof, scope FROM agreement_accused
        WHERE
            list_contains($proofs, proof)
            AND id NOT IN (SELECT id FROM agreement_suspects WHERE proof <> 'bound')
        """,
        {"proofs": list(proofs)},
    )
