"""Tokens of what people write: words, numbers and signs, each with its place; and amounts such as `1 lakh 10 thousand`.

A word is letters, with `&` or an apostrophe inside; a number has digits, with points and commas inside. Everything else
is a sign. What a token means is not decided here, except for amounts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

UNITS: dict[str, float] = {
    **dict.fromkeys(("k", "thousand", "thousands", "tsd"), 1e3),
    **dict.fromkeys(("lakh", "lakhs", "lac", "lacs"), 1e5),
    **dict.fromkeys(("m", "mn", "mm", "mio", "mln", "million", "millions"), 1e6),
    **dict.fromkeys(("crore", "crores", "cr"), 1e7),
    **dict.fromkeys(("b", "bn", "bln", "mrd", "billion", "billions"), 1e9),
    **dict.fromkeys(("tn", "trn", "trillion", "trillions"), 1e12),
}
"""What a word after a number multiplies it by."""
COUNTS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
"""Numbers that are written as words."""
MOST = 1e300
"""No amount is as large."""
_SIGNS = ("<=", ">=", "<>", "!=", "==")
_PLAIN = re.compile(r"\d+(\.\d+)?(e[+-]?\d{1,3})?", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A word, number or sign, and where in the text it begins and ends."""

    kind: Literal["word", "number", "sign"]
    text: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        """The text in lower case, without the 's of a genitive."""
        return self.text.lower().replace("\u2019", "'").removesuffix("'s")


@dataclass(frozen=True)
class Amount:
    """A number as it is meant, and the place after its last token."""

    value: float
    after: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of the text in their order; blanks are between them, and belong to none."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        token = _token(text, place)
        found.append(token)
        place = token.end
    return found


def amount_at(tokens: Sequence[Token], place: int) -> Amount | None:
    """The amount that begins with this token: `1.5 bn`, `-5m`, `1 lakh 10 thousand`; None if there is none.

    Parts of an amount are in falling units, and each but the first has one.
    """
    sign, at = _sign(tokens, place)
    total, last_unit = 0.0, float("inf")
    while (number := _number(tokens, at)) is not None:
        unit = UNITS.get(tokens[at + 1].lower) if at + 1 < len(tokens) else None
        is_word = tokens[at].kind == "word"
        is_part = last_unit == float("inf") or (unit is not None and unit < last_unit and number * unit < last_unit)
        if not is_part or (is_word and unit is None):
            break
        total += number * (unit or 1.0)
        at += 1 if unit is None else 2
        last_unit = unit or 0.0
    # `1 000` is one number to whom writes it, and 1 to whom does not
    is_cut = last_unit == 0.0 and at < len(tokens) and tokens[at].kind == "number" and len(tokens[at].text) == 3
    is_amount = last_unit < float("inf") and total < MOST and not is_cut
    return Amount(sign * round(total, 6), at) if is_amount else None


def plain_number(text: str) -> float | None:
    """The value of digits with a decimal point, and commas between thousands, or lakhs; None if it is not one."""
    whole, point, rest = text.partition(".")
    if "," in whole:
        if not _are_groups(whole.split(",")):
            return None
        whole = whole.replace(",", "")
    plain = whole + point + rest
    return float(plain) if _PLAIN.fullmatch(plain) and plain.isascii() else None


def _are_groups(groups: Sequence[str]) -> bool:
    """Whether commas are where they are between thousands (1,234,567) or lakhs (12,34,567)."""
    first, *middle, last = (len(each) for each in groups)
    if last != 3 or not all(each.isdigit() for each in groups):
        return False
    is_western = 1 <= first <= 3 and all(each == 3 for each in middle)
    return is_western or (1 <= first <= 2 and all(each == 2 for each in middle))


def _sign(tokens: Sequence[Token], place: int) -> tuple[int, int]:
    if place < len(tokens) and tokens[place].lower in ("-", "\u2212", "minus"):
        return -1, place + 1
    return 1, place + (place < len(tokens) and tokens[place].text == "+")


def _number(tokens: Sequence[Token], place: int) -> float | None:
    if place >= len(tokens):
        return None
    token = tokens[place]
    if token.kind == "number":
        return plain_number(token.text)
    return float(COUNTS.index(token.lower)) if token.lower in COUNTS else None


def _token(text: str, start: int) -> Token:
    if text[start].isdigit():
        end = _end_of_number(text, start)
        return Token("number", text[start:end], start, end)
    if text[start].isalpha():
        end = start + 1
        while end < len(text) and (text[end].isalpha() or _is_inside_word(text, end)):
            end += 1
        return Token("word", text[start:end], start, end)
    length = 2 if text[start : start + 2] in _SIGNS else 1
    return Token("sign", text[start : start + length], start, start + length)


def _is_inside_word(text: str, place: int) -> bool:
    return text[place] in "&'\u2019" and place + 1 < len(text) and text[place + 1].isalpha()


def _end_of_number(text: str, start: int) -> int:
    end = start + 1
    while end < len(text) and (text[end].isdigit() or (text[end] in ".," and text[end + 1 : end + 2].isdigit())):
        end += 1
    exponent = re.compile(r"[eE][+-]?\d{1,3}(?![\w])").match(text, end)
    return exponent.end() if exponent else end
