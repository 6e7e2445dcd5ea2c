"""What the codes of all schemes together say of texts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from finsync_pipeline.identity.codes.index import CodeIndex
from finsync_pipeline.identity.results import Decisions, Method, Status

#: The methods from the surest to the least sure; the first two repair nothing.
_RANKS = {Method.EXACT: 0, Method.NORMALISED: 1, Method.CIK: 1}
_RANKS |= {Method.LOOK_ALIKE: 2, Method.ONE_EDIT: 3, Method.TWO_EDITS: 4}
_NORMALISED, _NONE = 1, 5


def find_codes(texts: pa.Array, indexes: Mapping[str, CodeIndex]) -> Decisions:
    """Which company each text belongs to by a code of any scheme.

    The surest method wins, and two companies by equally sure ones are ambiguous. A code with right check digits that
    is not listed belongs to another company, whatever it is near to in other schemes. A listed CIK is found by `cik`,
    however it is padded or labelled, and is no surer than a normalised code: it may as well be a name.
    """
    decisions = Decisions.unknown(len(texts))
    ranks = np.full(len(texts), _NONE)
    found = [_named(index, index.find(texts)) for index in indexes.values()]
    is_unlisted = np.logical_or.reduce([each.is_unlisted for each in found], initial=False)
    for each in found:
        rank = np.array([_RANKS.get(method, _NONE) for method in each.method], dtype=np.int64)
        is_answer = (each.status != Status.UNKNOWN) & ~(is_unlisted & (rank > _NORMALISED))
        agrees = (each.company == decisions.company) & (each.company >= 0)
        for row in map(int, np.flatnonzero(is_answer & (rank == ranks) & ~agrees)):
            companies = sorted(_companies(each, row) | _companies(decisions, row))
            decisions.quarantine(row, Status.AMBIGUOUS, [(company, 100.0) for company in companies], each.method[row])
        better = np.flatnonzero(is_answer & (rank < ranks))
        decisions.put(better, each.take(better))
        ranks[better] = rank[better]
    for each in found:  # what is nearest to texts that are open is suggested
        is_nearer = np.nan_to_num(each.score, nan=-1.0) > np.nan_to_num(decisions.score, nan=-1.0)
        rows = np.flatnonzero((ranks == _NONE) & ~is_unlisted & is_nearer)
        decisions.put(rows, each.take(rows))
        decisions.method[rows] = decisions.steps[rows] = None
    decisions.is_unlisted[:] = is_unlisted & (ranks == _NONE)
    return decisions


def _named(index: CodeIndex, found: Decisions) -> Decisions:
    if index.scheme.name == "cik":
        found.method[np.isin(found.method.astype(str), [Method.EXACT, Method.NORMALISED])] = Method.CIK
    return found


def _companies(decisions: Decisions, row: int) -> set[int]:
    """The companies that it is decided for, or between."""
    if decisions.status[row] == Status.ACCEPTED:
        return {int(decisions.company[row])}
    return {company for company, _ in decisions.candidates[row] or ()}
