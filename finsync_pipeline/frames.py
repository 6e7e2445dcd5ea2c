"""Frames: pandas DataFrames over Arrow buffers, and SQL on them by DuckDB without a copy.

Every frame between two parts of FinSync has Arrow-backed dtypes and is made here. What a table contains does not belong
here: read on in `statements.tables`.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

STRING = pd.ArrowDtype(pa.string())
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula."""


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """The Arrow table as a DataFrame with Arrow-backed dtypes, over the same buffers."""
    return pd.DataFrame(table.to_pandas(types_mapper=pd.ArrowDtype))


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """The frame as an Arrow table without an index and without pandas' own metadata."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def frame_of(rows: list[dict[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    """A frame of these rows in the columns and types of the schema; no rows make an empty frame."""
    return from_arrow(pa.Table.from_pylist(rows, schema=schema))


def query(sql: str, **frames: pd.DataFrame) -> pd.DataFrame:
    """The result of `sql` in DuckDB; each keyword names a frame in it."""
    with empty_database() as connection:
        for name, frame in frames.items():
            connection.register(name, to_arrow(frame))
        return from_arrow(connection.sql(sql).to_arrow_table())


def empty_database() -> duckdb.DuckDBPyConnection:
    """A connection of its own to the empty database of this process, to be closed."""
    return _database(os.getpid()).cursor()


@cache
def _database(_process: int) -> duckdb.DuckDBPyConnection:
    """One empty database for each process: a cursor of it is a hundred times cheaper than another database."""
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    return database


def plain(cell: str) -> str:
    """The cell of a CSV without blanks around it and without the apostrophe that keeps a formula from being run."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_MARKS else text


def quoted(name: str) -> str:
    """The name as an identifier in SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def map_unique(column: "pd.Series[Any]", read: Callable[[str], Any], dtype: pa.DataType) -> "pd.Series[Any]":
    """`read` applied once to each distinct text of the column, not once per row; a missing cell stays missing."""
    encoded = pa.chunked_array(pa.array(column, type=pa.string()).dictionary_encode()).combine_chunks()
    readings = pa.array([read(text) for text in encoded.dictionary.to_pylist()], type=dtype)
    return pd.Series(readings.take(encoded.indices), index=column.index, dtype=pd.ArrowDtype(dtype))


def rows_as_json(frame: pd.DataFrame) -> "pd.Series[Any]":
    """Each row as one JSON object in the order of the columns: how a rejected row is kept."""
    records = to_arrow(frame).to_pylist()
    texts = [json.dumps(record, ensure_ascii=False, default=str) for record in records]
    return pd.Series(texts, index=frame.index, dtype=STRING)
