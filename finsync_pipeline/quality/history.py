"""Every version of every number, with those that were suspect when they became known; the table as of any day."""

from datetime import date
from importlib.resources import files
from typing import Literal

import duckdb
import pandas as pd

from finsync_pipeline.quality.suspects import run_statements
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS

Suspects = Literal["withhold", "as filed"]


def history(
    connection: duckdb.DuckDBPyConnection, versions: duckdb.DuckDBPyRelation, items: pd.DataFrame | None = None
) -> duckdb.DuckDBPyRelation:
    """The table HISTORY: the versions (table VERSIONS, of all sources), with `factor` and `why` of those that are suspect.

    A version is judged by what its source had of the company until the day since which it is known: the version before
    it, the other periods, and the rest of its filing. `items` (item, is_money) are the standard ones if not given. The
    relation reads temporary tables of the connection, which the next call replaces.
    """
    versions.create_view("history_versions", replace=True)
    connection.register("history_items", _items() if items is None else items)
    run_statements(connection, "history")
    return connection.table("history_result")


def make_view(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros `as_of(day, suspects := 'withhold')` and `revisions()` over a table or view HISTORY, `history`."""
    connection.execute((files(__package__) / "as_of.sql").read_text(encoding="utf-8"))


def as_of(history: duckdb.DuckDBPyRelation, day: date, suspects: Suspects = "withhold") -> duckdb.DuckDBPyRelation:
    """The numbers of each source as they were known at the end of the day, from a table HISTORY.

    Columns: company_id, item, period_end, months, currency, source, value, row_key, data_version, known_since,
    first_seen, is_disputed. Of several versions the newest counts; where it is not known which of different values is the
    newest, `value` is null and `is_disputed` true. A version that was suspect does not count, unless `suspects` is
    `as filed`.
    """
    history.create_view("history", replace=True)
    return history.query("history", _MACROS + f"SELECT * FROM as_of(DATE '{day}', suspects := '{suspects}')")


def _items() -> pd.DataFrame:
    rows = [(name, ITEMS[name].unit == "money") for name in NUMERIC_ITEMS]
    return pd.DataFrame(rows, columns=["item", "is_money"])
