"""The schemes of codes that a list of companies may hold, and the check digits of those that have some.

LEI: ISO 17442, ISO/IEC 7064 MOD 97-10 (letters count 10 to 35, the number leaves 1 when divided by 97).
ISIN: ISO 6166, letters written as 10 to 35, then the Luhn sum of all digits. CUSIP: ANSI X9.6, every second value
doubled (letters 10 to 35, `*@#` 36 to 38), the sum of the digits of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_uppercase, digits

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class Scheme:
    """What is known of a scheme before any code of it is seen.

    `label` (`CIK 0000320193`) is a regular expression whose only group is the code. `length`: None where it differs.
    `is_number`: leading zeros say nothing, so codes are compared without them. `is_repaired`: typing errors may be
    repaired. `is_sparse`: the codes of any two companies of the world are known to be far apart, so that one edit is
    repaired even on a list too short to show it.
    """

    name: str
    label: str
    length: int | None = None
    is_number: bool = False
    is_repaired: bool = True
    is_sparse: bool = False


def _label(words: str, code: str) -> str:
    return rf"^(?:{words})[\s:#=._-]*({code})$"


_SCHEMES = (
    Scheme("company_id", r"^(?:COMPANY\s*)?(?:ID|CODE|NO|NR)[\s:#=]+(.+)$"),
    Scheme("lei", _label(r"LEI(?:\s*CODE)?|LEGAL ENTITY IDENTIFIER", r"\w.{14,}"), 20, is_sparse=True),
    Scheme("isin", _label("ISIN", r"\w.{9,}"), 12),
    Scheme("cusip", _label("CUSIP", r"\w.{6,}"), 9),
    Scheme("cik", _label(r"(?:SEC\s*)?CIK(?:\s*(?:NO|NUMBER|CODE))?", r"\d.*"), is_number=True),
)
SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in _SCHEMES}

_AS_DIGITS = str.maketrans({letter: str(value) for value, letter in enumerate(ascii_uppercase, start=10)})
_CUSIP_CHARACTERS = digits + ascii_uppercase + "*@#"


def has_right_check_digits(text: str, scheme_name: str) -> bool:
    """Whether the text is a well-formed code of the scheme with the right check digits; False if it has none."""
    pattern, rule = CHECK_DIGITS.get(scheme_name, (None, None))
    return pattern is not None and rule is not None and bool(pattern.fullmatch(text)) and rule(text)


def right_check_digits(texts: pa.Array, scheme_name: str) -> npt.NDArray[np.bool_]:
    """For each text (Arrow, not null) what `has_right_check_digits` says of it."""
    return np.array([has_right_check_digits(text, scheme_name) for text in texts.to_pylist()], dtype=np.bool_)


def _is_lei(code: str) -> bool:
    return int(code.translate(_AS_DIGITS)) % 97 == 1


def _is_isin(code: str) -> bool:
    values = [int(digit) for digit in reversed(code.translate(_AS_DIGITS))]
    return (sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])) % 10 == 0


def _is_cusip(code: str) -> bool:
    values = [_CUSIP_CHARACTERS.index(character) for character in code]
    total = sum(sum(divmod(value * (1 + place % 2), 10)) for place, value in enumerate(values[:8]))
    return (total + values[8]) % 10 == 0


#: How a code with check digits is formed, and its rule.
CHECK_DIGITS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "lei": (re.compile("[0-9A-Z]{18}[0-9]{2}"), _is_lei),
    "isin": (re.compile("[A-Z]{2}[0-9A-Z]{9}[0-9]"), _is_isin),
    "cusip": (re.compile("[0-9A-Z*@#]{8}[0-9]"), _is_cusip),
}
