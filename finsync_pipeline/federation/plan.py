"""What a query needs of each view: the columns that it reads, and the conditions that its rows must fulfil.

DuckDB's own optimizer decides: the query is explained over empty tables with the columns of the views. DuckDB evaluates
all conditions again over the rows that are fetched, so what is read here only has to let every needed row through. What
the explanation does not show plainly is not a condition, and more rows are fetched.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from finsync_pipeline import frames
from finsync_pipeline.federation.conditions import operands
from finsync_pipeline.federation.engine import LOCKED
from finsync_pipeline.federation.schema import VIEWS, View
from finsync_pipeline.federation.statement import function_names

DISABLED_OPTIMIZERS = "statistics_propagation,empty_result_pullup,compressed_materialization,in_clause"
"""They use that the tables are empty, or turn a list of values into a join."""
OF_THE_MOMENT = frozenset(["current_time", "current_timestamp", "get_current_time", "localtime", "localtimestamp"])
"""Functions that DuckDB does not list as volatile."""
_SEPARATOR = "__"


@dataclass(frozen=True)
class Scan:
    """One reading of a view: its columns (None: all), and conditions over them, of which each must be true."""

    view: str
    columns: frozenset[str] | None
    conditions: tuple[exp.Expr, ...] = ()


def scans_of(sql: str) -> list[Scan]:
    """The scans of the query, which reads nothing but views. Raises duckdb.Error for a query that DuckDB refuses."""
    with planner().cursor() as connection:
        explained = connection.execute(f"EXPLAIN (FORMAT JSON) {sql}").fetchall()
    roots = [root for _, text in explained for root in json.loads(text)]
    reader = _Reader(_renames_columns(sql))
    return [scan for root in roots for scan in reader.scans(root, None)]


def names_of(sql: str) -> list[str]:
    """The names of the columns of the query's answer."""
    with planner().cursor() as connection:
        return [str(name) for name, *_ in connection.execute(f"DESCRIBE {sql}").fetchall()]


@cache
def planner() -> duckdb.DuckDBPyConnection:
    """A locked connection with the views over empty tables, in which each column has a name that no other one has."""
    connection = duckdb.connect()
    connection.execute(f"SET disabled_optimizers='{DISABLED_OPTIMIZERS}'")
    for view in VIEWS.values():
        connection.from_arrow(_empty(view)).create_view(f"empty_{view.name}")
        columns = ", ".join(f"{_mark(view, name)} AS {frames.quoted(name)}" for name in view.columns)
        connection.execute(f"CREATE VIEW {view.name} AS SELECT {columns} FROM empty_{view.name}")
    for name, value in LOCKED.items():
        connection.execute(f"SET GLOBAL {name} = '{value}'")
    return connection


@cache
def _volatile_functions() -> frozenset[str]:
    sql = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
    with planner().cursor() as connection:
        return frozenset(name for (name,) in connection.execute(sql).fetchall())


@cache
def _aggregate_functions() -> frozenset[str]:
    """The names of DuckDB's aggregates, and of its macros, which may be made of them."""
    sql = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('aggregate', 'macro')"
    with planner().cursor() as connection:
        return frozenset(name for (name,) in connection.execute(sql).fetchall())


def _renames_columns(sql: str) -> bool:
    """Whether the query gives a name of a column to something else: by an alias, or by its place in a set operation."""
    tree = parse_one(sql, dialect="duckdb")
    renamed = [
        alias for alias in tree.find_all(exp.Alias) if alias.this.name != alias.alias or alias.this.find(exp.Func)
    ]
    lists_names = any(alias.args.get("columns") for alias in tree.find_all(exp.TableAlias))
    return bool(renamed) or lists_names or tree.find(exp.SetOperation, exp.Pivot) is not None


def _empty(view: View) -> pa.Table:
    return pa.schema([(_mark(view, field.name), field.type) for field in view.arrow]).empty_table()


def _mark(view: View, column: str) -> str:
    """A name of the column that no other column of a query has."""
    return f"{view.name}{_SEPARATOR}{column}"


def _unmark(name: str) -> tuple[str, str] | None:
    view, separator, column = name.partition(_SEPARATOR)
    return (view, column) if separator and view in VIEWS and column in VIEWS[view].columns else None


@dataclass(frozen=True)
class _Reader:
    """Reads scans from the nodes of an explanation. Where the query renames columns, only marked names are certain."""

    renames_columns: bool

    def scans(self, node: dict[str, Any], parent: dict[str, Any] | None) -> Iterator[Scan]:
        if node["name"].strip().endswith("ARROW_SCAN"):
            yield from self._scan(node, parent)
        for child in node["children"]:
            yield from self.scans(child, node)

    def _scan(self, node: dict[str, Any], parent: dict[str, Any] | None) -> Iterator[Scan]:
        names = _texts(node, "Projections")
        places = [place for name in names if (place := _unmark(name))]
        if not places or len(places) < len(names):
            yield from (Scan(view, None) for view in VIEWS)
            return
        view = places[0][0]
        columns = frozenset(column for _, column in places)
        is_filtered = parent is not None and parent["name"].strip() == "FILTER"
        texts = _texts(parent, "Expression") if is_filtered and parent else []
        yield Scan(view, columns, tuple(part for text in texts for part in self._conditions(text, view, columns)))

    def _conditions(self, text: str, view: str, columns: frozenset[str]) -> Iterator[exp.Expr]:
        """The parts of the text that must all be true; those that are not plain are left out."""
        try:
            tree = parse_one(text, dialect="duckdb")
        except SqlglotError:
            return
        for part in operands(tree, exp.And):
            named = {column.name: self._column(column.name, view, columns) for column in part.find_all(exp.Column)}
            if named and None not in named.values() and _is_pure(part):
                yield part.transform(lambda node, named=named: _renamed(node, named))

    def _column(self, name: str, view: str, columns: frozenset[str]) -> str | None:
        place = _unmark(name)
        if place:
            return place[1] if place[0] == view else None
        return name if name in columns and not self.renames_columns else None


def _texts(node: dict[str, Any], key: str) -> list[str]:
    found = node["extra_info"].get(key, [])
    return [found] if isinstance(found, str) else list(found)


def is_repeatable(tree: exp.Expr) -> bool:
    """Whether the query gives the same whenever it is asked of the same tables."""
    return _is_steady(tree) and not tree.find(exp.TableSample)


def has_unknown_aggregate(tree: exp.Expr) -> bool:
    """Whether a function may be an aggregate of DuckDB that sqlglot does not know as one, such as `mad`."""
    return any(each.name.lower() in _aggregate_functions() for each in tree.find_all(exp.Anonymous))


def _is_pure(part: exp.Expr) -> bool:
    """Whether the same values always give the same."""
    return _is_steady(part) and not part.find(exp.Subquery, exp.Select)


def _is_steady(part: exp.Expr) -> bool:
    changing = _volatile_functions() | OF_THE_MOMENT
    return not any(function_names(each) & changing for each in part.find_all(exp.Func))


def _renamed(node: exp.Expr, named: Mapping[str, str | None]) -> exp.Expr:
    name = named.get(node.name) if isinstance(node, exp.Column) else None
    return exp.column(name, quoted=True) if name else node
