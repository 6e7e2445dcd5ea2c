"""Which repairs can be trusted on this list, found out on the list itself.

Mistakes are made in codes of the list (`noise`), and each result is judged twice. With its company listed: is
it the company that is accepted? With all codes of that company left out: whatever is accepted now is wrong.
A class of repairs is allowed where the share of right ones reaches the floor, if one text in ten belongs to no
listed company. Because companies that are not listed may be nearer to listed ones than those to each other,
each company of the list counts as one trial only: a short list proves little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finsync_pipeline.identity.codes.bytes_of import Flags, Ints
from finsync_pipeline.identity.codes.candidates import Strings
from finsync_pipeline.identity.codes.check_digits import right_check_digits
from finsync_pipeline.identity.codes.classes import CLASSES, classes_of, is_safe_unseen
from finsync_pipeline.identity.codes.listed import FORMS, Companies, Listed, comparable
from finsync_pipeline.identity.codes.nearest import Candidates, Nearest, candidates_for, nearest
from finsync_pipeline.identity.codes.noise import mistaken

#: A class is allowed from this share of right repairs on, if there are so many observations.
PRECISION_FLOOR, FEWEST_OBSERVATIONS = 0.9995, 30
#: This share of all texts is taken to belong to no listed company.
UNLISTED_SHARE = 0.1
#: The best company must be cheaper than every other one by so much, in hundredths.
MARGIN = 25
#: Codes this short are not repaired by two edits.
SHORTEST_REPAIRED_TWICE = 7
#: Where typing errors have more neighbours than this on average, nothing is searched.
MOST_NEIGHBOURS = 60.0
SAMPLE, FEWEST_VARIANTS, VARIANTS_PER_CODE = 30_000, 4_000, 20
_PROBE = 400
_SEED = 20_240_229


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
        return Calibration(0, nothing, np.full(len(CLASSES), np.nan), _forms(listed, 1.0))
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
    return Calibration(edits, allowed, precision, _forms(listed, _exact_precision(with_it, variants, is_code)))


def gate(texts: Strings, listed: Listed) -> Flags:
    """Texts that are codes with right check digits. Where they are not listed, they are other companies'."""
    check = listed.scheme.check
    if check is None:
        return np.zeros(len(texts), dtype=np.bool_)
    width = listed.scheme.length or 0
    matrix = texts.matrix
    if matrix.shape[1] < width:
        return np.zeros(len(texts), dtype=np.bool_)
    return right_check_digits(matrix, texts.lengths, check)


def is_clear(best: Nearest, texts: Strings, listed: Listed) -> Flags:
    """Whether the nearest company stands out, by a code long enough for that many edits."""
    clear: Flags = (best.company >= 0) & (best.rival_cost.astype(np.int64) - best.cost >= MARGIN)
    found = np.flatnonzero(clear)
    shorter = np.minimum(texts.lengths[found], listed.keys.lengths[best.key[found]])
    alike = best.edits[found] > 2
    clear[found] = (best.edits[found] < 2) | alike | (shorter >= SHORTEST_REPAIRED_TWICE)
    return clear


def _variants(listed: Listed) -> Variants:
    chance = np.random.default_rng(_SEED)
    count = min(SAMPLE, max(FEWEST_VARIANTS, VARIANTS_PER_CODE * len(listed.keys)))
    if count <= len(listed.keys):
        rows = chance.choice(len(listed.keys), count, replace=False)
    else:
        rows = chance.integers(0, len(listed.keys), count)
    codes = [
        bytes(row[:length]).decode()
        for row, length in zip(listed.keys.matrix[rows], listed.keys.lengths[rows], strict=True)
    ]
    texts, kept = comparable(pa.array(mistaken(codes, _SEED), pa.large_string()), 34)
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
    odds = UNLISTED_SHARE / (1 - UNLISTED_SHARE)
    companies = len(np.unique(listed.companies))
    wrong_of_all = wrong + odds * unlisted_wrong
    unseen = np.where(is_safe_unseen(listed.scheme.is_sparse), 0.0, odds * right / companies)
    with np.errstate(invalid="ignore"):
        share = right / (right + wrong_of_all + unseen)
        precision = right / (right + wrong_of_all + unseen + 1)
    allowed = (share >= PRECISION_FLOOR) & (right + wrong >= FEWEST_OBSERVATIONS)
    return allowed, np.where(right > 0, precision, np.nan)


def _exact_precision(best: Nearest, variants: Variants, is_code: Flags) -> float:
    right = int((is_code & (best.company == variants.companies)).sum())
    return right / (int(is_code.sum()) + 1)


def _forms(listed: Listed, exact: float) -> dict[str, float]:
    forms = {"exact": exact}
    for form in FORMS[1:]:
        ambiguity = listed.ambiguity(form)
        forms[form] = exact * (1 - ambiguity) if 1 - ambiguity >= PRECISION_FLOOR else float("nan")
    return forms
