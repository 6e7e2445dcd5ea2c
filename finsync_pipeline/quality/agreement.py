"""Agreement between sources: for each cell its sources, how far they differ, the verdict, and the value to publish.

A cell is a company, item, period end, length and currency. `suspects` finds the values that are wrong by a unit or by
their sign; this module sets them aside, compares the others by the rules of the deployment, and publishes or withholds.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

from finsync_pipeline.aggregation.means import mean_of
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.quality.sql import run_statements
from finsync_pipeline.quality.suspects import find_suspects
from finsync_pipeline.statements.items import NUMERIC_ITEMS

KEYS = ("company_id", "item", "period_end", "months", "currency")
Vintage = Literal["first", "latest", "all"]
_VINTAGES: tuple[Vintage, ...] = ("latest", "all", "first")  # the preferred one first
_OLDER_USED = pa.schema(
    dict.fromkeys(("company_id", "item", "currency", "source", "why", "row_key", "data_version"), pa.string())
    | dict.fromkeys(("period_end", "known_since", "used_since", "first_seen"), pa.date32())
    | dict.fromkeys(("value", "factor", "used_value"), pa.float64())
    | {"months": pa.int64()}
)


def agreement(
    connection: duckdb.DuckDBPyConnection,
    facts: duckdb.DuckDBPyRelation,
    rules: Rules,
    vintages: Mapping[str, Vintage] | None = None,
    older_used: pa.Table | None = None,
) -> duckdb.DuckDBPyRelation:
    """The table AGREEMENT: one row per cell of the facts, in no order.

    `facts` is a table FACTS of all sources and all quarters (neighbours in time are evidence), a relation of the
    connection; a source has at most one fact for a cell. `vintages` has what each source reports; a source that it does
    not name reports `latest`. `older_used` has the facts that an older version stands for, as the macro of `history` of
    that name gives them. The relation that is returned reads a temporary table of the connection,
    `agreement_result`, which the next call replaces.
    """
    facts.create_view("agreement_delivered", replace=True)
    connection.register("agreement_older_used", _OLDER_USED.empty_table() if older_used is None else older_used)
    run_statements(connection, "older_used")
    find_suspects(connection, connection.table("agreement_given"), rules)
    connection.register("agreement_vintages", _vintages(vintages or {}))
    connection.register("agreement_preferences", _preferences(rules))
    run_statements(connection, "cells")
    run_statements(connection, "contributions")
    means = mean_of(nw.from_native(connection.table("agreement_contributions")), KEYS, "value")
    means.to_native().create_view("agreement_means", replace=True)
    run_statements(connection, "result")
    return connection.table("agreement_result")


def near_periods(facts: duckdb.DuckDBPyRelation, days: int = 10) -> duckdb.DuckDBPyRelation:
    """Period ends of one company that lie 1 to `days` days apart in two sources, and so never meet.

    Columns: company_id, months, source, period_end, other_source, other_period_end, items: how many items both have.
    To match them, set `snap_days` of a source so that both end on the same day.
    """
    statement = (files(__package__) / "near_periods.sql").read_text(encoding="utf-8")
    found = facts.query("facts", statement.format(days=int(days)))
    assert found is not None  # only statements without rows return None
    return found


def _vintages(vintages: Mapping[str, Vintage]) -> pd.DataFrame:
    ranks = [(source, _VINTAGES.index(vintage)) for source, vintage in vintages.items()]
    return pd.DataFrame(ranks, columns=["source", "rank"]).astype({"source": "str", "rank": "int64"})


def _preferences(rules: Rules) -> pd.DataFrame:
    ranks = [(item, source, rank) for item in NUMERIC_ITEMS for rank, source in enumerate(rules.of(item).preferred)]
    return pd.DataFrame(ranks, columns=["item", "source", "rank"]).astype(
        {"item": "str", "source": "str", "rank": "int64"}
    )
