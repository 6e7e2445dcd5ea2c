"""Steps told in words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Bytes, Ints, take, texts_of
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.writing import STEP_NAMES

_AS_LISTED = "as the list writes it"


def told_steps(steps: Ints) -> pa.Array:
    """The names of the steps of each row, in order, as large_string; blank where there are none."""
    kinds, places = np.unique(steps, return_inverse=True)
    told = [", ".join(name for bit, name in STEP_NAMES.items() if kind & bit) for kind in kinds.tolist()]
    return take(pa.array(told, pa.large_string()), places)


def told_or_as_listed(told: pa.Array) -> pa.Array:
    """Where a text was not changed, the listed code was."""
    return pc.if_else(pc.equal(told, ""), _AS_LISTED, told)


def told_together(first: pa.Array, second: pa.Array) -> pa.Array:
    """Both, with a comma between where neither is blank."""
    both = pc.binary_join_element_wise(first, second, pa.scalar(", ", pa.large_string()))
    return pc.if_else(pc.equal(first, ""), second, pc.if_else(pc.equal(second, ""), first, both))


def told_repairs(texts: Strings, text_rows: Ints, codes: Strings, code_rows: Ints) -> pa.Array:
    """What was read for what between the text and the code: `'O4' read as '04' at 4`, places counted from 1.

    Blank where the two are the same.
    """
    text_lengths, code_lengths = texts.lengths[text_rows].astype(np.int64), codes.lengths[code_rows].astype(np.int64)
    width = max(texts.matrix.shape[1], codes.matrix.shape[1])
    text, code = _wide(texts, text_rows, width), _wide(codes, code_rows, width)
    start, end = _common_ends(text, text_lengths, code, code_lengths)
    wrong, right = _cut_out(text, start, text_lengths - end), _cut_out(code, start, code_lengths - end)
    at = pa.array(start + 1).cast(pa.large_string())
    read = _joined("'", wrong, "' read as '", right, "' at ", at)
    read = pc.if_else(pc.equal(wrong, ""), _joined("'", right, "' put in at ", at), read)
    read = pc.if_else(pc.equal(right, ""), _joined("'", wrong, "' left out at ", at), read)
    return pc.if_else(pa.array((text_lengths == code_lengths) & (start == text_lengths)), "", read)


def _joined(*parts: pa.Array | str) -> pa.Array:
    texts = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar("", pa.large_string()))


def _cut_out(matrix: Bytes, start: Ints, end: Ints) -> pa.Array:
    """Of each row the characters from `start` to before `end`."""
    places = np.arange(matrix.shape[1])
    inside = (places >= start[:, None]) & (places < end[:, None])
    return texts_of(matrix[inside], np.append(0, np.cumsum(inside.sum(axis=1))))


def _common_ends(text: Bytes, text_lengths: Ints, code: Bytes, code_lengths: Ints) -> tuple[Ints, Ints]:
    """How many characters are the same in front, and how many of the rest behind."""
    shorter = np.minimum(text_lengths, code_lengths)
    front = np.minimum(_agreeing(text, code), shorter)
    back = _agreeing(_from_the_end(text, text_lengths), _from_the_end(code, code_lengths))
    return front, np.minimum(back, shorter - front)


def _wide(strings: Strings, rows: Ints, width: int) -> Bytes:
    matrix = np.zeros((len(rows), width), dtype=np.uint8)
    matrix[:, : strings.matrix.shape[1]] = strings.matrix[rows]
    return matrix


def _agreeing(one: Bytes, other: Bytes) -> Ints:
    differs = np.ones((len(one), one.shape[1] + 1), dtype=np.bool_)
    np.not_equal(one, other, out=differs[:, :-1])
    return np.asarray(differs.argmax(axis=1))


def _from_the_end(matrix: Bytes, lengths: Ints) -> Bytes:
    places = lengths[:, None] - 1 - np.arange(matrix.shape[1])
    return np.where(places >= 0, np.take_along_axis(matrix, np.maximum(places, 0), axis=1), 0)
