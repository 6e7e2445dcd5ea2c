"""Trying a list with its own names: varied as sources vary them, and looked for with and without their company.

With its company the right answer is known; without it every answer is wrong.
What the known names prove is kept in `known_tried.json`; `python -m finsync_pipeline.identity.names` tries them anew,
which is to be done when they or the rules of likeness have changed.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from finsync_pipeline.identity.names.calibration import Calibration
from finsync_pipeline.identity.names.candidates import candidates
from finsync_pipeline.identity.names.decoys import known_names
from finsync_pipeline.identity.names.forms import WHOLE_FORMS, normalise_name
from finsync_pipeline.identity.names.index import Claim, NameIndex
from finsync_pipeline.identity.names.likeness import Candidate
from finsync_pipeline.identity.names.noise import varied

#: The share of spellings that are taken to be of companies that are not listed.
UNLISTED = 0.1
#: So many names are tried; of a shorter list each several times.
TRIED, TIMES_EACH = 20_000, 24
#: A name that more companies share tells none of them, and is not tried.
MOST_OF_ONE_NAME = 50
#: A list of so many names is judged by them alone.
ENOUGH = 300

KNOWN_TRIED = Path(__file__).with_name("known_tried.json")


def calibrate(names: NameIndex, listed: int) -> Calibration:
    """Try the list with the names of its `listed` companies; beside a short list known names are tried too."""
    own = [claim for claim in names.claims if claim.company < listed]
    counted = _try(own, names)
    if len(own) >= ENOUGH:
        return counted
    known = _known()
    return Calibration(_sum(counted.right, known.right), _sum(counted.wrong, known.wrong))


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in sorted(one.keys() | other.keys())}


@cache
def _known() -> Calibration:
    return Calibration(**json.loads(KNOWN_TRIED.read_text(encoding="utf-8")))


def try_known_names() -> Calibration:
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
    return Calibration(_rounded(right), _rounded(wrong))


def _rounded(counts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(counts[name], 6) for name in sorted(counts)}


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
