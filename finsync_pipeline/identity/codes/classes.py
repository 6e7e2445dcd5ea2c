"""Kinds of repair. Each is allowed, or not, by itself: see `calibration`."""

from __future__ import annotations

import numpy as np

from finsync_pipeline.identity.codes.bytes_of import Bytes, Ints
from finsync_pipeline.identity.codes.distance import FAR, LOOK_ALIKE
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.nearest import Nearest

#: What one edit can be, by its cost in hundredths.
_ONE_EDIT = {40: "look_alike", 60: "doubled", 70: "transposed", 75: "neighbour", 90: "inserted", 100: "substituted"}
_KINDS = (
    *("look_alike", "two_look_alikes", "more_look_alikes"),
    *("doubled", "transposed", "neighbour", "inserted", "deleted", "substituted", "cut_by_one"),
    *(f"two_{cost}_{difference}" for cost in ("cheap", "usual", "dear") for difference in ("same", "one", "two")),
    "cut_by_two",
)
_LENGTHS = ("short", "middle", "long")
#: All classes: kind of edit, length of the code (to 6, 8, more), whether another company's code is near too.
CLASSES = tuple(f"{kind} {length} {rival}" for kind in _KINDS for length in _LENGTHS for rival in ("alone", "rivalled"))
_CHEAP, _USUAL = 130, 165


def classes_of(best: Nearest, texts: Strings, codes: Strings) -> Ints:
    """The class (its place in `CLASSES`) of the repair of each text by its nearest code; -1 where there is none."""
    found = np.flatnonzero(best.key >= 0)
    keys = best.key[found]
    text_lengths, code_lengths = texts.lengths[found].astype(np.int64), codes.lengths[keys].astype(np.int64)
    kinds = _kinds(best.edits[found], best.cost[found].astype(np.int64), text_lengths, code_lengths)
    missing = np.flatnonzero(code_lengths > text_lengths)
    cut = missing[_begins(texts.matrix[found[missing]], codes.matrix[keys[missing]], text_lengths[missing])]
    kinds[cut] = np.where(code_lengths[cut] - text_lengths[cut] == 1, _at("cut_by_one"), _at("cut_by_two"))
    lengths = np.digitize(code_lengths, (7, 9))
    classes = np.full(len(texts), -1, dtype=np.int64)
    classes[found] = (kinds * len(_LENGTHS) + lengths) * 2 + (best.rival_cost[found] < FAR)
    return classes


def is_safe_unseen(is_sparse: bool) -> np.ndarray:
    """For each class, whether even a list too short to prove it allows it.

    Reading look-alike characters always, any one edit where the codes of all companies are known to be far apart.
    """
    last = "cut_by_one" if is_sparse else "more_look_alikes"
    return np.arange(len(CLASSES)) // (2 * len(_LENGTHS)) <= _at(last)


def groups_of_classes() -> Ints:
    """For each class 0 if it reads look-alikes only, 1 if it is one edit, 2 if it is two."""
    kinds = np.arange(len(CLASSES)) // (2 * len(_LENGTHS))
    return np.digitize(kinds, (_at("doubled"), _at("two_cheap_same")))


def _kinds(edits: Bytes, costs: Ints, text_lengths: Ints, code_lengths: Ints) -> Ints:
    dearness = np.digitize(costs, (_CHEAP + 1, _USUAL + 1))
    kinds = _at("two_cheap_same") + 3 * dearness + np.minimum(np.abs(text_lengths - code_lengths), 2)
    for cost, kind in _ONE_EDIT.items():
        kinds[(edits == 1) & (costs == cost)] = _at(kind)
    kinds[(edits == 1) & (costs == 90) & (code_lengths > text_lengths)] = _at("deleted")
    same = text_lengths == code_lengths
    kinds[same & (edits == 2) & (costs == 2 * LOOK_ALIKE)] = _at("two_look_alikes")
    kinds[same & (edits > 2)] = _at("more_look_alikes")
    return np.asarray(kinds)


def _begins(texts: Bytes, codes: Bytes, lengths: Ints) -> np.ndarray:
    width = min(texts.shape[1], codes.shape[1])
    beyond = np.arange(width) >= lengths[:, None]
    return np.asarray(((texts[:, :width] == codes[:, :width]) | beyond).all(axis=1))


def _at(kind: str) -> int:
    return _KINDS.index(kind)
