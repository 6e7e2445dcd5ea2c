"""Whether a list can bear that typing errors are repaired: how many codes of other companies lie near to its codes.

Where companies that are listed lie near to each other, companies that are not listed lie near to listed ones as well,
and a mistyped code is soon another company's. Some codes of the list, spread evenly over it, are compared with the
others; what is expected to go wrong of each method follows from the counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from finsync_pipeline.identity.codes.blocking import LOOK_ALIKE, near_pairs
from finsync_pipeline.identity.codes.normalization import Places
from finsync_pipeline.identity.codes.schemes import CHECK_DIGITS, Scheme
from finsync_pipeline.identity.results import Companies, Method

#: The methods of repair by the edits that they read: look-alikes only, one, two.
REPAIRS = (Method.LOOK_ALIKE, Method.ONE_EDIT, Method.TWO_EDITS)
#: A method of repair is used where it is expected to be right this often.
FLOOR = 0.999

#: Codes that are compared with all others; fewer where others within four edits are as many as this; those others.
_PROBES, _FEW_PROBES, _CROWDED, _AMONG = 1_600, 100, 1_000.0, 2_000
#: Each edit more leads to many times as many codes: at most a tenth of those within four edits are within two.
_WITHIN_TWO_OF_FOUR = 0.1
#: Where codes have more others within reach than this on average, they are not searched.
_MOST_NEIGHBOURS = 10.0

#: Texts of unlisted companies or with more edits, for each that is rightly read by one edit: any of them may be
#: within one edit of another code. For two edits there are more, since fewer are right.
_DOUBTFUL_FOR_ONE, _DOUBTFUL_FOR_TWO = 0.4, 1.2
#: Check digits keep the codes of unlisted companies out that are not mistyped: the share of the doubtful that is left.
_LEFT_BY_CHECK_DIGITS = 0.05
#: The share of mistyped texts among all, and how many times it among those with look-alike characters.
_MISTYPED, _MISTYPED_LOOK_ALIKES = 0.1, 1.0
#: What is expected at most where a list is too short to show it: of look-alikes, and of one edit of a sparse scheme.
_UNPROVEN = 0.9995


@dataclass(frozen=True)
class Density:
    """What a list can bear.

    `reach`: the edits (0 to 2) that are searched. `exact`: the expected precision of texts that are listed codes: the
    rest are codes mistyped into them. `repairs`: that of each method of repair; nan where it is too low to be used.
    """

    reach: int
    exact: float
    repairs: dict[Method, float]


def measure_density(keys: pa.Array, cuts: dict[int, int], companies: Companies, scheme: Scheme) -> Density:
    """What the list of these keys (see `blocking`) of a scheme, with the company of each, can bear."""
    if len(keys) == 0:
        return Density(0, 1.0, dict.fromkeys(REPAIRS, np.nan))
    alike, one, two, _, all_one, all_two, within_four, unseen = _count_neighbours(keys, cuts, companies)
    most_two = max(two, min(two + unseen, _WITHIN_TWO_OF_FOUR * within_four))
    most_one = one if scheme.is_sparse else max(one, min(one + unseen, most_two))
    left, possible = _LEFT_BY_CHECK_DIGITS if scheme.name in CHECK_DIGITS else 1.0, _possible_edits(keys)
    mistaken = min(all_one / possible, 1.0)  # the chance that an edit makes another's code of it
    astray = 2 * all_two / possible  # and that it leads to within one edit of another's
    expected = {
        Method.LOOK_ALIKE: min(1 - _MISTYPED_LOOK_ALIKES * mistaken - alike, _UNPROVEN),
        Method.ONE_EDIT: min(1 - _DOUBTFUL_FOR_ONE * (left * most_one + astray), _UNPROVEN if scheme.is_sparse else 1),
        Method.TWO_EDITS: 1 - _DOUBTFUL_FOR_TWO * left * most_two,
    }
    repairs = {method: share if share >= FLOOR else np.nan for method, share in expected.items()}
    exact = (1 - _MISTYPED) / (1 - _MISTYPED + _MISTYPED * mistaken)
    return Density(sum(count <= _MOST_NEIGHBOURS for count in (all_one, all_two)), exact, repairs)


def _count_neighbours(keys: pa.Array, cuts: dict[int, int], companies: Companies) -> tuple[float, ...]:
    """The share of codes that another company's looks like, is within one edit of, within two; how many such others.

    Then how many others are within four edits, if there is one more than is seen, and the share that one code is.
    """
    places, among = _spread(keys, _PROBES), _spread(keys, _AMONG)
    sides = keys.take(places).to_pylist(), keys.take(among).to_pylist()
    distances = cdist(*sides, scorer=OSA.distance, score_cutoff=4, dtype=np.uint8, workers=1)
    count = int(((distances <= 4) & (companies[places][:, None] != companies[among])).sum())
    within_four = (count + 1) / len(places) * len(keys) / len(among)
    places = places[:: _PROBES // _FEW_PROBES] if within_four > _CROWDED else places
    pairs = near_pairs(keys.take(places), keys, cuts, edits=2)
    pairs = pairs[companies[places[pairs["text"]]] != companies[pairs["key"]]]
    edits = pairs["edits"]
    kinds = [pairs["text"][kind] for kind in (pairs["cost"] == LOOK_ALIKE * edits, edits <= 1, edits <= 2)]
    shares, counts = ([count(kind) / len(places) for kind in kinds] for count in (pd.Series.nunique, len))
    return *shares, *counts, within_four, 1 / len(places)


def _possible_edits(keys: pa.Array) -> float:
    """In how many ways a code of the list can be mistyped by one edit, with the characters that the list has."""
    codes = keys.take(_spread(keys, _PROBES)).to_pylist()
    length, characters = float(np.mean([len(code) for code in codes])), len(set("".join(codes)))
    return length * (characters - 1) + (length + 1) * characters + 2 * length - 1


def _spread(keys: pa.Array, most: int) -> Places:
    return np.unique(np.linspace(0, len(keys) - 1, min(most, len(keys))).round().astype(np.int64))
