"""Damage to coded ids, as it happens by hand, by scanners, by spreadsheets and by other systems.

A kind of damage is a function (code, random) -> damaged code; `MIX` says how often each occurs. `plain` is the
benchmark's own idea of a well-written code, by which it tells the damage that leaves another company's id.
"""

import re
import string
import unicodedata
from collections.abc import Callable
from random import Random

#: How often each kind of damage occurs.
MIX = {
    "clean": 0.10,
    "format": 0.15,
    "homoglyph": 0.05,
    "ocr": 0.15,
    "substitution": 0.08,
    "neighbour_key": 0.06,
    "insertion": 0.06,
    "deletion": 0.06,
    "transposition": 0.08,
    "two_edits": 0.08,
    "format_and_edit": 0.08,
    "spreadsheet": 0.03,
    "truncation": 0.02,
    "label": 0.0,  # "LEI: ...": only in mixes of one's own
}

HOMOGLYPHS = dict(zip("ABCEHIKMOPSTXY", "АВСЕНІКМОРЅТХУ", strict=True))  # noqa: RUF001
GREEK = dict(zip("ABEHIKMNOPTXYZ", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖ", strict=True))  # noqa: RUF001
OCR = {"O": "0QD", "0": "OQD", "I": "1L", "1": "IL7", "L": "1I", "S": "5", "5": "S", "B": "8", "8": "B3", "Z": "2"}
OCR |= {"2": "Z", "G": "6C", "6": "G", "Q": "O0", "D": "0O", "T": "7", "7": "T1", "U": "V", "V": "U", "3": "8"}
KEYBOARD = ("1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")

_LATIN = str.maketrans({odd: letter for table in (HOMOGLYPHS, GREEK) for letter, odd in table.items()})
_FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def damage(code: str, kind: str, random: Random) -> str:
    """The code with damage of that kind; another kind is taken where it does not apply to the code."""
    return KINDS[kind](code, random)


def plain(text: str) -> str:
    """Capital letters and digits alone; without zeros in front and `.0` behind where there are only digits."""
    if text.isascii() and text.isalnum():
        bare = text.upper()
    else:
        shown = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
        whole = re.sub(r"(?<=\d)\.0$", "", shown.strip(" \t\r\n'\"="))
        bare = re.sub(r"[^0-9A-Z]", "", whole.upper().translate(_LATIN))
    return (bare.lstrip("0") or "0") if bare.isdigit() else bare


def _format(code: str, random: Random) -> str:
    for _ in range(random.choice((1, 1, 2))):
        code = random.choice(_FORMATS)(code, random)
    return code


def _spread_invisible(code: str, random: Random) -> str:
    at = random.randrange(len(code) + 1)
    return code[:at] + random.choice(_INVISIBLE) + code[at:]


def _group(code: str, random: Random) -> str:
    step, separator = random.choice((2, 3, 4, 5)), random.choice(" -./_\u00a0")
    return separator.join(code[start : start + step] for start in range(0, len(code), step))


def _separator(code: str, random: Random) -> str:
    at = random.randrange(1, len(code)) if len(code) > 1 else 0
    return code[:at] + random.choice(" -./") + code[at:]


def _mixed_case(code: str, random: Random) -> str:
    return "".join(random.choice((letter.lower(), letter)) for letter in code)


def _padded(code: str, random: Random) -> str:
    return code.zfill(random.choice((8, 10, 10))) if code.isdigit() else code.lower()


_FORMATS: tuple[Callable[[str, Random], str], ...] = (
    lambda code, _: code.lower(),
    _mixed_case,
    _padded,
    lambda code, random: random.choice((" ", "  ", "\t", "\u00a0")) + code,
    lambda code, random: code + random.choice((" ", "  ", "\t", "\n", "\r\n")),
    _group,
    _separator,
    lambda code, _: code.translate(_FULL_WIDTH),
    _spread_invisible,
    lambda code, _: "\ufeff" + code,
    lambda code, _: "'" + code,
    lambda code, _: f'"{code}"',
)


def _replace(code: str, table: dict[str, str], number: int, random: Random) -> str | None:
    """That many characters (or fewer) replaced by one of those that the table has for them."""
    places = [at for at, letter in enumerate(code) if letter in table]
    for at in random.sample(places, min(number, len(places))):
        code = code[:at] + random.choice(table[code[at]]) + code[at + 1 :]
    return code if places else None


def _homoglyph(code: str, random: Random) -> str:
    changed = _replace(code, random.choice((HOMOGLYPHS, HOMOGLYPHS, GREEK)), random.choice((1, 1, 2, 3)), random)
    return changed or _full_width_letter(code, random)


def _full_width_letter(code: str, random: Random) -> str:
    at = random.randrange(len(code))
    return code[:at] + code[at].translate(_FULL_WIDTH) + code[at + 1 :]


def _ocr(code: str, random: Random) -> str:
    return _replace(code, OCR, random.choice((1, 1, 2)), random) or _substitution(code, random)


def _letters(code: str) -> str:
    return string.digits if code.isdigit() else string.digits + string.ascii_uppercase


def _substitution(code: str, random: Random) -> str:
    at = random.randrange(len(code))
    return code[:at] + random.choice(_letters(code).replace(code[at], "")) + code[at + 1 :]


def _neighbours() -> dict[str, str]:
    found: dict[str, str] = {}
    for row, letters in enumerate(KEYBOARD):
        for at, letter in enumerate(letters):
            beside = letters[max(0, at - 1) : at] + letters[at + 1 : at + 2]
            above = KEYBOARD[row - 1][at : at + 2] if row else ""
            below = KEYBOARD[row + 1][max(0, at - 1) : at + 1] if row + 1 < len(KEYBOARD) else ""
            found[letter] = beside + above + below
    return found


NEIGHBOURS = _neighbours()


def _neighbour_key(code: str, random: Random) -> str:
    return _replace(code, NEIGHBOURS, 1, random) or _substitution(code, random)


def _insertion(code: str, random: Random) -> str:
    at = random.randrange(len(code) + 1)
    twice = code[at - 1 : at] if random.random() < 0.3 else ""  # a key that was held too long
    return code[:at] + (twice or random.choice(_letters(code))) + code[at:]


def _deletion(code: str, random: Random) -> str:
    at = random.randrange(len(code))
    return (code[:at] + code[at + 1 :]) or code


def _transposition(code: str, random: Random) -> str:
    places = [at for at in range(len(code) - 1) if code[at] != code[at + 1]]
    if not places:
        return _substitution(code, random)
    at = random.choice(places)
    return code[:at] + code[at + 1] + code[at] + code[at + 2 :]


_EDITS = (_substitution, _neighbour_key, _insertion, _deletion, _transposition)


def _edit(code: str, random: Random) -> str:
    return random.choice(_EDITS)(code, random)


def _spreadsheet(code: str, random: Random) -> str:
    """What a spreadsheet makes of it: a number without its zeros, a power of ten, or a text that it quoted."""
    if found := re.fullmatch(r"(\d+)E(\d{1,2})", code):
        digits, exponent = found.groups()
        return f"{float(digits):.2E}".split("E")[0] + f"E+{len(digits) - 1 + int(exponent):02}"
    if code.isdigit():
        shortened = code.lstrip("0") or "0"
        return shortened if shortened != code and random.random() < 0.5 else shortened + ".0"
    if code.startswith("0"):
        return code.lstrip("0")
    return random.choice(('="{}"', "'{}", '"{}"', "{} ")).format(code)


def _truncation(code: str, random: Random) -> str:
    return code[: -min(random.randint(1, 4), len(code) - 1)] if len(code) > 1 else code


def _label(code: str, random: Random) -> str:
    label = "CIK" if code.isdigit() else {20: "LEI", 12: "ISIN", 9: "CUSIP"}.get(len(code), "ID")
    return label + random.choice((" ", ": ", ":", "#", " no. ")) + code


KINDS: dict[str, Callable[[str, Random], str]] = {
    "clean": lambda code, _: code,
    "format": _format,
    "homoglyph": _homoglyph,
    "ocr": _ocr,
    "substitution": _substitution,
    "neighbour_key": _neighbour_key,
    "insertion": _insertion,
    "deletion": _deletion,
    "transposition": _transposition,
    "two_edits": lambda code, random: _edit(_edit(code, random), random),
    "format_and_edit": lambda code, random: _format(_edit(code, random), random),
    "spreadsheet": _spreadsheet,
    "truncation": _truncation,
    "label": _label,
}
