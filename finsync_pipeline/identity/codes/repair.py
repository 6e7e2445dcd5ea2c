"""Typing errors repaired, where the class of repair is allowed and no other company is as near."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Ints, take
from finsync_pipeline.identity.codes.calibration import MARGIN, Calibration, gate, is_clear
from finsync_pipeline.identity.codes.classes import classes_of
from finsync_pipeline.identity.codes.distance import LOOK_ALIKE as LOOK_ALIKE_COST
from finsync_pipeline.identity.codes.explain import told_or_as_listed, told_repairs, told_together
from finsync_pipeline.identity.codes.found import AMBIGUOUS, LOOK_ALIKE, ONE_EDIT, TWO_EDITS, UNKNOWN, Sheet
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.listed import LONGEST_SEARCHED, Listed, comparable
from finsync_pipeline.identity.codes.nearest import Nearest, candidates_for, nearest

_IN_FRONT = "zeros in front left out"


def repair(sheet: Sheet, keys: pa.Array, rows: Ints, told: pa.Array, listed: Listed, calibration: Calibration) -> None:
    """Settle the rows whose keys are near to a listed one; `told` are the steps so far of each."""
    texts, places = comparable(keys, LONGEST_SEARCHED)
    others = gate(texts, listed)
    sheet.is_other[rows[places[others]]] = True
    if not listed.scheme.is_repaired or len(listed.keys) == 0:
        return
    places = places[~others]
    encoded = take(keys, places).dictionary_encode()
    texts, _ = comparable(encoded.dictionary, LONGEST_SEARCHED)
    best = nearest(candidates_for(texts, listed, calibration.edits), len(texts))
    ids = encoded.indices.to_numpy()
    _settle(sheet, rows[places], ids, best, texts, listed, calibration)
    some = np.flatnonzero(best.company[ids] >= 0)
    repairs = told_repairs(texts, ids[some], listed.keys, best.key[ids[some]])
    if listed.scheme.is_number:
        repairs = pc.if_else(pc.equal(repairs, ""), _IN_FRONT, repairs)
    sheet.tell(rows[places[some]], told_or_as_listed(told_together(take(told, places[some]), repairs)))


def _settle(
    sheet: Sheet, rows: Ints, ids: Ints, best: Nearest, texts: Strings, listed: Listed, calibration: Calibration
) -> None:
    classes = classes_of(best, texts, listed.keys)
    clear = is_clear(best, texts, listed)
    allowed = clear & (calibration.allowed[classes] | (best.cost == 0))
    precision = np.where(best.cost == 0, calibration.forms["exact"], calibration.precision[classes])
    score, rival_score = _score(best.cost, texts), _score(best.rival_cost, texts)
    status = np.where(best.rival_cost.astype(np.int64) - best.cost < MARGIN, AMBIGUOUS, UNKNOWN)
    near = np.flatnonzero(best.company[ids] >= 0)
    rows, ids = rows[near], ids[near]
    accepted = allowed[ids]
    sheet.accept(rows[accepted], best.company[ids[accepted]], precision[ids[accepted]])
    for kind in (UNKNOWN, AMBIGUOUS):
        refused = ~accepted & (status[ids] == kind)
        sheet.suggest(rows[refused], best.company[ids[refused]], status=kind)
    sheet.method[rows] = _methods(best)[ids]
    sheet.score[rows] = score[ids]
    sheet.runner_up[rows] = best.rival[ids]
    sheet.runner_up_score[rows] = np.where(best.rival[ids] >= 0, rival_score[ids], np.nan)


def _methods(best: Nearest) -> npt.NDArray[np.int8]:
    methods = np.where(best.edits == 1, ONE_EDIT, TWO_EDITS).astype(np.int8)
    methods[best.cost == LOOK_ALIKE_COST * best.edits.astype(np.int64)] = LOOK_ALIKE
    return methods


def _score(costs: npt.NDArray[np.int16], texts: Strings) -> npt.NDArray[np.float64]:
    """100 without the share of the text's characters that the cost stands for."""
    score: npt.NDArray[np.float64] = np.maximum(100.0 - costs / texts.lengths, 0.0)
    return score
