"""The schemes of codes that a list of companies may hold, and the check digits of those that have some.

LEI: ISO 17442, ISO/IEC 7064 MOD 97-10 (letters count 10 to 35, the number leaves 1 when divided by 97).
ISIN: ISO 6166, letters written as 10 to 35, then the Luhn sum of all digits. CUSIP: ANSI X9.6, every second value
doubled (letters 10 to 35, `*@#` 36 to 38), the sum of the digits of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]
Values = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Scheme:
    """What is known of a scheme before any code of it is seen.

    `length` is None where codes differ in length. `label` (`CIK 0000320193`) is a regular expression whose only group
    is the code. `is_number`: leading zeros say nothing, so codes are compared without them. `is_repaired`: typing
    errors may be repaired. `is_sparse`: the codes of any two companies of the world are known to be far apart, so that
    one edit is repaired even on a list too short to show it.
    """

    name: str
    length: int | None = None
    label: str | None = None
    is_number: bool = False
    is_repaired: bool = True
    is_sparse: bool = False

    @property
    def has_check_digits(self) -> bool:
        """Whether a mistyped code shows, see `right_check_digits`."""
        return self.name in _RULES


def _label(words: str, code: str) -> str:
    return rf"^(?:{words})[\s:#=._-]*({code})$"


SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("company_id", label=r"^(?:COMPANY\s*)?(?:ID|CODE|NO|NR)[\s:#=]+(.+)$"),
        Scheme("lei", 20, _label(r"LEI(?:\s*CODE)?|LEGAL ENTITY IDENTIFIER", r"\w.{14,}"), is_sparse=True),
        Scheme("isin", 12, _label("ISIN", r"\w.{9,}")),
        Scheme("cusip", 9, _label("CUSIP", r"\w.{6,}")),
        Scheme("cik", None, _label(r"(?:SEC\s*)?CIK(?:\s*(?:NO|NUMBER|CODE))?", r"\d.*"), is_number=True),
    )
}

_NONE = 99
_VALUES = np.full(256, _NONE, dtype=np.int32)
_VALUES[ord("0") : ord("9") + 1] = range(10)
_VALUES[ord("A") : ord("Z") + 1] = range(10, 36)
_CUSIP_VALUES = _VALUES.copy()
_CUSIP_VALUES[list(b"*@#")] = 36, 37, 38


def has_right_check_digits(text: str, scheme_name: str) -> bool:
    """Whether the text is a well-formed code of the scheme with the right check digits; False if it has none."""
    return bool(right_check_digits(pa.array([text], pa.large_string()), scheme_name)[0])


def right_check_digits(texts: pa.Array, scheme_name: str) -> Flags:
    """For each text (Arrow, not null) what `has_right_check_digits` says of it."""
    right: Flags = np.zeros(len(texts), dtype=np.bool_)
    length, rule = _RULES.get(scheme_name, (0, None))
    rows = np.flatnonzero(pc.equal(pc.binary_length(texts), length).to_numpy(zero_copy_only=False))
    if rule is not None and len(rows):
        codes = np.array(texts.take(pa.array(rows)).cast(pa.large_binary()).to_pylist(), dtype=f"S{length}")
        right[rows] = rule(codes.view(np.uint8).reshape(-1, length))
    return right


def _is_lei(codes: npt.NDArray[np.uint8]) -> Flags:
    values = _VALUES[codes]
    remainder = np.zeros(len(codes), dtype=np.int32)
    for column in values.T:
        remainder = (remainder * np.where(column > 9, 100, 10) + column) % 97
    return np.asarray((values != _NONE).all(axis=1) & (values[:, 18:] < 10).all(axis=1) & (remainder == 1))


def _is_isin(codes: npt.NDArray[np.uint8]) -> Flags:
    values = _VALUES[codes]
    formed = (values != _NONE).all(axis=1) & (values[:, :2] > 9).all(axis=1) & (values[:, 11] < 10)
    total = np.zeros(len(codes), dtype=np.int32)
    is_doubled = np.zeros(len(codes), dtype=np.bool_)
    for column in values.T[::-1]:
        ones, tens = column % 10, column // 10
        total += np.where(is_doubled, _digit_sum(2 * ones) + tens, ones + _digit_sum(2 * tens))
        is_doubled ^= column < 10
    return np.asarray(formed & (total % 10 == 0))


def _is_cusip(codes: npt.NDArray[np.uint8]) -> Flags:
    values = _CUSIP_VALUES[codes]
    formed = (values != _NONE).all(axis=1) & (values[:, 8] < 10)
    values[:, 1:8:2] *= 2
    total = _digit_sum(values[:, :8]).sum(axis=1)
    return np.asarray(formed & ((10 - total % 10) % 10 == values[:, 8]))


def _digit_sum(values: Values) -> Values:
    return np.asarray(values // 10 + values % 10)


_RULES: dict[str, tuple[int, Callable[[npt.NDArray[np.uint8]], Flags]]] = {
    "lei": (20, _is_lei),
    "isin": (12, _is_isin),
    "cusip": (9, _is_cusip),
}
