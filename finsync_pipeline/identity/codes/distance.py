"""How far a text is from a code: edits, and what they cost.

Both are optimal string alignment distances (Boytsov 2011, "Indexing methods for approximate dictionary
searching": insertion, deletion, substitution, transposition of neighbours, none of them twice at a place),
computed for many pairs at once within the two diagonals beside the main one, which is all that pairs
within two edits need.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finsync_pipeline.identity.codes.bytes_of import Bytes, Ints

#: Costs in hundredths.
LOOK_ALIKE, DOUBLED, TRANSPOSED, NEIGHBOUR, INSERTED, SUBSTITUTED = 40, 60, 70, 75, 90, 100
#: Beyond every cost that counts.
FAR = 1000
LOOK_ALIKES = ("0OQD", "1IL", "5S", "8B", "2Z", "6G", "UV")
KEYBOARD = ("1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")

_BAND = range(-2, 3)
_PAIRS = 1 << 16


def _substitution_costs() -> npt.NDArray[np.int16]:
    costs = np.full((256, 256), SUBSTITUTED, dtype=np.int16)
    for row, keys in enumerate(KEYBOARD):
        for place, key in enumerate(keys):
            beside = keys[place + 1 : place + 2]
            below = KEYBOARD[row + 1][max(place - 1, 0) : place + 1] if row < 3 else ""
            for other in beside + below:
                costs[ord(key), ord(other)] = costs[ord(other), ord(key)] = NEIGHBOUR
    for alike in LOOK_ALIKES:
        for one in alike.encode():
            costs[one, list(alike.encode())] = LOOK_ALIKE
    np.fill_diagonal(costs, 0)
    return costs


#: Cost of reading one byte as another.
SUBSTITUTION_COSTS = _substitution_costs()
_FLAT_COSTS = SUBSTITUTION_COSTS.ravel()


def edits_between(texts: Bytes, text_lengths: Bytes, codes: Bytes, code_lengths: Bytes) -> Bytes:
    """Edits from each row of `texts` to the same row of `codes` (zero-filled bytes); 3 where more than two."""
    found = np.full(len(texts), 3, dtype=np.uint8)
    for rows in _blocks(len(texts)):
        found[rows] = _edits(texts[rows], text_lengths[rows], codes[rows], code_lengths[rows])
    return np.minimum(found, 3)


def costs_between(texts: Bytes, text_lengths: Bytes, codes: Bytes, code_lengths: Bytes) -> npt.NDArray[np.int16]:
    """Smallest total cost, in hundredths, of pairs that are within two edits."""
    found = np.full(len(texts), FAR, dtype=np.int16)
    for rows in _blocks(len(texts)):
        found[rows] = _costs(texts[rows], text_lengths[rows], codes[rows], code_lengths[rows])
    return found


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + _PAIRS) for start in range(0, count, _PAIRS)]


def _edits(texts: Bytes, text_lengths: Bytes, codes: Bytes, code_lengths: Bytes) -> Bytes:
    count = len(texts)
    text, code = _columns(texts), _columns(codes)
    far = np.full(count, 9, dtype=np.uint8)
    none = np.zeros(count, dtype=np.bool_)
    result = far.copy()
    differences = code_lengths.astype(np.int16) - text_lengths
    before, last = [far] * 5, [np.full(count, k, dtype=np.uint8) if k >= 0 else far for k in _BAND]
    same_before: list[np.ndarray] = [none] * 7
    _capture(result, last, text_lengths == 0, differences)
    for i in range(1, int(text_lengths.max(initial=0)) + 1):
        same = [text[i] == code[i + k] if 1 <= i + k < len(code) else none for k in range(-3, 4)]
        row: list[np.ndarray] = []
        for at, k in enumerate(_BAND):
            if i + k < 0 or i + k >= len(code):
                row.append(far)
            elif i + k == 0:
                row.append(np.full(count, i, dtype=np.uint8))
            else:
                cell = last[at] + ~same[at + 1]
                if at < 4:
                    np.minimum(cell, last[at + 1] + 1, out=cell)
                if at > 0:
                    np.minimum(cell, row[at - 1] + 1, out=cell)
                if i > 1 and i + k > 1:
                    swapped = same[at] & same_before[at + 2]
                    np.minimum(cell, before[at] + np.where(swapped, 1, 9).astype(np.uint8), out=cell)
                row.append(np.minimum(cell, 9, out=cell))
        before, last, same_before = last, row, same
        _capture(result, last, text_lengths == i, differences)
    return result


def _costs(texts: Bytes, text_lengths: Bytes, codes: Bytes, code_lengths: Bytes) -> npt.NDArray[np.int16]:
    count = len(texts)
    text, code = _columns(texts), _columns(codes)
    far = np.full(count, FAR, dtype=np.int16)
    result = far.copy()
    differences = code_lengths.astype(np.int16) - text_lengths
    extra, missing = _gap_costs(text), _gap_costs(code)
    last = [far, far, np.zeros(count, dtype=np.int16), missing[1], missing[1] + missing[2]]
    before = [far] * 5
    for i in range(1, int(text_lengths.max(initial=0)) + 1):
        line = text[i].astype(np.int32) << 8
        row: list[np.ndarray] = []
        for at, k in enumerate(_BAND):
            j = i + k
            if j < 0 or j >= len(code):
                row.append(far)
            elif j == 0:
                row.append(last[at + 1] + extra[i])
            else:
                cell = last[at] + _FLAT_COSTS[line + code[j]]
                if at < 4:
                    np.minimum(cell, last[at + 1] + extra[i], out=cell)
                if at > 0:
                    np.minimum(cell, row[at - 1] + missing[j], out=cell)
                if i > 1 and j > 1:
                    swapped = (text[i] == code[j - 1]) & (text[i - 1] == code[j])
                    np.minimum(cell, before[at] + np.where(swapped, TRANSPOSED, FAR).astype(np.int16), out=cell)
                row.append(np.minimum(cell, FAR, out=cell))
        before, last = last, row
        _capture(result, last, text_lengths == i, differences)
    return result


def _columns(matrix: Bytes) -> Bytes:
    """Columns counted from 1, with a column of zeros in front and two behind."""
    columns = np.zeros((matrix.shape[1] + 3, len(matrix)), dtype=np.uint8)
    columns[1:-2] = matrix.T
    return columns


def _gap_costs(columns: Bytes) -> npt.NDArray[np.int16]:
    """What each character costs that stands on one side only: less where it doubles the one before."""
    costs = np.full(columns.shape, INSERTED, dtype=np.int16)
    costs[1:][columns[1:] == columns[:-1]] = DOUBLED
    return costs


def _capture(result: np.ndarray, row: list[np.ndarray], ended: np.ndarray, differences: Ints | np.ndarray) -> None:
    """Where the text ends with this row, the cell on the diagonal where the code ends is the distance."""
    if not ended.any():
        return
    for at, k in enumerate(_BAND):
        here = ended & (differences == k)
        result[here] = row[at][here]
