"""Columns and cells: names that SQLite accepts, kinds, cells as JSON, and Arrow types and arrays."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

Cell = int | float | str | bytes | None
Indexes = tuple[tuple[str, ...], ...]
"""The columns of each index."""

CHUNK_ROWS = 2_000
"""Rows that become Arrow arrays at a time: their cells as Python objects still fit a processor's cache."""

BYTES_AT_A_TIME = 4 << 20
"""Bytes of rows that are held as Python objects, however long the rows are."""

BATCH_ROWS, BATCH_BYTES = 32_000, 16 << 20
"""Rows and bytes at which a record batch ends."""

LARGEST_EXACT = 2**53
"""A float64 represents every whole number up to this one."""

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "blob": pa.binary(),
    "empty": pa.null(),
    "mixed": pa.json_(),
}
_KINDS = {str: "text", int: "integer", float: "number", bytes: "blob"}


class Table(NamedTuple):
    """The column names, the rows with one cell for each, and the columns of each index of the data file."""

    columns: list[str]
    rows: Iterable[Sequence[Cell]]
    indexes: Indexes = ()


def as_json(cell: Any) -> Any:
    """The cell as JSON has it: a blob is its hex text, infinity is the text `Infinity`."""
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, float) and math.isinf(cell):
        return "Infinity" if cell > 0 else "-Infinity"
    return cell


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names, made distinct for SQLite: blank ones become `column_<n>`, repeated ones get `_2`, `_3`.

    Two names that differ only in the case of their ASCII letters are the same to SQLite. `_rowid_` is reserved:
    it is SQLite's name for the position of a row.
    """
    named = [name if name.strip() else f"column_{position}" for position, name in enumerate(names, start=1)]
    reserved = {_identity(name) for name in named}
    used = {_identity("_rowid_")}
    next_number: dict[bytes, int] = {}  # else a name that is repeated n times costs n * n steps
    distinct = []
    for name in named:
        identity, candidate = _identity(name), name
        number = next_number.get(identity, 2)
        while _identity(candidate) in used or (candidate is not name and _identity(candidate) in reserved):
            candidate, number = f"{name}_{number}", number + 1
        next_number[identity] = number
        used.add(_identity(candidate))
        distinct.append(candidate)
    return distinct


def free_name(name: str, columns: list[str]) -> str:
    """The name, followed by as many `_` as make it differ from all columns."""
    used = {_identity(column) for column in columns}
    while _identity(name) in used:
        name += "_"
    return name


def quoted(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quoted_list(names: Iterable[str]) -> str:
    """The names as quoted SQL identifiers, separated by commas."""
    return ", ".join(map(quoted, names))


def _identity(name: str) -> bytes:
    return name.encode().lower()


# Kinds and Arrow


def kinds_in(cells: Sequence[Cell]) -> set[str]:
    """The kinds of the cells that are not missing, and `inexact` for a whole number that a float64 can't represent."""
    types = set(map(type, cells))
    kinds = {_KINDS[each] for each in types - {type(None)}}
    if int in types:
        whole: Any = cells if len(types) == 1 else [cell for cell in cells if isinstance(cell, int)]
        if max(max(whole), -min(whole)) > LARGEST_EXACT:
            kinds.add("inexact")
    return kinds


def kind_of(found: set[str]) -> str:
    """The kind of a column whose cells have these kinds.

    A column of whole and other numbers is `number` if a float64 represents all of them, else `mixed`.
    """
    if found <= {"integer", "inexact"}:
        return "integer" if found else "empty"
    if found == {"integer", "number"}:
        return "number"
    return "mixed" if len(found) > 1 else next(iter(found))


def schema_of(kinds: Mapping[str, str]) -> pa.Schema:
    """The Arrow schema of columns with these kinds by their names."""
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in kinds.items()])


def array_of(kind: str, cells: Sequence[Cell]) -> pa.Array:
    """The cells as an Arrow array of this kind."""
    if kind == "mixed":
        texts = (None if cell is None else orjson.dumps(as_json(cell)).decode() for cell in cells)
        return pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts, pa.string()))
    return pa.array(cells, ARROW_TYPES[kind])


def write_all(writer: Any, chunks: Iterable[pa.RecordBatch]) -> int:
    """Write the chunks, each a few rows, as record batches that are large enough to be read fast; returns the rows."""
    count, size, pending = 0, 0, list[pa.RecordBatch]()
    for chunk in chunks:
        pending.append(chunk)
        count, size = count + chunk.num_rows, size + chunk.nbytes
        if size >= BATCH_BYTES or sum(each.num_rows for each in pending) >= BATCH_ROWS:
            writer.write_batch(pa.concat_batches(pending))
            size, pending = 0, []
    if pending:
        writer.write_batch(pa.concat_batches(pending))
    writer.close()
    return count
