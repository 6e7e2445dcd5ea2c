"""The listed names that a spelling resembles, and whether the difference can be a slip of the keyboard.

Precision does not come from the distance between two strings but from what differs: a number, an initial, a
short word or a word that other companies bear makes another company; one unknown long word makes a typo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio
from rapidfuzz.process import cdist

from finsync_pipeline.identity.index import Claim, ListedNames, contradict
from finsync_pipeline.identity.normalise import NameForms, normalise_name
from finsync_pipeline.identity.words import ROMAN_NUMERALS

#: Below this similarity (0 to 100) a name is not even suggested.
SUGGESTION_FLOOR = 60.0
#: A spelling is accepted from this similarity on ...
ACCEPTANCE_FLOOR = 88.0
#: ... if the best name of every other company is at least so much less similar.
ACCEPTANCE_MARGIN = 5.0
#: Words shorter than this are never repaired; from the second length on, two edits may be.
SHORTEST_REPAIRED, SHORTEST_REPAIRED_TWICE = 5, 9
#: Never repaired: a name whose meant word and words of no other company have fewer letters together.
SHORTEST_TELLING_WORDS = 8

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Likeness:
    """A company's most similar name: `score` 0 to 100, and whether the difference can be a slip."""

    company_id: str
    score: float
    is_slip: bool


def similar_companies(
    questions: Sequence[tuple[NameForms, date]], listed: ListedNames
) -> Iterator[tuple[Likeness | None, Likeness | None]]:
    """For each name and day the two most similar companies, the better first; null where none is similar."""
    cores = list(listed.cores)
    for start in range(0, len(questions), _CHUNK):
        chunk = questions[start : start + _CHUNK]
        scores = cdist(
            [" ".join(forms.core) for forms, _ in chunk],
            cores,
            scorer=ratio,
            score_cutoff=SUGGESTION_FLOOR,
            dtype=np.float64,
        )
        for (forms, day), row in zip(chunk, scores, strict=True):
            found = [(float(row[i]), cores[i]) for i in np.flatnonzero(row)]
            found.sort(key=lambda pair: (-pair[0], pair[1]))
            yield _best_two(forms, day, found, listed)


def is_accepted(best: Likeness | None, runner_up: Likeness | None) -> bool:
    """Whether the best company is similar enough, and stands out enough, to be meant."""
    if best is None or not best.is_slip or best.score < ACCEPTANCE_FLOOR:
        return False
    return runner_up is None or best.score - runner_up.score >= ACCEPTANCE_MARGIN


def _best_two(
    forms: NameForms, day: date, found: Sequence[tuple[float, str]], listed: ListedNames
) -> tuple[Likeness | None, Likeness | None]:
    best: dict[str, Likeness] = {}
    last_score = 0.0
    for score, core in found:
        if len(best) >= 2 and score < last_score:
            break
        for claim in listed.cores[core]:
            if not claim.is_in_force(day):
                continue
            known = best.get(claim.company_id)
            if known is None or (known.score == score and not known.is_slip):
                best[claim.company_id] = Likeness(claim.company_id, score, _is_slip(forms, claim, listed))
        last_score = score
    ranked = sorted(best.values(), key=lambda likeness: (-likeness.score, likeness.company_id))[:2]
    first, second, *_ = [*ranked, None, None]
    return first, second


def _is_slip(forms: NameForms, claim: Claim, listed: ListedNames) -> bool:
    """Whether the spelling can be the claimed name with one word of it mistyped."""
    name = normalise_name(claim.text)
    if contradict(forms, name):
        return False
    mistyped = list((Counter(forms.core) - Counter(name.core)).elements())
    meant = list((Counter(name.core) - Counter(forms.core)).elements())
    if len(mistyped) != 1 or len(meant) != 1:
        return False
    wrong, right = mistyped[0], meant[0]
    telling = {right, *(word for word in name.core if not listed.is_word_of_others(word, claim.company_id))}
    if sum(map(len, telling)) < SHORTEST_TELLING_WORDS:
        return False
    if any(not word.isalpha() or word in ROMAN_NUMERALS for word in (wrong, right)):
        return False
    if wrong[0] != right[0] or listed.is_word_of_others(wrong, claim.company_id):
        return False
    shorter = min(len(wrong), len(right))
    edits = 2 if shorter >= SHORTEST_REPAIRED_TWICE else 1 if shorter >= SHORTEST_REPAIRED else 0
    return int(OSA.distance(wrong, right)) <= edits
