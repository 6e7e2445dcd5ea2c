"""Texts looked up among the listed codes in one form of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Ints
from finsync_pipeline.identity.codes.listed import Companies


@dataclass(frozen=True)
class Owners:
    """For each text the company whose code it is, a second one where there is, a row of the first's; -1 none."""

    first: Companies
    second: Companies
    row: Ints


def owners_of(texts: pa.Array, codes: pa.Array, companies: Companies) -> Owners:
    """Who owns the texts (any number of times the same; blank is nobody's) among `codes`."""
    encoded = texts.dictionary_encode()
    asked = pc.index_in(codes, value_set=encoded.dictionary)
    found = pc.fill_null(asked, -1).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(found >= 0)
    keys = found[rows].astype(np.int64)
    order = np.lexsort((rows, companies[rows], keys))
    keys, rows = keys[order], rows[order]
    count = len(encoded.dictionary)
    first, second = np.full(count, -1, dtype=np.int32), np.full(count, -1, dtype=np.int32)
    row = np.full(count, -1, dtype=np.int64)
    owners = companies[rows]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    first[keys[starts]], row[keys[starts]] = owners[starts], rows[starts]
    others = np.flatnonzero(owners != first[keys])
    places, firsts = np.unique(keys[others], return_index=True)
    second[places] = owners[others[firsts]]
    blank = pc.index_in(pa.scalar("", pa.large_string()), value_set=encoded.dictionary).as_py()
    if blank is not None:
        first[blank] = second[blank] = row[blank] = -1
    ids = encoded.indices.to_numpy()
    return Owners(first[ids], second[ids], row[ids])
