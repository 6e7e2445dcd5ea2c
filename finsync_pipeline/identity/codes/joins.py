"""Which rests of texts are compared with which rests of codes, so that no pair within some edits is missed.

Whole: rests of equal length of the text and the code, the longer of which loses as many characters as there may
be edits. Halved, for two edits: if a code is cut in two, one half has one edit at most, so rests without one
character of a half are enough. A transposition across the cut counts as a substitution in each half. The text's
half may be one longer or shorter than the code's. Halves have few rests (about n instead of n^2 / 2), but many
codes may share one: the cheaper way is taken, by the codes themselves. Both find the same pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from finsync_pipeline.identity.codes.bytes_of import Bytes, Ints
from finsync_pipeline.identity.codes.deletes import count_rests, hash_rests

#: What a hash, a hash met and a pair cost, relative to each other; measured.
_HASH, _MET, _PAIR = 1.0, 3.0, 15.0
_ASKED, _AMONG, _SEED = 200, 5_000, 7
#: A cut is not even tried where so many codes share a half but for its last (or first) character.
_MOST_SHARING = 50.0
_SHORTEST_HALVED, _SHORTEST_HALF = 8, 4


@dataclass(frozen=True)
class Cut:
    """Where to cut codes of a length in two; for each text as many hashes of halves and as many codes are met."""

    place: int
    met: float
    pairs: float


@dataclass(frozen=True)
class Strings:
    """Rows of zero-filled bytes and their lengths; `groups` holds the rows of each length, `cuts` of some a cut."""

    matrix: Bytes
    lengths: Bytes
    groups: dict[int, Ints]
    cuts: dict[int, Cut]

    @classmethod
    def of(cls, matrix: Bytes, lengths: Bytes, cuts: dict[int, Cut] | None = None) -> Strings:
        """Group the rows by length."""
        present = np.flatnonzero(np.bincount(lengths, minlength=1))
        return cls(matrix, lengths, {int(n): np.flatnonzero(lengths == n) for n in present}, cuts or {})

    def cut(self) -> Strings:
        """With the best cut for each length, found out on a sample."""
        long = (n for n in self.groups if n >= _SHORTEST_HALVED)
        cuts = {n: cut for n in long if (cut := _best_cut(self, n)) is not None}
        return Strings(self.matrix, self.lengths, self.groups, cuts)

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Part:
    """The characters from `start` to `end` of all strings of a length, `deleted` of them taken away."""

    length: int
    start: int
    end: int
    deleted: int

    @property
    def rests(self) -> int:
        """How many hashes each string has."""
        return count_rests(self.end - self.start, self.deleted)


Join = tuple[list[Part], list[Part]]


def joins(texts: Strings, codes: Strings, edits: int) -> Iterator[Join]:
    """Parts of texts and parts of codes whose rests are to be compared."""
    halved = {n: cut.place for n, cut in codes.cuts.items() if edits == 2 and _is_cheaper(texts, codes, n, cut)}
    for length, cut in halved.items():
        join = _in_halves(texts, length, cut)
        if join[0]:
            yield join
    whole = {n for n in codes.groups if n not in halved}
    for longest in sorted({*texts.groups, *whole}):
        rest = max(longest - edits, 0)
        within = range(rest, longest + 1)
        of_texts = [n for n in within if n in texts.groups and (n == longest or longest in whole)]
        of_codes = [n for n in within if n in whole and (n == longest or longest in texts.groups)]
        if of_texts and of_codes:
            yield [Part(n, 0, n, n - rest) for n in of_texts], [Part(n, 0, n, n - rest) for n in of_codes]


def _in_halves(texts: Strings, length: int, cut: int) -> Join:
    back = length - cut
    of_texts = []
    for n in texts.groups:
        if abs(n - length) <= 2:
            of_texts += [
                Part(n, 0, cut, 1),
                Part(n, 0, cut + 1, 1),
                Part(n, n - back, n, 1),
                Part(n, n - back - 1, n, 1),
            ]
    of_codes = [
        Part(length, 0, cut, 1),
        Part(length, 0, cut, 0),
        Part(length, cut, length, 1),
        Part(length, cut, length, 0),
    ]
    return of_texts, of_codes


def _is_cheaper(texts: Strings, codes: Strings, length: int, cut: Cut) -> bool:
    """Whether halves cost less than whole codes of this length."""
    asked = sum(len(rows) for n, rows in texts.groups.items() if abs(n - length) <= 2)
    listed = len(codes.groups[length])
    hashes = listed * (length + 2) + asked * (2 * length + 2)
    halves = hashes * _HASH + asked * (cut.met * _MET + cut.pairs * _PAIR)
    return halves < (listed + asked) * count_rests(length, 2) * _HASH


def _best_cut(codes: Strings, length: int) -> Cut | None:
    rows = codes.groups[length]
    chance = np.random.default_rng(_SEED)
    asked = codes.matrix[chance.choice(rows, min(_ASKED, len(rows)), replace=False), :length]
    among = codes.matrix[chance.choice(rows, min(_AMONG, len(rows)), replace=False), :length]
    cuts = [
        _tried(asked, among, len(rows), place)
        for place in range(_SHORTEST_HALF, length - _SHORTEST_HALF + 1)
        if max(_equal(among[:, : place - 1]), _equal(among[:, place + 1 :])) * len(rows) <= _MOST_SHARING
    ]
    return min(cuts, key=lambda cut: cut.met * _MET + cut.pairs * _PAIR, default=None)


def _equal(parts: Bytes) -> float:
    """The chance that two of them are equal."""
    kinds = np.ascontiguousarray(parts).view(f"V{parts.shape[1]}").ravel()
    counts = np.unique(kinds, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(len(parts) * (len(parts) - 1), 1))


def _tried(asked: Bytes, among: Bytes, listed: int, place: int) -> Cut:
    """What a cut costs for each text, judged by codes as texts among a sample of codes."""
    met, pairs = 0, 0
    for half in (slice(0, place), slice(place, asked.shape[1])):
        hashes, others = hash_rests(asked[:, half], 1).ravel(), hash_rests(among[:, half], 1).ravel()
        order = np.argsort(hashes)
        first = np.searchsorted(hashes, others, sorter=order)
        counts = np.searchsorted(hashes, others, side="right", sorter=order) - first
        places = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        keys = (order[places] % len(asked)) * len(among) + np.repeat(np.arange(len(others)) % len(among), counts)
        met += len(keys)
        pairs += len(np.unique(keys))
    each = listed / len(among) / len(asked)
    return Cut(place, met * each, pairs * each)
