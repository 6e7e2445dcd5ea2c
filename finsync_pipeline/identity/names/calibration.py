"""How far each class of likeness can be trusted in this very list: tried with the list's own names.

Listed names are varied as sources vary them, and looked for twice: in the list, where the right answer is known, and
in the list without their company, where every answer is wrong. What a class is right in, is its precision:

    precision = right / (right + wrong + 1)

with `UNLISTED` of the names taken for those of companies that are not listed. A class that too few names fell into
counts with its more general one: `typo/1/7-8/same` with `typo/1/7-8`, and so on.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property

from finsync_pipeline.identity.names.candidates import ANOTHER_WORD, Candidate, candidates
from finsync_pipeline.identity.names.decoys import known_names
from finsync_pipeline.identity.names.forms import normalise_name
from finsync_pipeline.identity.names.index import WHOLE_FORMS, Claim, NameIndex
from finsync_pipeline.identity.names.noise import varied

#: The share of spellings that are taken to be of companies that are not listed.
UNLISTED = 0.1
#: So many names are tried; of a shorter list each several times.
TRIED, TIMES_EACH = 20_000, 24
#: A name that more companies share tells none of them, and is not tried.
MOST_OF_ONE_NAME = 50
#: A list of so many names is judged by them alone.
ENOUGH = 300
#: What is promised of a class before any trial, and for how many names the more general class counts.
UNTRIED, WEIGHT_OF_GENERAL = 0.9, 5.0
#: Classes are accepted from the first precision on; and more, the surest first, as long as all that is accepted has
#: the second together, but none that has less than the third.
SURE, TOGETHER, FLOOR = 0.99, 0.9985, 0.96
#: Accepted whatever the trial says: nothing is guessed in them, and their precision says how often names recur.
CERTAIN = (
    *("literal", "light", "core/same", "core/none", "core/partly"),
    *("core/missing/1/own", "core/missing/2", "core/missing/3+"),
)


@dataclass(frozen=True)
class Calibration:
    """Right and wrong answers of each class and of its more general ones, in names (wrong ones weighed)."""

    right: dict[str, float]
    wrong: dict[str, float]

    def precision(self, trust_class: str) -> float:
        """The precision that is promised of a class."""
        promised = UNTRIED
        parts = trust_class.split("/")
        for length in range(1, len(parts) + 1):
            name = "/".join(parts[:length])
            right, wrong = self.right.get(name, 0.0), self.wrong.get(name, 0.0)
            promised = (right + promised * WEIGHT_OF_GENERAL) / (right + wrong + WEIGHT_OF_GENERAL)
        return promised

    def accepts(self, trust_class: str) -> bool:
        """Whether an answer of this class is precise enough to be taken."""
        if trust_class == ANOTHER_WORD:
            return False
        return trust_class.startswith(CERTAIN) or self.precision(trust_class) >= self.least

    @cached_property
    def least(self) -> float:
        """The precision from which on a class is accepted: that of the last one in which all together suffice."""
        classes = [name for name in self.right.keys() | self.wrong.keys() if self._is_whole(name)]
        ranked = sorted(((self.precision(name), name) for name in classes), reverse=True)
        right, wrong = 0.0, 0.0
        least = SURE
        for precision, name in ranked:
            tried = self.right.get(name, 0.0) + self.wrong.get(name, 0.0)
            right, wrong = right + tried * precision, wrong + tried * (1 - precision)
            if precision < FLOOR or right < TOGETHER * (right + wrong):
                break
            least = min(least, precision)
        return least

    def _is_whole(self, name: str) -> bool:
        """Whether the class has no more particular ones."""
        return name not in self._general

    @cached_property
    def _general(self) -> frozenset[str]:
        return frozenset(name.rpartition("/")[0] for name in self.right.keys() | self.wrong.keys())


def calibrate(names: NameIndex, listed: int) -> Calibration:
    """Try the list with the names of its `listed` companies; beside a short list known names are tried too."""
    own = [claim for claim in names.claims if claim.company < listed]
    counted = _try(own, names)
    if len(own) >= ENOUGH:
        return counted
    known = _known_tried()
    return Calibration(_sum(counted.right, known.right), _sum(counted.wrong, known.wrong))


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in sorted(one.keys() | other.keys())}


@cache
def _known_tried() -> Calibration:
    """The known names tried, as lists write them: each with one of the usual endings."""
    claims = [Claim(number, name + _ENDINGS[number % len(_ENDINGS)]) for number, name in enumerate(known_names())]
    return _try(claims, NameIndex.of(claims))


def _try(claims: Sequence[Claim], names: NameIndex) -> Calibration:
    chance = random.Random(20_090_930)  # noqa: S311 - the same trial each time
    right: defaultdict[str, float] = defaultdict(float)
    wrong: defaultdict[str, float] = defaultdict(float)
    for claim in _tried(claims, chance):
        if len(names.whole["joined"].numbers_of(claim.forms.joined)) > MOST_OF_ONE_NAME:
            continue
        forms = normalise_name(varied(claim.text, chance))
        day = (claim.valid_from or claim.valid_to or _ANY_DAY).toordinal()
        answer = _only(candidates(forms, day, names))
        if answer is not None and answer.kind in WHOLE_FORMS and answer.claim.company != claim.company:
            continue  # varied into another company's very name: nobody could tell
        _count(answer, claim.company, 1 - UNLISTED, right, wrong)
        _count(_only(candidates(forms, day, names, claim.company)), claim.company, UNLISTED, right, wrong)
    return Calibration(dict(right), dict(wrong))


_ENDINGS = (" Inc", " Corp", " plc", "", " Ltd", " Group Inc", " Holdings Inc", " Companies Inc")
_ANY_DAY = date(2000, 1, 1)


def _tried(claims: Sequence[Claim], chance: random.Random) -> Sequence[Claim]:
    if len(claims) > TRIED:
        return chance.sample(claims, TRIED)
    return [*claims] * min(TIMES_EACH, TRIED // max(len(claims), 1))


def _only(found: Iterator[tuple[str, list[Candidate]]]) -> Candidate | None:
    """The answer, if the surest kind has only one company in it."""
    _, first = next(found, ("", []))
    return first[0] if len({candidate.claim.company for candidate in first}) == 1 else None


def _count(
    answer: Candidate | None, company: int, weight: float, right: dict[str, float], wrong: dict[str, float]
) -> None:
    if answer is None:
        return
    counted = right if answer.claim.company == company else wrong
    parts = answer.trust_class.split("/")
    for length in range(1, len(parts) + 1):
        counted["/".join(parts[:length])] += weight
