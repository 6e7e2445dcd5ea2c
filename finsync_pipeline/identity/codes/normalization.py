"""How codes are written, taken off: case, blanks, separators, labels, what a spreadsheet made of them.

`plain_forms` gives each text in ever plainer forms, so that a list in which `A-1` and `A1` are different companies
still finds each by the plainest form that tells them apart. Here is also what looks alike in other scripts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.schemes import Scheme

Steps = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Words = npt.NDArray[np.object_]

#: What may be read differently, in the order in which it is told.
STEPS = (
    *("in plain characters", "without invisible characters", "without quotes", "upper case", "without label"),
    *("without .0", "scientific notation written out", "without blanks", "without separators"),
    *("zeros put back", "leading zeros left out"),
)
(PLAIN, INVISIBLE, QUOTES, UPPER, LABEL, POINT, SCIENTIFIC, BLANKS, SEPARATORS, ZEROS_BACK, ZEROS_OFF) = (
    1 << place for place in range(len(STEPS))
)
#: The forms by which a code is looked up, the most literal first.
FORMS = ("exact", "written", "bare", "zeros")

#: So many zeros are put back at most: a shorter number is some other number.
MOST_ZEROS_BACK = 4
#: Longer texts are compared as they are only.
LONGEST_WRITTEN = 256

_QUOTES = "'\"`‘’‚‛´ʼ′“”„«»"  # noqa: RUF001
_UNSEEN = (
    r"[\p{Cf}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{34f}\x{115f}\x{1160}\x{180b}-\x{180e}\x{3164}\x{fe00}-\x{fe0f}]"
)
_NUMBER_WITH_SIGNS = r"^[+-]?\d+(?:[.,]\d+)?$"
_NUMBER_WITH_EXPONENT = r"^[+-]?\d+(?:[.,]\d+)?E[+-]?\d+$"
_PADDED = r"^([A-Z]*)0+(\d+)$"

_CYRILLIC = dict(zip("АВЕЗКМНОРСТУХІЈЅԚԜҮаеорсухіјѕԛԝү", "ABE3KMHOPCTYXIJSQWYaeopcyxijsqwy", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρικυχ", "ABEZHIKMNOPTYXoavpikux", strict=True))
_OTHER = dict(zip("ıłøØ", "ilOO", strict=True))
#: Letters of other scripts that look like a Latin one.
_LATIN = _CYRILLIC | _GREEK | _OTHER
_AS_LATIN = str.maketrans(_LATIN)


@dataclass(frozen=True)
class Forms:
    """Texts in three forms, and for each form what was taken off, as bits of `STEPS`.

    `written`: NFKC, upper case, without invisible characters and without blanks and quotes around. `bare`: without
    label, blanks and separators too; blank where the text is a number of which digits are lost. `zeros`: without
    regard to zeros in front. Blank for texts beyond `LONGEST_WRITTEN` bytes.
    """

    written: pa.Array
    bare: pa.Array
    zeros: pa.Array
    steps: dict[str, Steps]

    def take(self, rows: Rows) -> Forms:
        """The forms of these rows."""
        forms = {name: take(getattr(self, name), rows) for name in FORMS[1:]}
        return Forms(**forms, steps={name: steps[rows] for name, steps in self.steps.items()})


def as_text(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One large_string array, whatever kind of text column it was; nulls stay."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if pa.types.is_dictionary(texts.type):
        texts = texts.dictionary_decode()
    return texts.cast(pa.large_string())


def take(texts: pa.Array, rows: npt.NDArray[np.integer]) -> pa.Array:
    """The texts of these rows."""
    return texts.take(pa.array(rows.astype(np.int64, copy=False)))


def flags(values: pa.Array) -> npt.NDArray[np.bool_]:
    """An Arrow array of booleans without nulls as one of NumPy."""
    return np.asarray(values.to_numpy(zero_copy_only=False))


def plain_forms(texts: pa.Array, scheme: Scheme) -> Forms:
    """The forms of a large_string array without nulls."""
    is_long = pc.greater(pc.binary_length(texts), LONGEST_WRITTEN)
    texts = pc.if_else(is_long, "", texts) if pc.any(is_long).as_py() else texts
    is_odd = pc.match_substring_regex(texts, r"[^0-9A-Z]")
    if scheme.label is not None:
        is_odd = pc.or_(is_odd, pc.match_substring_regex(texts, scheme.label))
    rows = np.flatnonzero(flags(is_odd))
    written, outer = _changed(take(texts, rows), _OUTER)
    bare, inner = _changed(written, [*_label_changes(scheme), *_INNER])
    of_written, of_bare = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.int64)
    of_written[rows], of_bare[rows] = outer, outer | inner
    bare = _replaced(texts, rows, bare)
    zeros, of_zeros = _without_regard_to_zeros(bare, scheme)
    steps = {"written": of_written, "bare": of_bare, "zeros": of_bare | of_zeros}
    return Forms(_replaced(texts, rows, written), bare, zeros, steps)


def search_keys(forms: Forms, scheme: Scheme) -> pa.Array:
    """What is compared for typing errors: the plainest form, in Latin letters alone."""
    keys = forms.zeros if scheme.is_number or scheme.length is not None else forms.bare
    if scheme.is_number:
        keys = pc.replace_substring_regex(keys, "^[0OQD]+(.+)$", r"\1")
    foreign = np.flatnonzero(~flags(pc.string_is_ascii(keys)))
    latin = pc.replace_substring_regex(in_latin_letters(take(keys, foreign)), r"[^\x00-\x7f]", "\x7f")
    return _replaced(keys, foreign, latin)


def in_latin_letters(texts: pa.Array) -> pa.Array:
    """Texts in NFKC, letters of other scripts read as the Latin ones that look the same."""
    read = [unicodedata.normalize("NFKC", text).translate(_AS_LATIN) for text in texts.to_pylist()]
    return pa.array(read, pa.large_string())


def letters_read(text: str) -> str:
    """What `in_latin_letters` read: `'А' (Cyrillic) read as 'A' at 3`, places counted from 1."""  # noqa: RUF002
    return ", ".join(
        f"'{letter}' ({unicodedata.name(letter, '?').split()[0].capitalize()}) read as '{_LATIN[letter]}' at {at}"
        for at, letter in enumerate(text, start=1)
        if letter in _LATIN
    )


def steps_in_words(steps: Steps) -> Words:
    """The names of the steps of each row, with commas between; blank where there are none."""
    kinds, places = np.unique(steps, return_inverse=True)
    names = [", ".join(name for place, name in enumerate(STEPS) if kind >> place & 1) for kind in kinds.tolist()]
    return np.array(names, dtype=object)[places]


def joined(first: Words, second: Words) -> Words:
    """Both texts of each row with a comma between, where neither is blank."""
    words = np.full(len(first), "", dtype=object)
    words[:] = [", ".join(filter(None, pair)) for pair in zip(first, second, strict=True)]
    return words


def read_number(text: str) -> str:
    """A number's digits, where all of them are there; blank where some are lost, or it is a fraction or negative."""
    if found := re.fullmatch(r"(\d+)[.,]00?", text):
        return found[1]
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3}){2,}", text) or text.isdigit():
        return text
    if found := re.fullmatch(r"(\d)(?:[.,](\d+))?E\+?(\d{1,2})", text):
        digits, whole = found[1] + (found[2] or ""), int(found[3]) + 1
        if len(digits) >= whole > 1 and not digits[whole:].strip("0"):
            return digits[:whole]
    return text if re.fullmatch(r"\d+E\d+", text) else ""


_Change = tuple[int, Callable[[pa.Array], pa.Array]]


def _changed(texts: pa.Array, changes: list[_Change]) -> tuple[pa.Array, Steps]:
    """The texts after all changes, and which of them changed each text."""
    steps = np.zeros(len(texts), dtype=np.int64)
    for step, change in changes:
        after = change(texts)
        steps[flags(pc.not_equal(after, texts))] |= step
        texts = after
    return texts, steps


def _in_plain_characters(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFKC"), r"[\p{Pd}\x{2212}]", "-")


def _numbers_read(texts: pa.Array, pattern: str) -> pa.Array:
    rows = np.flatnonzero(flags(pc.match_substring_regex(texts, pattern)))
    return _replaced(texts, rows, pa.array(map(read_number, take(texts, rows).to_pylist()), pa.large_string()))


def _dropping(pattern: str) -> Callable[[pa.Array], pa.Array]:
    return partial(pc.replace_substring_regex, pattern=pattern, replacement="")


def _label_changes(scheme: Scheme) -> list[_Change]:
    if scheme.label is None:
        return []
    return [(LABEL, partial(pc.replace_substring_regex, pattern=scheme.label, replacement=r"\1"))]


_OUTER: list[_Change] = [
    (PLAIN, _in_plain_characters),
    (INVISIBLE, _dropping(_UNSEEN)),
    (UPPER, pc.utf8_upper),
    (BLANKS, pc.utf8_trim_whitespace),
    (QUOTES, partial(pc.utf8_trim, characters=" =" + _QUOTES)),
]
_INNER: list[_Change] = [
    (POINT, partial(_numbers_read, pattern=_NUMBER_WITH_SIGNS)),
    (SCIENTIFIC, partial(_numbers_read, pattern=_NUMBER_WITH_EXPONENT)),
    (BLANKS, _dropping(r"[\s\p{Z}]")),
    (QUOTES, _dropping(f"[{_QUOTES}]")),
    (SEPARATORS, _dropping(r"[-_./\\,:;|()\[\]{}=#]")),
]


def _replaced(texts: pa.Array, rows: Rows, changed: pa.Array) -> pa.Array:
    """The texts with other ones in these (ascending) rows."""
    if len(rows) == 0 or len(rows) == len(texts):
        return texts if len(rows) == 0 else changed
    places = np.arange(len(texts))
    places[rows] = len(texts) + np.arange(len(rows))
    return take(pa.concat_arrays([texts, changed]), places)


def _without_regard_to_zeros(bare: pa.Array, scheme: Scheme) -> tuple[pa.Array, Steps]:
    """`COMP000012` as `COMP12`, or numbers filled up with zeros where all codes have one length."""
    if scheme.length is None:
        zeros = pc.replace_substring_regex(bare, _PADDED, r"\1\2")
        return zeros, np.where(flags(pc.equal(zeros, bare)), ZEROS_BACK, ZEROS_OFF)
    lengths = pc.binary_length(bare).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero((lengths >= scheme.length - MOST_ZEROS_BACK) & (lengths < scheme.length))
    rows = rows[flags(pc.match_substring_regex(take(bare, rows), r"^\d+$"))]
    padded = pc.utf8_lpad(take(bare, rows), scheme.length, "0")
    steps = np.full(len(bare), ZEROS_OFF)
    steps[rows] = ZEROS_BACK
    return _replaced(bare, rows, padded), steps
