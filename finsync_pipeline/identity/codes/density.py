"""Whether a list can bear that typing errors are repaired: how many codes of other companies lie near to its codes.

Where companies that are listed lie near to each other, companies that are not listed lie near to listed ones as well,
and a mistyped code is soon another company's. Some codes of the list, spread evenly over it, are compared with the
others; what is expected to go wrong of each method follows from the counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from finsync_pipeline.identity.codes.blocking import LOOK_ALIKE, near_pairs, pairs_of_each
from finsync_pipeline.identity.codes.normalization import Places, take
from finsync_pipeline.identity.codes.schemes import Scheme
from finsync_pipeline.identity.results import Companies, Method

#: The methods of repair by the edits that they read: look-alikes only, one, two.
REPAIRS = (Method.LOOK_ALIKE, Method.ONE_EDIT, Method.TWO_EDITS)
#: A method of repair is used where it is expected to be right this often.
FLOOR = 0.999

#: So many codes are compared with all others within two edits; in lists of so many with all others within four.
_PROBES, _SHORT_LIST = 1_600, 2_000
#: Each edit more leads to many times as many codes: at most a tenth of those within four edits are within two.
_WITHIN_TWO_OF_FOUR = 0.1
#: Where codes have more others within reach than this on average, they are not searched.
_MOST_NEIGHBOURS = 10.0

#: For each text that is rightly read by one edit there are so many that belong to an unlisted company or have two
#: edits, any of which may be within one edit of another code; for two edits there are more, since fewer are right.
_DOUBTFUL_FOR_ONE, _DOUBTFUL_FOR_TWO = 0.4, 1.2
#: Check digits keep the codes of unlisted companies out that are not mistyped: so many of the doubtful are left.
_LEFT_BY_CHECK_DIGITS = 0.25
#: Of all that is looked up so many texts are mistyped, and of those with look-alike characters about as many again.
_MISTYPED, _MISTYPED_LOOK_ALIKES = 0.1, 1.0
#: What is expected at most where a list is too short to show it: of look-alikes, and of one edit of a sparse scheme.
_UNPROVEN = 0.9995


@dataclass(frozen=True)
class Density:
    """What a list can bear.

    `reach`: so many edits (0 to 2) are searched. `exact`: the expected precision of texts that are listed codes: the
    rest are codes mistyped into them. `repairs`: that of each method of repair; nan where it is too low to be used.
    """

    reach: int
    exact: float
    repairs: dict[Method, float]


def measure_density(keys: pa.Array, cuts: dict[int, int], companies: Companies, scheme: Scheme) -> Density:
    """What the list of these keys (see `blocking`) of a scheme, with the company of each, can bear."""
    if len(keys) == 0:
        return Density(0, 1.0, dict.fromkeys(REPAIRS, np.nan))
    (alike, one, two), most_one, most_two = _count_neighbours(keys, cuts, companies)
    mistaken = min(one / _possible_edits(keys), 1.0)
    left = _LEFT_BY_CHECK_DIGITS if scheme.has_check_digits else 1.0
    of_one = 1 - _DOUBTFUL_FOR_ONE * left * (one if scheme.is_sparse else most_one)
    expected = (
        min(1 - _MISTYPED_LOOK_ALIKES * mistaken - alike, _UNPROVEN),
        min(of_one, _UNPROVEN) if scheme.is_sparse else of_one,
        1 - _DOUBTFUL_FOR_TWO * left * most_two,
    )
    repairs = {method: share if share >= FLOOR else np.nan for method, share in zip(REPAIRS, expected, strict=True)}
    exact = (1 - _MISTYPED) / (1 - _MISTYPED + _MISTYPED * mistaken)
    return Density(sum(count <= _MOST_NEIGHBOURS for count in (one, two)), exact, repairs)


def _count_neighbours(
    keys: pa.Array, cuts: dict[int, int], companies: Companies
) -> tuple[tuple[float, float, float], float, float]:
    """Codes of other companies that a code has on average: that look alike, within one edit, and within two.

    And the most that there may be within one and two, for all that is seen.
    """
    places, is_short = _spread(keys), len(keys) <= _SHORT_LIST
    probes = take(keys, places)
    pairs = pairs_of_each(probes, keys, edits=4) if is_short else near_pairs(probes, keys, cuts, edits=2)
    pairs = pairs[companies[places[pairs["text"]]] != companies[pairs["key"]]]
    is_alike, edits, unseen = pairs["cost"] == LOOK_ALIKE * pairs["edits"], pairs["edits"], 1 / len(places)
    alike, one, two, four = (int(each.sum()) * unseen for each in (is_alike, edits <= 1, edits <= 2, edits <= 4))
    most_two = max(two, min(two + unseen, _WITHIN_TWO_OF_FOUR * (four + unseen))) if is_short else two + unseen
    return (alike, one, two), max(one, min(one + unseen, most_two)), most_two


def _possible_edits(keys: pa.Array) -> float:
    """In how many ways a code of the list can be mistyped by one edit, with the characters that the list has."""
    codes = take(keys, _spread(keys)).to_pylist()
    length, characters = float(np.mean([len(code) for code in codes])), len(set("".join(codes)))
    return length * (characters - 1) + (length + 1) * characters + 2 * length - 1


def _spread(keys: pa.Array) -> Places:
    return np.unique(np.linspace(0, len(keys) - 1, min(_PROBES, len(keys))).round().astype(np.int64))
