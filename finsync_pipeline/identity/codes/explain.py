"""Steps told in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finsync_pipeline.identity.codes.bytes_of import Ints
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.writing import STEP_NAMES

_AS_LISTED = "as the list writes it"


def told_steps(steps: Ints) -> list[str]:
    """The names of the steps of each row, in order; what only the list writes otherwise has no name of its own."""
    kinds, places = np.unique(steps, return_inverse=True)
    told = [", ".join(name for bit, name in STEP_NAMES.items() if kind & bit) for kind in kinds.tolist()]
    return [told[place] for place in places.tolist()]


def told_or_as_listed(told: Sequence[str]) -> list[str]:
    """Where a text was not changed, the listed code was."""
    return [steps or _AS_LISTED for steps in told]


def told_repairs(texts: Strings, text_rows: Ints, codes: Strings, code_rows: Ints) -> list[str]:
    """What was read for what between the text and the code: `'O4' read as '04' at 4`, places counted from 1."""
    told = []
    width = max(texts.matrix.shape[1], codes.matrix.shape[1])
    for text, code, start, end in zip(
        *_rows(texts, text_rows),
        *_rows(codes, code_rows),
        *_common_ends(texts, text_rows, codes, code_rows, width),
        strict=True,
    ):
        wrong, right = text[start : len(text) - end], code[start : len(code) - end]
        if not wrong:
            told.append(f"'{right}' put in at {start + 1}")
        elif not right:
            told.append(f"'{wrong}' left out at {start + 1}")
        else:
            told.append(f"'{wrong}' read as '{right}' at {start + 1}")
    return told


def _rows(strings: Strings, rows: Ints) -> tuple[list[str]]:
    matrix, width = strings.matrix[rows], strings.matrix.shape[1]
    whole = np.ascontiguousarray(matrix).view(f"S{width}").ravel().astype(f"U{width}")
    return (whole.tolist(),)


def _common_ends(
    texts: Strings, text_rows: Ints, codes: Strings, code_rows: Ints, width: int
) -> tuple[list[int], list[int]]:
    """How many characters are the same in front, and how many of the rest behind."""
    text_lengths, code_lengths = texts.lengths[text_rows].astype(np.int64), codes.lengths[code_rows].astype(np.int64)
    text, code = _wide(texts, text_rows, width), _wide(codes, code_rows, width)
    shorter = np.minimum(text_lengths, code_lengths)
    front = np.minimum(_agreeing(text, code), shorter)
    back = _agreeing(_from_the_end(text, text_lengths), _from_the_end(code, code_lengths))
    return front.tolist(), np.minimum(back, shorter - front).tolist()


def _wide(strings: Strings, rows: Ints, width: int) -> np.ndarray:
    matrix = np.zeros((len(rows), width), dtype=np.uint8)
    matrix[:, : strings.matrix.shape[1]] = strings.matrix[rows]
    return matrix


def _agreeing(one: np.ndarray, other: np.ndarray) -> Ints:
    differs = np.ones((len(one), one.shape[1] + 1), dtype=np.bool_)
    np.not_equal(one, other, out=differs[:, :-1])
    return np.asarray(differs.argmax(axis=1))


def _from_the_end(matrix: np.ndarray, lengths: Ints) -> np.ndarray:
    places = lengths[:, None] - 1 - np.arange(matrix.shape[1])
    return np.where(places >= 0, np.take_along_axis(matrix, np.maximum(places, 0), axis=1), 0)
