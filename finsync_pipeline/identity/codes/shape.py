"""Whether a text has the shape of the listed codes at all: a company's name among LEIs has not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Flags, Ints, bytes_of
from finsync_pipeline.identity.codes.schemes import Scheme

_WORDS = r"\pL{2,}[\s,&]+\pL{2,}"
_NUMBER = r"^\d+([.,]\d+)?(E\+?\d+)?$"
_MOST = 0.99
#: So many characters may be missing or too many.
_SLACK = 4
_SAMPLE = 100_000


@dataclass(frozen=True)
class Shape:
    """Lengths of the bare codes; whether nearly all of them hold a digit, hold digits only, hold no words."""

    shortest: int
    longest: int
    has_digits: bool
    is_number: bool
    has_no_words: bool

    @classmethod
    def of(cls, bare: pa.Array, written: pa.Array, scheme: Scheme) -> Shape:
        """The shape of the listed codes; of the scheme where none is listed."""
        rows = pa.array(np.arange(0, len(bare), max(len(bare) // _SAMPLE, 1)))
        lengths, digits = _lengths_and_digits(bare.take(rows))
        if len(bare) == 0:
            length = scheme.length or 0
            return cls(length, length, bool(scheme.fewest_digits), scheme.is_number, True)
        slack = _SLACK if scheme.is_repaired else 0
        bounds = pc.min_max(pc.binary_length(bare)).as_py()
        return cls(
            shortest=max(scheme.length or bounds["min"], 1 + slack) - slack,
            longest=(scheme.length or bounds["max"]) + slack,
            has_digits=bool((digits > 0).mean() >= _MOST) or scheme.fewest_digits > 0,
            is_number=bool((digits == lengths).mean() >= _MOST) or scheme.is_number,
            has_no_words=_share(pc.match_substring_regex(written.take(rows), _WORDS)) <= 1 - _MOST,
        )

    def fits(self, bare: pa.Array, written: pa.Array, scheme: Scheme) -> Flags:
        """Whether each text, in both forms, may be meant for a code. A number that lost digits may."""
        lengths, digits = _lengths_and_digits(bare)
        fits = (lengths >= self.shortest) & (lengths <= self.longest)
        if self.has_digits:
            fits &= digits >= max(scheme.fewest_digits, 1)
        if self.is_number:
            fits &= 2 * digits >= lengths
        if self.has_no_words:
            some = np.flatnonzero(fits)
            words = pc.match_substring_regex(written.take(pa.array(some)), _WORDS).to_numpy(zero_copy_only=False)
            fits[some[words]] = False
        damaged = np.flatnonzero(lengths == 0)
        if scheme.is_repaired and len(damaged):
            numbers = pc.match_substring_regex(written.take(pa.array(damaged)), _NUMBER)
            fits[damaged] = numbers.to_numpy(zero_copy_only=False)
        return np.asarray(fits, dtype=np.bool_)


def _lengths_and_digits(bare: pa.Array) -> tuple[Ints, Ints]:
    whole, starts = bytes_of(bare)
    before = np.zeros(len(whole) + 1, dtype=np.int64)
    np.cumsum((whole >= ord("0")) & (whole <= ord("9")), out=before[1:])
    return np.diff(starts), np.diff(before[starts])


def _share(flags: pa.Array) -> float:
    return float(pc.mean(flags.cast(pa.int8())).as_py() or 0.0)
