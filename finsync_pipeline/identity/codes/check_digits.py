"""Check digits of whole columns of codes.

LEI: ISO 17442, ISO/IEC 7064 MOD 97-10 (letters count 10 to 35, the number leaves 1 when divided by 97).
ISIN: ISO 6166, letters written as 10 to 35, then the Luhn sum of all digits. CUSIP: ANSI X9.6, every second
value doubled (letters 10 to 35, `*@#` 36 to 38), the sum of the digits of all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from finsync_pipeline.identity.codes.bytes_of import Bytes, Flags

_NONE = 99
_VALUES = np.full(256, _NONE, dtype=np.uint8)
_VALUES[ord("0") : ord("9") + 1] = range(10)
_VALUES[ord("A") : ord("Z") + 1] = range(10, 36)
_CUSIP_VALUES = _VALUES.copy()
_CUSIP_VALUES[list(b"*@#")] = 36, 37, 38


def right_check_digits(matrix: Bytes, lengths: Bytes, check: str) -> Flags:
    """Whether each row is well formed by the rule `lei`, `isin` or `cusip`, with the right check digits."""
    length, rule = _RULES[check]
    right = np.zeros(len(matrix), dtype=np.bool_)
    rows = np.flatnonzero(lengths == length)
    if len(rows) == 0:
        return right
    right[rows] = rule(matrix[rows, :length])
    return right


def _is_lei(codes: Bytes) -> Flags:
    values = _VALUES[codes]
    formed = (values != _NONE).all(axis=1) & (values[:, 18:] < 10).all(axis=1)
    rest = np.zeros(len(codes), dtype=np.int32)
    for column in values.T:
        rest = (rest * np.where(column > 9, 100, 10) + column) % 97
    return np.asarray(formed & (rest == 1))


def _is_isin(codes: Bytes) -> Flags:
    values = _VALUES[codes].astype(np.int32)
    formed = (values != _NONE).all(axis=1) & (values[:, 11] < 10)
    formed &= ((values[:, :2] > 9) & (values[:, :2] != _NONE)).all(axis=1)
    total = np.zeros(len(codes), dtype=np.int32)
    doubled = np.zeros(len(codes), dtype=np.bool_)
    for column in values.T[::-1]:
        ones, tens = column % 10, column // 10
        total += np.where(doubled, _digit_sum(2 * ones), ones)
        total += np.where(column > 9, np.where(doubled, tens, _digit_sum(2 * tens)), 0)
        doubled ^= column <= 9
    return np.asarray(formed & (total % 10 == 0))


def _is_cusip(codes: Bytes) -> Flags:
    values = _CUSIP_VALUES[codes].astype(np.int32)
    formed = (values != _NONE).all(axis=1) & (values[:, 8] < 10)
    values[:, 1:8:2] *= 2
    total = _digit_sum(values[:, :8]).sum(axis=1)
    return np.asarray(formed & ((10 - total % 10) % 10 == values[:, 8]))


def _digit_sum(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.asarray(values // 10 + values % 10)


_RULES: dict[str, tuple[int, Callable[[Bytes], Flags]]] = {
    "lei": (20, _is_lei),
    "isin": (12, _is_isin),
    "cusip": (9, _is_cusip),
}
