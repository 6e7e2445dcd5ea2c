"""All pairs of a text and a code within two edits, found by a join and not by comparing each with each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finsync_pipeline.identity.codes.bytes_of import Bytes, Ints
from finsync_pipeline.identity.codes.deletes import Hashes, HashFilter, count_rests, hash_rests
from finsync_pipeline.identity.codes.distance import edits_between

_TEXT_HASHES = 1 << 25
_CHUNK_HASHES = 1 << 18
_SURVIVORS = 1 << 22
_PAIRS = 1 << 21


@dataclass(frozen=True)
class Strings:
    """Rows of zero-filled bytes and their lengths; `groups` holds the rows of each length."""

    matrix: Bytes
    lengths: Bytes
    groups: dict[int, Ints]

    @classmethod
    def of(cls, matrix: Bytes, lengths: Bytes) -> Strings:
        """Group the rows by length."""
        present = np.flatnonzero(np.bincount(lengths, minlength=1))
        return cls(matrix, lengths, {int(n): np.flatnonzero(lengths == n) for n in present})

    def __len__(self) -> int:
        return len(self.lengths)


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
    for text_lengths, code_lengths, rest in _plan(texts, codes, edits):
        for some_texts in _chunks(texts, text_lengths, rest, _TEXT_HASHES):
            for found in _join(texts, some_texts, codes, code_lengths, rest):
                text, code = found // len(codes), found % len(codes)
                distance = edits_between(
                    texts.matrix[text], texts.lengths[text], codes.matrix[code], codes.lengths[code]
                )
                near = distance <= edits
                keys.append(found[near])
                distances.append(distance[near])
    pairs, first = np.unique(np.concatenate(keys), return_index=True)
    return Pairs(pairs // max(len(codes), 1), pairs % max(len(codes), 1), np.concatenate(distances)[first])


def _plan(texts: Strings, codes: Strings, edits: int) -> Iterator[tuple[list[int], list[int], int]]:
    """Which lengths of texts meet which lengths of codes in rests of which length.

    The longer of both loses `edits` characters. So all pairs meet, and a rest is hashed only where it can meet.
    """
    for longest in sorted({*texts.groups, *codes.groups}):
        rest = max(longest - edits, 0)
        within = range(rest, longest + 1)
        text_lengths = [n for n in within if n in texts.groups and (n == longest or longest in codes.groups)]
        code_lengths = [n for n in within if n in codes.groups and (n == longest or longest in texts.groups)]
        if text_lengths and code_lengths:
            yield text_lengths, code_lengths, rest


def _chunks(strings: Strings, lengths: list[int], rest: int, hashes: int) -> Iterator[list[tuple[int, Ints]]]:
    """Rows in chunks that have about so many hashes: for each chunk the rows of each length."""
    chunk: list[tuple[int, Ints]] = []
    room = hashes
    for length in lengths:
        rows, each = strings.groups[length], count_rests(length, length - rest)
        while len(rows):
            fit = max(room // each, 1)
            chunk.append((length, rows[:fit]))
            room -= min(fit, len(rows)) * each
            rows = rows[fit:]
            if room < each:
                yield chunk
                chunk, room = [], hashes
    if chunk:
        yield chunk


def _hashes(strings: Strings, chunk: list[tuple[int, Ints]], rest: int) -> Iterator[tuple[Hashes, Ints]]:
    """The hashes of a chunk, end to end, and the rows that repeat along them."""
    for length, rows in chunk:
        block = max(_CHUNK_HASHES // count_rests(length, length - rest), 1)
        for start in range(0, len(rows), block):
            some = rows[start : start + block]
            yield hash_rests(strings.matrix[some, :length], length - rest).ravel(), some


def _join(
    texts: Strings, chunk: list[tuple[int, Ints]], codes: Strings, code_lengths: list[int], rest: int
) -> Iterator[Ints]:
    """Distinct pairs (text row * number of codes + code row) that share a hash, in pieces."""
    text_hashes = list(_hashes(texts, chunk, rest))
    known = HashFilter(sum(len(hashes) for hashes, _ in text_hashes))
    for hashes, _ in text_hashes:
        known.add(hashes)
    met: list[tuple[Hashes, Ints]] = []
    count = 0
    code_rows = [(length, codes.groups[length]) for length in code_lengths]
    for hashes, rows in _hashes(codes, code_rows, rest):
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
