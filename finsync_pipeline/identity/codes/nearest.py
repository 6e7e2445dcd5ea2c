"""The companies whose codes are nearest to a text, when it is no code as it stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finsync_pipeline.identity.codes.bytes_of import Bytes, Flags, Ints
from finsync_pipeline.identity.codes.candidates import pairs_within
from finsync_pipeline.identity.codes.distance import FAR, LOOK_ALIKE, costs_between
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.listed import Companies, Listed
from finsync_pipeline.identity.codes.look_alikes import folded

#: So many look-alike characters are read at most.
MOST_LOOK_ALIKES = 4


@dataclass(frozen=True)
class Candidates:
    """Pairs of a text and a key within the distance searched, by text and key; costs in hundredths."""

    texts: Ints
    keys: Ints
    companies: Companies
    edits: Bytes
    costs: npt.NDArray[np.int16]

    def where(self, kept: Flags) -> Candidates:
        """Some of them."""
        return Candidates(self.texts[kept], self.keys[kept], self.companies[kept], self.edits[kept], self.costs[kept])


@dataclass(frozen=True)
class Nearest:
    """For each text the nearest company, the key, edits and cost; the nearest other company and its cost."""

    company: Companies
    key: Ints
    edits: Bytes
    cost: npt.NDArray[np.int16]
    rival: Companies
    rival_cost: npt.NDArray[np.int16]


def candidates_for(texts: Strings, listed: Listed, edits: int) -> Candidates:
    """All keys within `edits` edits, and those that differ by up to four look-alike characters only."""
    pairs = pairs_within(texts, listed.keys, edits) if edits else None
    alike = pairs_within(_alike(texts), _alike(listed.keys), 0)
    width = min(texts.matrix.shape[1], listed.keys.matrix.shape[1])
    differing = (texts.matrix[alike.texts, :width] != listed.keys.matrix[alike.codes, :width]).sum(axis=1)
    kept = np.flatnonzero((differing > edits) & (differing <= MOST_LOOK_ALIKES))
    text, key = alike.texts[kept], alike.codes[kept]
    count, cost = differing[kept].astype(np.uint8), (differing[kept] * LOOK_ALIKE).astype(np.int16)
    if pairs is not None:
        costs = costs_between(
            texts.matrix[pairs.texts],
            texts.lengths[pairs.texts],
            listed.keys.matrix[pairs.codes],
            listed.keys.lengths[pairs.codes],
        )
        text, key = np.concatenate([pairs.texts, text]), np.concatenate([pairs.codes, key])
        count, cost = np.concatenate([pairs.edits, count]), np.concatenate([costs, cost])
    return Candidates(text, key, listed.companies[listed.rows[key]], count, cost)


def nearest(found: Candidates, texts: int) -> Nearest:
    """The best of the candidates for each of so many texts; -1 and `FAR` where there is none."""
    none = np.full(texts, -1, dtype=np.int32)
    best = Nearest(
        none.copy(),
        none.astype(np.int64),
        np.zeros(texts, dtype=np.uint8),
        np.full(texts, FAR, dtype=np.int16),
        none.copy(),
        np.full(texts, FAR, dtype=np.int16),
    )
    order = np.lexsort((found.keys, found.companies, found.costs, found.texts))
    text, company = found.texts[order], found.companies[order]
    first = np.flatnonzero(np.diff(text, prepend=-1))
    best.company[text[first]] = company[first]
    best.key[text[first]] = found.keys[order[first]]
    best.edits[text[first]] = found.edits[order[first]]
    best.cost[text[first]] = found.costs[order[first]]
    others = np.flatnonzero(company != best.company[text])
    rivalled, places = np.unique(text[others], return_index=True)
    best.rival[rivalled] = company[others[places]]
    best.rival_cost[rivalled] = found.costs[order[others[places]]]
    return best


def _alike(strings: Strings) -> Strings:
    return Strings(folded(strings.matrix), strings.lengths, strings.groups, {})
