"""DuckDB's errors in the words of the views: what is wrong, where in the SQL, and the nearest name that exists."""

import json
import re
from collections.abc import Collection
from typing import Any

import duckdb

from finsync_pipeline.federation.errors import QueryError, nearest
from finsync_pipeline.federation.schema import VIEWS

CORRECT = "correct the SELECT"
LISTED = "finsync query --views lists the columns"
_COLUMN = re.compile(
    r'Referenced column "(.+?)" not found|does not have a column named "(.+?)"|Column "(.+?)" in \w+ list not found|'
    r'Column "(.+?)" does not exist on'
)
_TABLE = re.compile(r'Referenced table "(.+?)" not found')
_FUNCTION = re.compile(r"Function with name (\S+) does not exist")
_ADVICE = re.compile(r"\. (Use|You|In order|Try) .*", re.DOTALL)
"""What DuckDB advises after the first sentence: some of it is settings, which are locked."""


def explained(error: duckdb.Error, sql: str, views: Collection[str]) -> QueryError:
    """DuckDB's error about this SQL over these views, with the place where DuckDB gives one.

    The connection has `errors_as_json`; without it the error has no place.
    """
    found = _read(error)
    message, position = found["exception_message"], found.get("position")
    column = _COLUMN.search(message)
    offset = only_place(sql, _name(column)) if position is None and column else _characters(sql, position)
    return QueryError.at(sql, offset, *_what_and_fix(message, found, views))


def _read(error: duckdb.Error) -> dict[str, Any]:
    """The fields of an error that DuckDB writes as `Binder Error: {...}`."""
    name, _, text = str(error).partition(": ")
    try:
        return {"exception_message": text, **json.loads(text)}
    except (ValueError, TypeError):
        return {"exception_message": (text or name).partition("\n\nLINE ")[0]}


def _characters(sql: str, position: str | None) -> int | None:
    """The offset in characters of DuckDB's position, which counts bytes."""
    return None if position is None else len(sql.encode()[: int(position)].decode(errors="ignore"))


def only_place(sql: str, name: str) -> int | None:
    """Where the name is in the SQL, if it is there once."""
    found = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def _name(column: re.Match[str]) -> str:
    return str(next(filter(None, column.groups())))


def _what_and_fix(message: str, found: dict[str, Any], views: Collection[str]) -> tuple[str, str]:
    if column := _COLUMN.search(message):
        return _no_column(_name(column), views)
    if table := _TABLE.search(message):
        return f"no table {table[1]} in this SELECT", "use the name or alias of one in its FROM"
    if function := _FUNCTION.search(message):
        return f"no function {function[1]}", _guess(found.get("candidates")) or CORRECT
    if found.get("error_subtype") == "NO_MATCHING_FUNCTION":
        return f"no function takes {found.get('call', 'these arguments')}", "cast the arguments to what it takes"
    return _sentence(message), CORRECT


def _no_column(name: str, views: Collection[str]) -> tuple[str, str]:
    place = " or ".join(sorted(views))
    return f"no column {name}{f' in {place}' if place else ''}", nearest_column(name, views) or LISTED


def nearest_column(name: str, views: Collection[str]) -> str:
    """Which column of these views, or else of which others, is meant by the name; empty where none is like it."""
    own = {column for view in views for column in VIEWS[view].columns}
    if near := nearest(name, own):
        return f"did you mean {near}?"
    elsewhere = [view.name for view in VIEWS.values() if name.lower() in view.columns]
    if elsewhere:
        return f"{name.lower()} is a column of {', '.join(elsewhere)}"
    near = None if own else nearest(name, {column for view in VIEWS.values() for column in view.columns})
    return f"did you mean {near}?" if near else ""


def _guess(candidates: str | None) -> str:
    return f"did you mean {candidates.partition(',')[0]}?" if candidates else ""


def _sentence(message: str) -> str:
    """The first line of the message, beginning small, without advice that cannot be followed."""
    line = _ADVICE.sub("", message).strip().partition("\n")[0].rstrip(".!") or "the SQL cannot be run"
    return line[0].lower() + line[1:] if line[1:2].islower() else line
