"""Text columns as arrays of bytes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ROWS = 200_000


def bytes_of(texts: pa.Array) -> tuple[Bytes, Ints]:
    """The bytes of a large_string array without nulls, end to end, and the n+1 offsets into them."""
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    return whole[starts[0] : starts[-1]], starts - starts[0]


def texts_of(whole: Bytes, starts: Ints) -> pa.Array:
    """The opposite of `bytes_of`."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(starts)), pa.py_buffer(np.ascontiguousarray(whole))]
    return pa.Array.from_buffers(pa.large_string(), len(starts) - 1, buffers)


def keep_bytes(whole: Bytes, starts: Ints, kept: Flags) -> tuple[Bytes, Ints]:
    """Bytes and offsets without the bytes that are not kept."""
    if kept.all():
        return whole, starts
    before = np.zeros(len(whole) + 1, dtype=np.int64)
    np.cumsum(kept, out=before[1:])
    return whole[kept], before[starts]


def any_of(flags: Bytes, starts: Ints) -> Bytes:
    """The flags of all bytes of each text, or-ed."""
    found = np.zeros(len(starts) - 1, dtype=np.uint8)
    filled = np.flatnonzero(starts[1:] > starts[:-1])
    if len(filled):
        found[filled] = np.bitwise_or.reduceat(flags, starts[filled])
    return found


def large_text(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One large_string array, whatever kind of text column it was; nulls stay."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    return texts.cast(pa.large_string())


def matrix_of(texts: pa.Array, width: int) -> tuple[Bytes, Bytes]:
    """Texts of at most `width` bytes as rows of an (n, width) matrix, filled up with zeros; and their lengths."""
    whole, starts = bytes_of(texts)
    lengths = np.diff(starts)
    matrix = np.zeros((len(texts), width), dtype=np.uint8)
    if len(texts) == 0:
        return matrix, lengths.astype(np.uint8)
    if (lengths == lengths[0]).all():
        matrix[:, : int(lengths[0])] = whole.reshape(len(texts), int(lengths[0]))
        return matrix, lengths.astype(np.uint8)
    within = np.arange(width)
    for start in range(0, len(texts), _ROWS):
        rows = slice(start, start + _ROWS)
        inside = within < lengths[rows, None]
        matrix[rows][inside] = whole[starts[rows][0] : starts[min(start + _ROWS, len(texts))]]
    return matrix, lengths.astype(np.uint8)


def take(texts: pa.Array, rows: npt.NDArray[Any]) -> pa.Array:
    """The texts of these rows."""
    return texts.take(pa.array(rows.astype(np.int64, copy=False)))


def replaced(texts: pa.Array, rows: Ints, changed: pa.Array) -> pa.Array:
    """The texts with other ones in these (ascending) rows."""
    if len(rows) == 0:
        return texts
    places = np.arange(len(texts))
    places[rows] = len(texts) + np.arange(len(rows))
    return pa.concat_arrays([texts, changed]).take(pa.array(places))
