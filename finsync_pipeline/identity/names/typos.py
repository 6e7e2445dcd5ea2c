"""Listed names of which a source's name has one word mistyped: a slip, or rather another word?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio
from rapidfuzz.process import cdist

from finsync_pipeline.identity.names.name_index import NameIndex, NameRecord, forms_agree
from finsync_pipeline.identity.names.normal_form import NameForms
from finsync_pipeline.identity.names.words import ROMAN_NUMERALS
from finsync_pipeline.identity.results import Match, Method

#: The share of right decisions to expect.
PRECISION_OF_TYPO = 0.995
#: Two edits (insert, delete, replace, transpose) at most in a mistyped word.
_MOST_EDITS = 2
#: Its letters at least, for one edit and for two: if it is the whole name, beside one other word, beside several.
_SHORTEST = ((8, 10), (5, 8), (4, 7))
#: Letters at least of it and of the words that are this company's alone, beside one other word.
_SHORTEST_TELLING = 7
#: The first letter is hardly ever mistyped: letters at least if it is.
_SHORTEST_OF_OTHER_LETTER = 5


def find_mistyped(forms: NameForms, day: date, index: NameIndex) -> list[Match]:
    """The names that have one word otherwise, by few edits, which is in nobody else's name."""
    found: dict[NameRecord, Match] = {}
    for wrong, others in forms.without_each_word():
        places = index.rest.numbers_of(others)
        rights = [index.rest_words[place] for place in places]
        edits = cdist([wrong], rights, scorer=OSA.distance, score_cutoff=_MOST_EDITS, dtype=np.int32)[0]
        for at in np.flatnonzero((edits > 0) & (edits <= _MOST_EDITS)):
            for record in index.in_force([index.rest_records[places[at]]], day):
                if record not in found and _differs_by(forms, record, wrong) and forms_agree(forms, record, index):
                    match = _typo(forms, record, (wrong, rights[at]), int(edits[at]), index)
                    found |= {record: match} if match else {}
    return list(found.values())


def is_numeral(word: str) -> bool:
    """Whether a word is a number, or a letter that may be one."""
    return len(word) == 1 or not word.isalpha() or word in ROMAN_NUMERALS


def _differs_by(forms: NameForms, record: NameRecord, wrong: str) -> bool:
    """Whether this is the only word that is otherwise, at its place."""
    listed = record.forms.core
    differing = [said for said, right in zip(forms.core, listed, strict=False) if said != right]
    return len(listed) == len(forms.core) and differing == [wrong]


def _typo(forms: NameForms, record: NameRecord, words: tuple[str, str], edits: int, index: NameIndex) -> Match | None:
    wrong, right = words
    rest = [word for word in record.forms.core if word != right]
    if _is_another_word(words, edits, rest, record.company, index):
        return None
    score = round(ratio(" ".join(forms.core), " ".join(record.forms.core)), 4)
    return Match(record.company, Method.TYPO, f"{wrong!r} read as {right!r}", score, PRECISION_OF_TYPO)


def _is_another_word(words: tuple[str, str], edits: int, rest: Sequence[str], company: int, index: NameIndex) -> bool:
    """Whether the first word is rather another one: a number, of other names, or too short for the edits."""
    wrong, right = words
    shorter = min(len(wrong), len(right))
    if is_numeral(wrong) or is_numeral(right) or index.is_word_of_others(wrong):
        return True
    if wrong[0] != right[0] and (edits > 1 or not rest or shorter < _SHORTEST_OF_OTHER_LETTER):
        return True
    if shorter < _SHORTEST[min(len(rest), 2)][edits - 1]:
        return True
    letters = len(right) + sum(len(word) for word in rest if not index.is_word_of_others(word, company))
    return len(rest) == 1 and letters < _SHORTEST_TELLING
