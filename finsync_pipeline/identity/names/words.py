"""The general vocabulary of company names beside legal forms: abbreviations, and words that add nothing to a name.

No company is named here. Words stand as they are once case, accents and punctuation are gone; in the tables other than
`ABBREVIATIONS`, once abbreviations are spelled out too (`inc`, `corp`, `co` and `ltd` stay short).
"""

from __future__ import annotations

import csv
from importlib.resources import files


def _read_abbreviations() -> dict[str, str]:
    with (files(__package__) / "abbreviations.csv").open(encoding="utf-8") as file:
        return {short: row["word"] for row in csv.DictReader(file) for short in row["abbreviations"].split("|")}


#: Abbreviations, and variants of number and spelling, to the word that they mean in a company's name.
ABBREVIATIONS = _read_abbreviations()

#: Words at the end of a listed name that a source may leave out, if it writes nothing else in their place.
OMITTED_TAILS = frozenset({"group", "holdings", "companies", "com"})

#: General words that a name of one own word may be called without: `Cisco` for `Cisco Systems`.
_GENERAL = """
brands chemical communications electronics energy enterprises entertainment financial foods general global
healthcare industries insurance international laboratories motor pharmaceuticals products research resources
semiconductor service software solutions stores systems technologies technology therapeutics wholesale worldwide
"""
GENERAL_WORDS = OMITTED_TAILS | frozenset(_GENERAL.split())

#: Words that initials leave out.
SMALL_WORDS = frozenset({"of", "the", "&", "for", "de", "la", "in"})

#: Letters that Unicode does not take apart into a letter and an accent.
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"})  # noqa: RUF001

#: Roman numerals as they stand in names of funds and series ("I" and "V" are single letters anyway).
ROMAN_NUMERALS = frozenset({"ii", "iii", "iv", "vi", "vii", "viii", "ix", "xi", "xii", "xiii", "xiv", "xv"})
