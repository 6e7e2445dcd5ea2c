"""What all kinds of codes together answer to a column of texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finsync_pipeline.identity.codes import ACCEPTED, AMBIGUOUS, METHODS, CodeIndex, CodesFound
from finsync_pipeline.identity.decisions import Decisions

EXACT, NORMALISED = METHODS.index("exact"), METHODS.index("normalised")
NO_STEP = len(METHODS)
#: The methods as decisions name them: a CIK that is found however it is padded or labelled is found by `cik`.
_BY_NUMBER = "cik"


@dataclass(frozen=True, eq=False)
class CodeAnswers:
    """One row for each text: the decision by codes alone, and by what step (`METHODS`; `NO_STEP` where by none).

    `is_other`: a code with right check digits of a company that is not listed.
    """

    decisions: Decisions
    rank: npt.NDArray[np.int8]
    is_other: npt.NDArray[np.bool_]

    @property
    def is_certain(self) -> npt.NDArray[np.bool_]:
        """Where nothing was repaired."""
        return self.rank <= NORMALISED


def answers_of_codes(texts: pa.Array, codes: Mapping[str, CodeIndex]) -> CodeAnswers:
    """Ask every kind of code; the surest step wins, and two companies by equally sure steps are ambiguous.

    A code with right check digits that is not listed is another company's, whatever it is like in other kinds.
    """
    decisions = Decisions.none(len(texts))
    rank = np.full(len(texts), NO_STEP, np.int8)
    found = {name: index.find(texts) for name, index in codes.items()}
    is_other = np.logical_or.reduce([each.is_other for each in found.values()])
    for name, each in found.items():
        step = each.method.indices.fill_null(NO_STEP).to_numpy(zero_copy_only=False).astype(np.int8)
        if name == _BY_NUMBER:
            step = np.maximum(step, NORMALISED)  # as it stands it may as well be a name
        is_answer = (each.status != 0) & ~(is_other & (step > NORMALISED))
        better = np.flatnonzero(is_answer & (step < rank))
        again = np.flatnonzero(is_answer & (step == rank) & _differs(each, decisions))
        _copy(each, name, better, decisions)
        for row in map(int, again):  # few: one text that is two companies' codes
            decisions.leave_open(row, AMBIGUOUS, _likely(each, decisions, row), method=METHODS[step[row]])
        rank[better] = step[better]
    for each in found.values():
        open_ = np.flatnonzero((rank == NO_STEP) & (decisions.suggestion < 0) & (each.suggestion >= 0) & ~is_other)
        _suggest(each, open_, decisions)
    return CodeAnswers(decisions, rank, is_other)


def _differs(found: CodesFound, decisions: Decisions) -> npt.NDArray[np.bool_]:
    both = (found.status == ACCEPTED) & (decisions.status == ACCEPTED)
    return np.asarray(~both | (found.company != decisions.company))


def _copy(found: CodesFound, scheme: str, rows: npt.NDArray[Any], decisions: Decisions) -> None:
    """Take these rows over as they were found."""
    for name in ("status", "company", "score", "runner_up", "runner_up_score", "precision", "suggestion"):
        getattr(decisions, name)[rows] = getattr(found, name)[rows]
    methods = np.array(METHODS, object)
    if scheme == _BY_NUMBER:
        methods[:] = [_BY_NUMBER if name in ("exact", "normalised") else name for name in METHODS]
    taken = found.method.indices.fill_null(0).to_numpy(zero_copy_only=False)[rows]
    decisions.method[rows] = methods[taken]
    decisions.steps[rows] = found.steps.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    _list_candidates(
        found, np.flatnonzero(np.isin(np.arange(len(decisions.status)), rows) & (found.status != ACCEPTED)), decisions
    )


def _suggest(found: CodesFound, rows: npt.NDArray[Any], decisions: Decisions) -> None:
    for name in ("score", "runner_up", "runner_up_score", "suggestion"):
        getattr(decisions, name)[rows] = getattr(found, name)[rows]
    _list_candidates(found, rows, decisions)


def _list_candidates(found: CodesFound, rows: npt.NDArray[Any], decisions: Decisions) -> None:
    for row in rows:
        pairs = [(found.suggestion[row], found.score[row]), (found.runner_up[row], found.runner_up_score[row])]
        decisions.candidates[row] = tuple(pair for pair in pairs if pair[0] >= 0)


def _likely(found: CodesFound, decisions: Decisions, row: int) -> list[tuple[int, float]]:
    """The companies that either says, by number: who answers does not depend on the order of asking."""
    said = {
        int(company): 100.0
        for each in (found, decisions)
        for company in (each.company[row], each.suggestion[row], each.runner_up[row])
        if company >= 0
    }
    return sorted(said.items())
