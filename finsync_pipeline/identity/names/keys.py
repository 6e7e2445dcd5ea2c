"""Which listed names have a key: hashes in sorted arrays, so that millions of names fit and can be kept in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np


@dataclass(frozen=True)
class KeyTable:
    """Keys of names, as 64-bit hashes in ascending order, and for each the number of what has it (int32).

    Two keys can share a hash: who looks up compares the keys themselves.
    """

    hashes: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, keys: Sequence[str], numbers: Sequence[int]) -> KeyTable:
        """A table of these keys; numbers of one key stay in their order."""
        hashes = np.fromiter(map(hash_of, keys), np.uint64, len(keys))
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], np.asarray(numbers, np.int32)[order])

    def numbers_of(self, key: str) -> np.ndarray:
        """The numbers under this key's hash."""
        sought = np.uint64(hash_of(key))
        first = int(self.hashes.searchsorted(sought))
        if first == len(self.hashes) or self.hashes[first] != sought:
            return self.numbers[:0]
        return self.numbers[first : int(self.hashes.searchsorted(sought, "right"))]


def hash_of(key: str) -> int:
    """The same 64 bits in every process and on every machine."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
