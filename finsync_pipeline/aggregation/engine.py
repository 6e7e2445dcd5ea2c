"""The engine that runs the transforms: opens Parquet files as lazy tables, and collects what comes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames


class DuckDBEngine:
    """Lazy tables in DuckDB, as a context manager that owns the connection."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def scan(self, files: Sequence[Path], schema: pa.Schema) -> nw.LazyFrame[Any]:
        """The rows of these Parquet files as one lazy table of the schema; no files make an empty one."""
        if not files:
            return self.table(frames.from_arrow(schema.empty_table()))
        return nw.from_native(self.connection.read_parquet([str(file) for file in files]).select(*schema.names))

    def table(self, frame: pd.DataFrame) -> nw.LazyFrame[Any]:
        """The frame as a lazy table, over the same buffers."""
        return nw.from_native(self.connection.from_arrow(frames.to_arrow(frame)))

    def materialized(self, table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The lazy table with its rows computed once, for a table that is used more than once."""
        return nw.from_native(self.connection.from_arrow(table.to_native().to_arrow_table()))

    def frame_of(self, relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
        """The rows of the relation."""
        return frames.from_arrow(relation.to_arrow_table())

    def collect(self, table: nw.LazyFrame[Any], schema: pa.Schema) -> pd.DataFrame:
        """The rows of the lazy table in the columns and types of the schema."""
        return frames.from_arrow(table.to_native().to_arrow_table().select(schema.names).cast(schema))
