"""Whether a list can bear that typing errors are repaired: how many codes of other companies lie near to its codes.

Where companies that are listed lie near to each other, companies that are not listed lie near to listed ones as well,
and a mistyped code is soon another company's. Some codes of the list, spread evenly over it, are compared with the
others; what is expected to go wrong of each method follows from the counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from finsync_pipeline.identity.codes.blocking import Keys, Places, near_pairs, pairs_of_each
from finsync_pipeline.identity.codes.normalization import take
from finsync_pipeline.identity.codes.schemes import Scheme
from finsync_pipeline.identity.results import Companies, Method

#: A method of repair is used where it is expected to be right this often.
FLOOR = 0.999
#: The methods of repair by the edits that they read: look-alikes only, one, two.
REPAIRS = (Method.LOOK_ALIKE, Method.ONE_EDIT, Method.TWO_EDITS)
#: A form in which so many codes are other companies' too, or are mistyped into each other, accepts nothing.
FORM_FLOOR = 0.9995

#: So many codes are asked for others within two edits; so many of them for others within four, among so many.
_PROBES, _FAR_PROBES, _AMONG = 2_000, 400, 20_000
#: Each edit more leads to many times as many codes: at most a tenth of those within four edits are within two.
_WITHIN_TWO_OF_FOUR = 0.1
#: Where codes have more others within reach than this on average, they are not searched.
_MOST_NEIGHBOURS = 10.0
#: Where there are as many within four edits, fewer probes show the same.
_CROWDED = 100.0

#: For each text that is rightly read by one edit there are so many that belong to an unlisted company or have two
#: edits, any of which may be within one edit of another code; for two edits there are more, since fewer are right.
_DOUBTFUL_FOR_ONE, _DOUBTFUL_FOR_TWO = 0.4, 1.2
#: Check digits keep the codes of unlisted companies out that are not mistyped: so many of the doubtful are left.
_LEFT_BY_CHECK_DIGITS = 0.25
#: Of texts with look-alike characters so many are mistyped as well; of all that is looked up, so many are mistyped.
_MISTYPED_LOOK_ALIKES, _MISTYPED = 0.25, 0.1
#: What is expected at most where a list is too short to show it: of look-alikes, and of one edit of a sparse scheme.
_UNPROVEN = 0.9995


@dataclass(frozen=True)
class Density:
    """What a list can bear.

    `reach`: so many edits (0 to 2) are searched. `precision`: the expected share of right decisions by each method of
    repair; nan where it is too low to be used. `mistaken`: the chance that a code with one edit is another's.
    """

    reach: int
    precision: dict[Method, float]
    mistaken: float

    @property
    def exact(self) -> float:
        """The expected precision of a text that is a listed code."""
        return (1 - _MISTYPED) / (1 - _MISTYPED + _MISTYPED * self.mistaken)


@dataclass(frozen=True)
class _Neighbours:
    """Codes of other companies that a code has on average; `alike` differ in look-alike characters only."""

    alike: float
    within_one: float
    within_two: float


def measure_density(keys: Keys, companies: Companies, scheme: Scheme) -> Density:
    """What the list of these keys of a scheme, with the company of each, can bear."""
    if len(keys.texts) == 0:
        return Density(0, dict.fromkeys(REPAIRS, np.nan), 0.0)
    seen, most = _count_neighbours(keys, companies)
    mistaken = min(seen.within_one / _possible_edits(keys.texts), 1.0)
    doubtful = _LEFT_BY_CHECK_DIGITS if scheme.has_check_digits else 1.0
    one, two = _DOUBTFUL_FOR_ONE * doubtful, _DOUBTFUL_FOR_TWO * doubtful
    expected = {
        Method.LOOK_ALIKE: min(1 - _MISTYPED_LOOK_ALIKES * mistaken - seen.alike, _UNPROVEN),
        Method.ONE_EDIT: 1 - one * most.within_one,
        Method.TWO_EDITS: 1 - two * most.within_two,
    }
    if scheme.is_sparse:
        expected[Method.ONE_EDIT] = min(1 - one * seen.within_one, _UNPROVEN)
    reach = sum(count <= _MOST_NEIGHBOURS for count in (seen.within_one, seen.within_two))
    return Density(reach, {m: share if share >= FLOOR else np.nan for m, share in expected.items()}, mistaken)


def _count_neighbours(keys: Keys, companies: Companies) -> tuple[_Neighbours, _Neighbours]:
    """The neighbours that are seen, and the most that there may be for all that is seen."""
    count = len(keys.texts)
    rows, among = _spread(count, _FAR_PROBES), _spread(count, _AMONG)
    pairs = pairs_of_each(take(keys.texts, rows), take(keys.texts, among), edits=4)
    others = pairs.where(companies[rows[pairs.texts]] != companies[among[pairs.keys]])
    probed = len(rows) * len(among) / count
    within_four = (len(others.texts) + 1) / probed
    if within_four < _CROWDED:
        rows, probed = _spread(count, _PROBES), min(_PROBES, count)
        pairs = near_pairs(take(keys.texts, rows), keys, edits=2)
        others = pairs.where(companies[rows[pairs.texts]] != companies[pairs.keys])
    alike, one, two = (float(kind.sum()) / probed for kind in (others.is_alike, others.edits <= 1, others.edits <= 2))
    most_two = max(two, min(two + 1 / probed, _WITHIN_TWO_OF_FOUR * within_four))
    most_one = max(one, min(one + 1 / probed, most_two))
    return _Neighbours(alike, one, two), _Neighbours(alike, most_one, most_two)


def _possible_edits(texts: pa.Array) -> float:
    """In how many ways a code of the list can be mistyped by one edit, with the characters that the list has."""
    codes = take(texts, _spread(len(texts), _PROBES)).to_pylist()
    length, characters = float(np.mean([len(code) for code in codes])), len(set("".join(codes)))
    substituted, inserted = length * (characters - 1), (length + 1) * characters
    return substituted + inserted + length + max(length - 1, 0)


def _spread(count: int, most: int) -> Places:
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))
