"""What it costs to read a text as a code of a given company: evidence for or against the company."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Ints
from finsync_pipeline.identity.codes.distance import costs_between, edits_between
from finsync_pipeline.identity.codes.listed import (
    FORMS,
    LONGEST_SEARCHED,
    Companies,
    Listed,
    comparable,
    forms_of,
    search_keys,
)


def smallest_costs(texts: pa.Array, companies: Companies, listed: Listed) -> npt.NDArray[np.float32]:
    """As `CodeIndex.costs` says."""
    costs = np.full(len(texts), np.inf, dtype=np.float32)
    pairs, rows = _code_rows(companies, listed)
    asked = texts.fill_null("")
    forms, _, _ = forms_of(asked, listed.scheme)
    for form in FORMS:
        ids, listed_ids = _ids(asked if form == "exact" else forms[form], listed.forms[form])
        same = (ids[pairs] >= 0) & (ids[pairs] == listed_ids[rows])
        costs[pairs[same]] = 0.0
    if listed.scheme.is_repaired:
        _near(costs, search_keys(forms, listed.scheme), pairs, rows, listed)
    return costs


def _code_rows(companies: Companies, listed: Listed) -> tuple[Ints, Ints]:
    """Each text beside each code of its company."""
    order = np.argsort(listed.companies, kind="stable")
    owners = listed.companies[order]
    first = np.searchsorted(owners, companies)
    counts = np.searchsorted(owners, companies, side="right") - first
    pairs = np.repeat(np.arange(len(companies)), counts)
    places = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    return pairs, order[places]


def _ids(texts: pa.Array, codes: pa.Array) -> tuple[Ints, Ints]:
    """The same number for the same form; -1 for blank ones."""
    joined = pa.concat_arrays([texts, codes])
    ids = joined.dictionary_encode().indices.to_numpy().astype(np.int64)
    ids[pc.equal(joined, "").to_numpy(zero_copy_only=False)] = -1
    return ids[: len(texts)], ids[len(texts) :]


def _near(costs: npt.NDArray[np.float32], keys: pa.Array, pairs: Ints, rows: Ints, listed: Listed) -> None:
    strings, kept = comparable(keys, LONGEST_SEARCHED)
    text_of = np.full(len(keys), -1, dtype=np.int64)
    text_of[kept] = np.arange(len(kept))
    key_of = np.full(len(listed), -1, dtype=np.int64)
    key_of[listed.rows] = np.arange(len(listed.rows))
    some = np.flatnonzero((text_of[pairs] >= 0) & (key_of[rows] >= 0))
    text, code = text_of[pairs[some]], key_of[rows[some]]
    sides = (strings.matrix[text], strings.lengths[text], listed.keys.matrix[code], listed.keys.lengths[code])
    near = np.flatnonzero(edits_between(*sides) <= 2)
    found = costs_between(*(side[near] for side in sides)) / 100
    np.minimum.at(costs, pairs[some[near]], found.astype(np.float32))
