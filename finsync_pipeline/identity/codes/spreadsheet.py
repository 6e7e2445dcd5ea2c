"""Numbers as spreadsheets write them, read as the digits of a code, where all digits are there."""

from __future__ import annotations

import re

#: What may be a number: with a sign, a fraction, an exponent.
NUMBER = r"^[+-]?\d+(?:[.,]\d+)?(?:E[+-]?\d+)?$"
_SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?E\+?(\d{1,2})")
_LOSSY = re.compile(r"[+-]?\d+(?:[.,]\d+E[+-]?|E[+-])\d+")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3}){2,}")
_WHOLE = re.compile(r"(\d+)[.,]00?")


def read_number(text: str) -> tuple[str, str]:
    """A number's digits and what was done (`point`, `scientific` or nothing).

    No digits where they are not all there, or where it is a fraction or negative.
    """
    if found := _WHOLE.fullmatch(text):
        return found[1], "point"
    if _GROUPED.fullmatch(text) or text.isdigit():
        return text, ""
    if found := _SCIENTIFIC.fullmatch(text):
        digits, whole = found[1] + (found[2] or ""), int(found[3]) + 1
        if len(digits) >= whole > 1 and not digits[whole:].strip("0"):
            return digits[:whole], "scientific"
    if _LOSSY.fullmatch(text) or "." in text or "," in text or text[0] in "+-":
        return "", ""
    return text, ""
