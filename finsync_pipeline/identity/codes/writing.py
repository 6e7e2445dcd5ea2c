"""How codes are written, taken off: case, blanks, separators, labels, what a spreadsheet made of them.

`fold` gives each text in ever plainer forms. What tells no two codes apart is taken off first, so that a list
in which `A-1` and `A1` are different companies still finds each by the plainest form that tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import (
    Bytes,
    Flags,
    Ints,
    any_of,
    bytes_of,
    keep_bytes,
    replaced,
    take,
    texts_of,
)
from finsync_pipeline.identity.codes.schemes import Scheme
from finsync_pipeline.identity.codes.spreadsheet import NUMBER, read_number

Steps = npt.NDArray[np.uint16]

UPPER, BLANKS, SEPARATORS, INVISIBLE, QUOTES, PLAIN, LABEL, POINT, SCIENTIFIC, ZEROS_BACK, ZEROS_OFF = (
    1 << bit for bit in range(11)
)
#: What each step is called, in the order in which they are told.
STEP_NAMES: dict[int, str] = {
    PLAIN: "in plain characters",
    INVISIBLE: "without invisible characters",
    QUOTES: "without quotes",
    UPPER: "upper case",
    LABEL: "without label",
    POINT: "without .0",
    SCIENTIFIC: "scientific notation written out",
    BLANKS: "without blanks",
    SEPARATORS: "without separators",
    ZEROS_BACK: "zeros put back",
    ZEROS_OFF: "leading zeros left out",
}

_READ = {"": 0, "point": POINT, "scientific": SCIENTIFIC}

#: So many zeros are put back at most: a shorter number is some other number.
MOST_ZEROS_BACK = 4
#: Longer texts are compared as they stand only.
LONGEST_WRITTEN = 256

_UNSEEN = (
    r"[\p{Cf}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{34f}\x{115f}\x{1160}\x{180b}-\x{180e}\x{3164}\x{fe00}-\x{fe0f}]"
)
_AS_ASCII = ((_UNSEEN, ""), (r"\p{Z}", " "), (r"[\p{Pd}\x{2212}]", "-"), ("[‘’‚‛´ʼ′“”„«»]", "'"))  # noqa: RUF001
_OUTSIDE = " \t\r\n'\"`="

_STEP_OF_BYTE = np.zeros(256, dtype=np.uint8)
_STEP_OF_BYTE[ord("a") : ord("z") + 1] = UPPER
_STEP_OF_BYTE[list(b" \t\r\n")] = BLANKS
_STEP_OF_BYTE[list(b"-_./\\,:;|()[]{}=#")] = SEPARATORS
_STEP_OF_BYTE[[*range(9), 11, 12, *range(14, 32), 127]] = INVISIBLE
_STEP_OF_BYTE[list(b"'\"`")] = QUOTES
_STEP_OF_BYTE[ord("+")] = _SIGN = 128
_UPPER_OF_BYTE = np.arange(256, dtype=np.uint8)
_UPPER_OF_BYTE[ord("a") : ord("z") + 1] -= 32

_PADDED = r"^([A-Z]*)0+(\d+)$"


@dataclass(frozen=True)
class Written:
    """Texts in three forms, each a large_string array as long as the texts.

    `written`: NFKC, upper case, without what cannot be seen and without blanks and quotes around. `bare`:
    without label and separators too; blank where the text is a number of which digits are lost. `steps`: what
    was taken off, as bits; those of `outer` are what was taken off for `written` already.
    """

    written: pa.Array
    bare: pa.Array
    outer: Steps
    steps: Steps


def fold(texts: pa.Array, scheme: Scheme) -> Written:
    """The forms of a large_string array without nulls. Texts beyond `LONGEST_WRITTEN` bytes have blank ones."""
    short = pc.binary_length(texts).to_numpy(zero_copy_only=False) <= LONGEST_WRITTEN
    if not short.all():
        texts = pc.if_else(pa.array(short), texts, "")
    plain, steps = _in_plain_characters(texts)
    whole, starts = bytes_of(plain)
    kinds = _STEP_OF_BYTE[whole]
    found = any_of(kinds, starts).astype(np.uint16)
    seen, starts = keep_bytes(_UPPER_OF_BYTE[whole], starts, kinds != INVISIBLE)
    visible = texts_of(seen, starts)
    marked = np.flatnonzero(
        (found & (BLANKS | SEPARATORS | QUOTES | _SIGN)) | _may_begin_with_label(seen, starts, scheme)
    )
    written, outer = _trimmed(visible, marked)
    steps |= found & (UPPER | INVISIBLE)
    outer |= steps
    bare, special = _without_dress(written, marked, scheme)
    outside = BLANKS | QUOTES | (0 if scheme.keeps_dots else SEPARATORS)
    dropped = found & np.uint16(outside)
    dropped[(special & (POINT | SCIENTIFIC)) != 0] &= ~np.uint16(SEPARATORS)
    return Written(written, _without(bare, outside), outer, (steps | special | dropped).astype(np.uint16))


def without_leading_zeros(bare: pa.Array) -> pa.Array:
    """`COMP000012` is `COMP12`, `0000320193` is `320193`; what is no number behind letters stays."""
    return pc.replace_substring_regex(bare, _PADDED, r"\1\2")


def with_zeros_back(bare: pa.Array, length: int) -> pa.Array:
    """Numbers that are too short, as a spreadsheet leaves them, filled up with zeros in front."""
    lengths = pc.binary_length(bare).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero((lengths >= length - MOST_ZEROS_BACK) & (lengths < length))
    short = take(bare, rows)
    numbers = pc.match_substring_regex(short, r"^\d+$").to_numpy(zero_copy_only=False)
    return replaced(bare, rows[numbers], pc.utf8_lpad(short.filter(pa.array(numbers)), length, "0"))


def _without(texts: pa.Array, steps: int) -> pa.Array:
    """The texts without the characters that these steps take off."""
    whole, starts = bytes_of(texts)
    kept = (_STEP_OF_BYTE[whole] & np.uint8(steps)) == 0
    return texts if kept.all() else texts_of(*keep_bytes(whole, starts, kept))


def _in_plain_characters(texts: pa.Array) -> tuple[pa.Array, Steps]:
    whole, starts = bytes_of(texts)
    steps = np.zeros(len(texts), dtype=np.uint16)
    rows = np.flatnonzero(any_of(whole & np.uint8(128), starts))
    if len(rows) == 0:
        return texts, steps
    some = take(texts, rows)
    plain = pc.utf8_normalize(some, form="NFKC")
    steps[rows[pc.not_equal(some, plain).to_numpy(zero_copy_only=False)]] |= PLAIN
    for bit, (pattern, replacement) in zip((INVISIBLE, BLANKS, PLAIN, QUOTES), _AS_ASCII, strict=True):
        changed = pc.replace_substring_regex(plain, pattern, replacement)
        steps[rows[pc.not_equal(changed, plain).to_numpy(zero_copy_only=False)]] |= bit
        plain = changed
    upper = pc.utf8_upper(plain)
    steps[rows[pc.not_equal(upper, plain).to_numpy(zero_copy_only=False)]] |= UPPER
    return replaced(texts, rows, upper), steps


def _may_begin_with_label(seen: Bytes, starts: Ints, scheme: Scheme) -> Flags:
    """Texts that begin with a letter though they have not the length of a code: `CIK0000320193`."""
    marked = np.zeros(len(starts) - 1, dtype=np.bool_)
    if scheme.length is not None or scheme.is_number:
        lengths = np.diff(starts)
        some = np.flatnonzero((lengths > 0) & (lengths != scheme.length))
        marked[some] = seen[starts[some]] >= ord("A")
    return marked


def _trimmed(visible: pa.Array, marked: Ints) -> tuple[pa.Array, Steps]:
    outer = np.zeros(len(visible), dtype=np.uint16)
    if len(marked) == 0:
        return visible, outer
    some = take(visible, marked)
    blanks = pc.ascii_trim_whitespace(some)
    outer[marked[pc.not_equal(some, blanks).to_numpy(zero_copy_only=False)]] |= BLANKS
    trimmed = pc.ascii_trim(some, characters=_OUTSIDE)
    quoted = pc.not_equal(blanks, trimmed).to_numpy(zero_copy_only=False)
    outer[marked[quoted]] |= QUOTES
    return replaced(visible, marked, trimmed), outer


def _without_dress(written: pa.Array, marked: Ints, scheme: Scheme) -> tuple[pa.Array, Steps]:
    """Labels, `.0`, thousands and scientific notation read; blank where that loses digits."""
    steps = np.zeros(len(written), dtype=np.uint16)
    if len(marked) == 0:
        return written, steps
    some = take(written, marked)
    plain = some
    if scheme.label is not None:
        plain = pc.replace_substring_regex(some, scheme.label, r"\1")
        steps[marked[pc.not_equal(some, plain).to_numpy(zero_copy_only=False)]] |= LABEL
    if scheme.keeps_dots:
        plain = pc.ascii_trim(pc.replace_substring_regex(plain, r"[\s./\\_-]+", "."), characters=".")
    else:
        numbers = np.flatnonzero(pc.match_substring_regex(plain, NUMBER).to_numpy(zero_copy_only=False))
        read = [read_number(text) for text in take(plain, numbers).to_pylist()]
        steps[marked[numbers]] |= np.array([_READ[how] for _, how in read], dtype=np.uint16)
        plain = replaced(plain, numbers, pa.array([text for text, _ in read], pa.large_string()))
    return replaced(written, marked, plain), steps
