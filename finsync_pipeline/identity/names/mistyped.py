"""Listed names that a spelling has one word otherwise of, by few edits: a slip, or rather another word?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from finsync_pipeline.identity.names.forms import NameForms
from finsync_pipeline.identity.names.index import Claim, NameIndex
from finsync_pipeline.identity.names.likeness import (
    ANOTHER_WORD,
    Candidate,
    claims_in_force,
    class_of,
    contradict,
    legal_forms_agree,
    telling,
)
from finsync_pipeline.identity.names.slips import is_likely_slip
from finsync_pipeline.identity.names.words import ROMAN_NUMERALS

#: Two edits (insert, delete, replace, transpose) at most in a mistyped word; it has so many letters for one, for two.
MOST_EDITS, SHORTEST_REPAIRED = 2, (4, 7)
#: If it is the whole name, so many: for a likely slip, for any one edit, for two.
SHORTEST_ALONE = (5, 7, 10)
#: Beside one other word, it and the words that are this company's alone have so many, or the slip is a likely one.
SHORTEST_TELLING = 8


def mistyped(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names that have one word otherwise, by few edits, which nobody else's name has."""
    seen: set[int] = set()
    for wrong, others in forms.without_each_word():
        places = names.rest.numbers_of(others)
        if not len(places):
            continue
        rights = [names.rest_words[place] for place in places]
        edits = cdist([wrong], rights, scorer=OSA.distance, score_cutoff=MOST_EDITS, dtype=np.int32)[0]
        for at in np.flatnonzero((edits > 0) & (edits <= MOST_EDITS)):
            number = int(names.rest_claims[places[at]])
            for claim in claims_in_force([number], day, names, without):
                if number in seen or contradict(forms, claim.forms) or not _differs_by(forms, claim.forms, wrong):
                    continue
                seen.add(number)
                yield _as_typo(forms, claim, wrong, rights[at], int(edits[at]), names, without)


def _differs_by(forms: NameForms, listed: NameForms, wrong: str) -> bool:
    return list((Counter(forms.core) - Counter(listed.core)).elements()) == [wrong]


def _as_typo(
    forms: NameForms, claim: Claim, wrong: str, right: str, edits: int, names: NameIndex, without: int | None
) -> Candidate:
    rest = [word for word in claim.forms.core if word != right]
    if _is_another_word(wrong, right, edits, rest, claim, names, without):
        trust = ANOTHER_WORD
    else:
        shorter = min(len(wrong), len(right))
        length = "4" if shorter == 4 else "5-6" if shorter <= 6 else "7-8" if shorter <= 8 else "9+"
        first = "" if wrong[0] == right[0] else "/first letter"
        told = telling(rest, claim, names, without) if rest else "alone"
        trust = class_of(f"typo/{edits}", legal_forms_agree(forms, claim.forms), f"{told}/{length}{first}")
    return Candidate(claim, "typo", trust, f"{wrong!r} read as {right!r}")


def _is_another_word(
    wrong: str, right: str, edits: int, rest: Sequence[str], claim: Claim, names: NameIndex, without: int | None
) -> bool:
    """Whether the word is rather another one: a number, a word of other names, or too short for so many edits."""
    if not (wrong.isalpha() and right.isalpha()) or {wrong, right} & ROMAN_NUMERALS:
        return True
    if names.is_borne_by_others(wrong, () if without is None else (without,)):
        return True
    is_likely = edits == 1 and is_likely_slip(wrong, right)
    if wrong[0] != right[0] and (edits > 1 or not rest):
        return True
    if not rest:
        least = SHORTEST_ALONE[0 if is_likely else edits]
    else:
        least = SHORTEST_REPAIRED[edits - 1]
        but = (claim.company,) if without is None else (claim.company, without)
        letters = len(right) + sum(len(word) for word in rest if not names.is_borne_by_others(word, but))
        if len(rest) == 1 and letters < SHORTEST_TELLING and not is_likely:
            return True
    return min(len(wrong), len(right)) < least
