"""The standard views over a release, and what a SELECT answers differently over two releases."""

from difflib import get_close_matches
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
from sqlglot import exp

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError
from finsync_pipeline.federation.engine import Limits, open_engine, run
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.federation.statement import Statement
from finsync_pipeline.federation.views import statement_sql
from finsync_pipeline.publishing.release import CURRENT, MANIFEST, current_folder
from finsync_pipeline.statements.tables import COMPANIES

STORED = ("facts", "texts", "financials")
"""The views that are tables of a release."""
SHOWN = 5


class NoRelease(QueryError):
    """Nothing is published yet, or no release is current."""


class NoSuchRelease(QueryError):
    """No release, or more than one, has the name."""


def find_release(published: Path, name: str) -> Path:
    """The folder of the release: `current`, its name, or the beginning of it. Raises NoRelease or NoSuchRelease."""
    if name == CURRENT and (current := current_folder(published)):
        return current
    names = sorted(path.parent.name for path in published.glob(f"[0-9]*/{MANIFEST}"))
    if not names:
        raise NoRelease("there is no release yet", "make one: finsync run", published)
    if name == CURRENT:
        raise NoRelease("no release is current", f"make one: finsync run; or name one of {', '.join(names)}", published)
    found = [each for each in names if each == name] or [each for each in names if name and each.startswith(name)]
    if len(found) == 1:
        return published / found[0]
    what = f"{len(found)} releases have a name that begins with {name!r}" if found else f"no release {name!r}"
    near = found or get_close_matches(name, names, n=SHOWN, cutoff=0.3) or names
    raise NoSuchRelease(what, f"name one of {', '.join(near[-SHOWN:])}")


def query_release(statement: Statement, folder: Path, companies: pd.DataFrame, limits: Limits) -> pa.Table:
    """The answer over the release in the folder; `companies` are those of the list (columns of the view).

    Raises QueryError, also if the release does not have a table or a column that the statement names.
    """
    with open_engine(limits) as connection:
        for name in sorted({"facts" if view in STATEMENTS else view for view in statement.views} - {"companies"}):
            _register(connection, name, statement, folder)
        if "companies" in statement.views:
            connection.register("companies", frames.to_arrow(COMPANIES.conform(companies)))
        for name in statement.views & STATEMENTS.keys():
            connection.execute(f"CREATE TEMP VIEW {name} AS {statement_sql(name, 'facts')}")
        return run(connection, statement.sql, limits, statement.views)


def difference(statement: Statement, first: Path, second: Path, companies: pd.DataFrame, limits: Limits) -> pa.Table:
    """The rows that the statement gives over one of two releases only, as often as they are missing in the other.

    The first column, `release`, has the name of the one which has the row. Ordered by the other columns, then by it.
    Raises QueryError, also if the answers have other columns.
    """
    answers = {folder.name: query_release(statement, folder, companies, limits) for folder in (first, second)}
    if first == second:
        raise QueryError(f"{first.name} is compared with itself", "name another release")
    before, after = answers.values()
    if before.column_names != after.column_names:
        other = sorted({*before.column_names} ^ {*after.column_names})
        fix = "name the columns that both have instead of *"
        raise QueryError(f"only one of the releases has the column {', '.join(other)}", fix)
    with open_engine(limits) as connection:
        connection.register("before", before)
        connection.register("after", after)
        return run(connection, _in_one_only(first.name, second.name, before.num_columns), limits)


def _register(connection: duckdb.DuckDBPyConnection, name: str, statement: Statement, folder: Path) -> None:
    """Make the table of the release known. Raises QueryError if it, or a column that is named, is not there."""
    file = folder / f"{name}.parquet"
    if not file.exists():
        raise QueryError(f"release {folder.name} has no table {name}", "an earlier version made it; name a newer one")
    stored = _dataset(file)
    there = [column for column in VIEWS[name].columns if column in stored.schema.names]
    for column in sorted({*VIEWS[name].columns} - {*there} & _columns_of(statement)):
        what = f"release {folder.name} has no column {column} in {name}"
        raise QueryError(what, "an earlier version made it; name a newer one, or leave the column out")
    connection.register("stored_" + name, stored)
    columns = ", ".join(map(frames.quoted, there))
    connection.execute(f"CREATE TEMP VIEW {name} AS SELECT {columns} FROM stored_{name}")


def _dataset(file: Path) -> pads.Dataset:
    try:
        return pads.dataset(file)
    except (pa.ArrowException, OSError):
        raise DataError("it is not a Parquet file", "Restore it, or name another release", file) from None


def _columns_of(statement: Statement) -> set[str]:
    """The names that stand for columns in the statement, and those that its views are made of."""
    named = {column.name.lower() for column in statement.tree.find_all(exp.Column)}
    return named | ({*VIEWS["facts"].keys, "value"} if statement.views & STATEMENTS.keys() else set())


def _in_one_only(first: str, second: str, columns: int) -> str:
    order = ", ".join(map(str, [*range(2, columns + 2), 1]))
    return f"""
        SELECT '{first}' AS release, * FROM (FROM before EXCEPT ALL FROM after)
        UNION ALL
        SELECT '{second}' AS release, * FROM (FROM after EXCEPT ALL FROM before)
        ORDER BY {order}
    """
