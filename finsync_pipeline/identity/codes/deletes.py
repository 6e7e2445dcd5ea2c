"""Hashes of everything that is left of a code when some of its characters are taken away.

Two strings within d edits have an equal rest once at most d characters are taken from each (Bocek and others
2007, "Fast similarity search in large dictionaries"; known from SymSpell). The hash of c_0..c_n-1 is
sum c_t B^t modulo 2^64 with B odd. With P_k = sum_{t<k} c_t B^t and b the inverse of B, what is left without
the places i < j hashes to X_i + Y_j + P_n b^2, where X_i = P_i - P_{i+1} b and Y_j = P_j b - P_{j+1} b^2:
two additions for each pair of places.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from finsync_pipeline.identity.codes.bytes_of import Bytes

Hashes = npt.NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_STEP = np.uint64(_BASE)
_BACK = np.uint64(pow(_BASE, -1, 1 << 64))
_BACK_TWICE = np.uint64(pow(_BASE, -2, 1 << 64))
_SPREAD = np.uint64(0xD6E8FEB86659FD93)


def count_rests(length: int, deleted: int) -> int:
    """How many rests a code of this length has without exactly `deleted` characters (0 to 2)."""
    return (1, length, length * (length - 1) // 2)[deleted]


def hash_rests(codes: Bytes, deleted: int) -> Hashes:
    """Hashes of all rests of codes of one length: (n, length) bytes to (rests, n), for 0 to 2 deletions."""
    length = codes.shape[1]
    sums = _prefix_sums(codes)
    if deleted == 0:
        return sums[-1:] * _SPREAD
    first = sums[:-1] - sums[1:] * _BACK
    if deleted == 1:
        first += sums[-1] * _BACK
        return np.multiply(first, _SPREAD, out=first)
    second = sums[:-1] * _BACK - sums[1:] * _BACK_TWICE + sums[-1] * _BACK_TWICE
    first *= _SPREAD
    second *= _SPREAD
    rests = np.empty((count_rests(length, 2), len(codes)), dtype=np.uint64)
    end = 0
    for i in range(length - 1):
        start, end = end, end + length - 1 - i
        np.add(first[i], second[i + 1 :], out=rests[start:end])
    return rests


def _prefix_sums(codes: Bytes) -> Hashes:
    sums = np.zeros((codes.shape[1] + 1, len(codes)), dtype=np.uint64)
    power = np.uint64(1)
    with np.errstate(over="ignore"):
        for place in range(codes.shape[1]):
            sums[place + 1] = sums[place] + codes[:, place] * power
            power = power * _STEP
    return sums


class HashFilter:
    """A set of hashes that may say yes by mistake, but never no: one bit for each, by its leading bits."""

    def __init__(self, expected: int) -> None:
        bits = min(max(int(expected * 8).bit_length(), 16), 28)
        self._shift = np.uint64(64 - bits)
        self._marks: Bytes = np.zeros(1 << bits, dtype=np.uint8)
        self._packed: Bytes | None = None

    def add(self, hashes: Hashes) -> None:
        """Put hashes in; not after the first question."""
        self._marks[(hashes >> self._shift).view(np.int64)] = 1

    def may_hold(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        """Places of those hashes (one-dimensional) that may have been put in."""
        if self._packed is None:
            self._packed = np.packbits(self._marks, bitorder="little")
            self._marks = np.empty(0, dtype=np.uint8)
        places = (hashes >> self._shift).view(np.int64)
        found = np.take(self._packed, places >> 3, mode="clip")
        found >>= (places & 7).astype(np.uint8)
        found &= 1
        return np.flatnonzero(found)
