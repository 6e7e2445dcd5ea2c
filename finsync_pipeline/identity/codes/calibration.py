"""Which repairs can be trusted on this list, found out on the list itself.

Mistakes are made in codes of the list (`noise`), and each result is judged twice. With its company listed: is
it the company that is accepted? With all codes of that company left out: whatever is accepted now is wrong.
A class of repairs is allowed where the share of right ones reaches the floors, if one text in ten belongs to no
listed company. Because companies that are not listed may be nearer to listed ones than those to each other,
each company of the list counts as one trial only: a short list proves little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Flags, Ints
from finsync_pipeline.identity.codes.certain import promised_by_form
from finsync_pipeline.identity.codes.check_digits import right_check_digits
from finsync_pipeline.identity.codes.classes import CLASSES, classes_of, groups_of_classes, is_safe_unseen
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.listed import LONGEST_SEARCHED, Companies, Listed, comparable
from finsync_pipeline.identity.codes.nearest import Candidates, Nearest, candidates_for, nearest
from finsync_pipeline.identity.codes.noise import SEED, mistaken, sample_of

#: All repairs together reach this share of right ones, each class of them `CLASS_FLOOR`.
PRECISION_FLOOR, CLASS_FLOOR = 0.9995, 0.998
#: A class seen less often proves nothing; one seen seldom is thought to be like its group, by so many observations.
FEWEST_OBSERVATIONS, BORROWED = 30, 20
#: This share of all texts is taken to belong to no listed company.
UNLISTED_SHARE = 0.1
_ODDS = UNLISTED_SHARE / (1 - UNLISTED_SHARE)
#: The best company must be cheaper than every other one by so much, in hundredths.
MARGIN = 25
#: Codes this short are not repaired by two edits.
SHORTEST_REPAIRED_TWICE = 7
#: Where typing errors have more neighbours than this on average, nothing is searched.
MOST_NEIGHBOURS = 10.0
_PROBE = 400


@dataclass(frozen=True)
class Calibration:
    """How far is searched (0 to 2 edits); for each of `CLASSES` whether it is allowed and the promised precision.

    `forms` holds the promised precision of a text that is a listed code in one of `FORMS`: the rest are codes
    mistyped into others. It is nan where the list has too many companies that only that form does not tell apart.
    """

    edits: int
    allowed: Flags
    precision: npt.NDArray[np.float64]
    forms: dict[str, float]


@dataclass(frozen=True)
class Variants:
    """Codes with mistakes in them, as texts to search, and the company that each was made of."""

    texts: Strings
    companies: Companies

    def first(self, count: int) -> Variants:
        """The first so many."""
        return Variants(Strings.of(self.texts.matrix[:count], self.texts.lengths[:count]), self.companies[:count])


def calibrate(listed: Listed) -> Calibration:
    """Find out how far to search and which classes of repair to allow. Always the same for the same list."""
    if not listed.scheme.is_repaired or len(listed.keys) == 0:
        nothing = np.zeros(len(CLASSES), dtype=np.bool_)
        return Calibration(0, nothing, np.full(len(CLASSES), np.nan), promised_by_form(listed))
    variants = _variants(listed)
    edits = _depth(variants.first(_PROBE), listed)
    found = candidates_for(variants.texts, listed, edits)
    own = found.companies == variants.companies[found.texts]
    is_code = _is_code(found, len(variants.texts))
    gated = gate(variants.texts, listed)
    with_it = nearest(found, len(variants.texts))
    without = nearest(found.where(~own), len(variants.texts))
    open_with = ~gated & ~is_code
    right, wrong = _judge(with_it, variants, listed, open_with)
    _, unlisted_wrong = _judge(without, variants, listed, ~gated & (without.cost > 0))
    allowed, precision = _verdict(right, wrong, unlisted_wrong, listed)
    return Calibration(edits, allowed, precision, promised_by_form(listed))


def gate(texts: Strings, listed: Listed) -> Flags:
    """Texts that are codes with right check digits. Where they are not listed, they are other companies'."""
    check = listed.scheme.check
    if check is None:
        return np.zeros(len(texts), dtype=np.bool_)
    return right_check_digits(texts.matrix, texts.lengths, check)


def is_clear(best: Nearest, texts: Strings, listed: Listed) -> Flags:
    """Whether the nearest company stands out, by a code long enough for that many edits."""
    clear: Flags = (best.company >= 0) & (best.rival_cost.astype(np.int64) - best.cost >= MARGIN)
    found = np.flatnonzero(clear)
    shorter = np.minimum(texts.lengths[found], listed.keys.lengths[best.key[found]])
    alike = best.edits[found] > 2
    clear[found] = (best.edits[found] < 2) | alike | (shorter >= SHORTEST_REPAIRED_TWICE)
    return clear


def _variants(listed: Listed) -> Variants:
    rows = sample_of(len(listed.keys))
    lengths = listed.keys.lengths[rows].tolist()
    codes = [bytes(row[:length]).decode() for row, length in zip(listed.keys.matrix[rows], lengths, strict=True)]
    texts, kept = comparable(pa.array(mistaken(codes, SEED), pa.large_string()), LONGEST_SEARCHED)
    return Variants(texts, listed.companies[listed.rows[rows[kept]]])


def _depth(variants: Variants, listed: Listed) -> int:
    """The most edits at which typing errors have few enough neighbours."""
    for edits in (1, 2):
        found = candidates_for(variants.texts, listed, edits)
        if len(found.texts) > MOST_NEIGHBOURS * len(variants.texts):
            return edits - 1
    return 2


def _is_code(found: Candidates, texts: int) -> Flags:
    is_code = np.zeros(texts, dtype=np.bool_)
    is_code[found.texts[found.costs == 0]] = True
    return is_code


def _judge(best: Nearest, variants: Variants, listed: Listed, judged: Flags) -> tuple[Ints, Ints]:
    """Right and wrong repairs in each class, if all classes were allowed."""
    classes = classes_of(best, variants.texts, listed.keys)
    accepted = judged & is_clear(best, variants.texts, listed)
    right = best.company == variants.companies
    return (
        np.bincount(classes[accepted & right], minlength=len(CLASSES)),
        np.bincount(classes[accepted & ~right], minlength=len(CLASSES)),
    )


def _verdict(right: Ints, wrong: Ints, unlisted_wrong: Ints, listed: Listed) -> tuple[Flags, npt.NDArray[np.float64]]:
    """The classes that are allowed, and the precision that each promises: one mistake more than was seen."""
    companies = pc.count_distinct(pa.array(listed.companies)).as_py()
    unseen = np.where(is_safe_unseen(listed.scheme.is_sparse), 0.0, _ODDS * right / companies)
    mistakes = wrong + _ODDS * unlisted_wrong + unseen
    with np.errstate(invalid="ignore"):
        share = right / (right + mistakes + BORROWED * _mistakes_of_group(right, mistakes))
        precision = right / (right + mistakes + 1)
    allowed = (share >= CLASS_FLOOR) & (right + wrong >= FEWEST_OBSERVATIONS)
    best_first = np.flatnonzero(allowed)[np.argsort(-share[allowed], kind="stable")]
    so_far = np.cumsum(right[best_first]) / np.cumsum((right + mistakes)[best_first])
    allowed[best_first[so_far < PRECISION_FLOOR]] = False
    return allowed, np.where(right > 0, precision, np.nan)


def _mistakes_of_group(right: Ints, mistakes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For each class the share of mistakes in all classes of its group: look-alikes, one edit, two edits."""
    groups = groups_of_classes()
    all_right = np.bincount(groups, weights=right)
    all_mistakes = np.bincount(groups, weights=mistakes)
    return np.asarray((all_mistakes / np.maximum(all_right + all_mistakes, 1))[groups])
