"""All pairs of a text and a code within two edits, found by a join and not by comparing each with each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finsync_pipeline.identity.codes.bytes_of import Bytes, Ints
from finsync_pipeline.identity.codes.deletes import Hashes, HashFilter, hash_rests
from finsync_pipeline.identity.codes.distance import edits_between
from finsync_pipeline.identity.codes.joins import Part, Strings, joins

_TEXT_HASHES = 1 << 25
_BLOCK_HASHES = 1 << 18
_SURVIVORS = 1 << 22
_PAIRS = 1 << 21


@dataclass(frozen=True)
class Pairs:
    """Pairs of a row of the texts and a row of the codes, by text and code, each once, and the edits between."""

    texts: Ints
    codes: Ints
    edits: Bytes


def pairs_within(texts: Strings, codes: Strings, edits: int) -> Pairs:
    """Every pair within `edits` (0 to 2) edits by optimal string alignment."""
    keys: list[Ints] = [np.empty(0, dtype=np.int64)]
    distances: list[Bytes] = [np.empty(0, dtype=np.uint8)]
    for of_texts, of_codes in joins(texts, codes, edits):
        for some_texts in _chunks(texts, of_texts):
            for found in _join(texts, some_texts, codes, of_codes):
                text, code = found // len(codes), found % len(codes)
                distance = edits_between(
                    texts.matrix[text], texts.lengths[text], codes.matrix[code], codes.lengths[code]
                )
                near = distance <= edits
                keys.append(found[near])
                distances.append(distance[near])
    pairs, first = np.unique(np.concatenate(keys), return_index=True)
    return Pairs(pairs // max(len(codes), 1), pairs % max(len(codes), 1), np.concatenate(distances)[first])


def _chunks(texts: Strings, parts: list[Part]) -> Iterator[list[tuple[Part, Ints]]]:
    """Parts and rows in chunks that have about `_TEXT_HASHES` hashes."""
    chunk: list[tuple[Part, Ints]] = []
    room = _TEXT_HASHES
    for part in parts:
        rows = texts.groups[part.length]
        while len(rows):
            fit = max(room // part.rests, 1)
            chunk.append((part, rows[:fit]))
            room -= min(fit, len(rows)) * part.rests
            rows = rows[fit:]
            if room < part.rests:
                yield chunk
                chunk, room = [], _TEXT_HASHES
    if chunk:
        yield chunk


def _hashes(strings: Strings, chunk: list[tuple[Part, Ints]]) -> Iterator[tuple[Hashes, Ints]]:
    """The hashes of a chunk, end to end, and the rows that repeat along them."""
    for part, rows in chunk:
        block = max(_BLOCK_HASHES // part.rests, 1)
        for start in range(0, len(rows), block):
            some = rows[start : start + block]
            yield hash_rests(strings.matrix[some, part.start : part.end], part.deleted).ravel(), some


def _join(texts: Strings, chunk: list[tuple[Part, Ints]], codes: Strings, parts: list[Part]) -> Iterator[Ints]:
    """Distinct pairs (text row * number of codes + code row) that share a hash, in pieces."""
    text_hashes = list(_hashes(texts, chunk))
    known = HashFilter(sum(len(hashes) for hashes, _ in text_hashes))
    for hashes, _ in text_hashes:
        known.add(hashes)
    met: list[tuple[Hashes, Ints]] = []
    count = 0
    for hashes, rows in _hashes(codes, [(part, codes.groups[part.length]) for part in parts]):
        places = known.may_hold(hashes)
        met.append((hashes[places], rows[places % len(rows)]))
        count += len(places)
        if count > _SURVIVORS:
            yield from _meet(text_hashes, met, len(codes))
            met, count = [], 0
    yield from _meet(text_hashes, met, len(codes))


def _meet(text_hashes: list[tuple[Hashes, Ints]], met: list[tuple[Hashes, Ints]], codes: int) -> Iterator[Ints]:
    code_hashes, code_rows = _concatenated(met)
    if len(code_hashes) == 0:
        return
    asked = HashFilter(len(code_hashes))
    asked.add(code_hashes)
    kept = []
    for hashes, rows in text_hashes:
        places = asked.may_hold(hashes)
        kept.append((hashes[places], rows[places % len(rows)]))
    hashes, rows = _concatenated(kept)
    order = np.argsort(hashes)
    hashes, rows = hashes[order], rows[order]
    order = np.argsort(code_hashes)
    code_hashes, code_rows = code_hashes[order], code_rows[order]
    first = np.searchsorted(hashes, code_hashes)
    counts = np.searchsorted(hashes, code_hashes, side="right") - first
    some = np.flatnonzero(counts)
    first, counts, code_rows = first[some], counts[some], code_rows[some]
    for start, end in _pieces(counts):
        number = counts[start:end]
        places = np.repeat(first[start:end] - (np.cumsum(number) - number), number) + np.arange(number.sum())
        yield np.unique(rows[places] * codes + np.repeat(code_rows[start:end], number))


def _pieces(counts: Ints) -> Iterator[tuple[int, int]]:
    """Slices whose counts sum to about `_PAIRS`."""
    totals = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = totals[start - 1] if start else 0
        end = max(int(np.searchsorted(totals, before + _PAIRS, side="right")), start + 1)
        yield start, end
        start = end


def _concatenated(parts: list[tuple[Hashes, Ints]]) -> tuple[Hashes, npt.NDArray[np.int64]]:
    if not parts:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    return np.concatenate([h for h, _ in parts]), np.concatenate([r for _, r in parts])
