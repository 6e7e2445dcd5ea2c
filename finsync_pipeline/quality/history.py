"""History: every version of every number, and which of them were suspect on the day since which they are known."""

import duckdb
import pandas as pd

from finsync_pipeline.quality.sql import run_statements
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS


def history(
    connection: duckdb.DuckDBPyConnection, versions: duckdb.DuckDBPyRelation, items: pd.DataFrame | None = None
) -> duckdb.DuckDBPyRelation:
    """The table HISTORY, in no order: versions (table VERSIONS) of all sources, with `factor` and `why` of suspects.

    A version is judged by what its source had of the company until the day since which it is known: the version before
    it, the other periods, and the rest of its filing. `items` (item, is_money) are the standard ones if none are given.
    The relation reads temporary tables of the connection, which the next call replaces.
    """
    versions.create_view("history_versions", replace=True)
    connection.register("history_items", _items() if items is None else items)
    run_statements(connection, "history")
    return connection.table("history_result")


def make_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table macros `as_of(day, suspects := 'withhold')`, `older_used()` and `revisions()` over `history`."""
    run_statements(connection, "as_of")


def _items() -> pd.DataFrame:
    rows = [(name, ITEMS[name].unit == "money") for name in NUMERIC_ITEMS]
    return pd.DataFrame(rows, columns=["item", "is_money"]).astype({"item": "str"})
