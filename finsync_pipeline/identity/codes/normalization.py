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
Places = npt.NDArray[np.int64]
Words = npt.NDArray[np.object_]

#: What may be read differently, in the order in which it is listed; letters are listed one by one.
STEPS = (
    *("letters", "in plain characters", "without invisible characters", "without quotes", "upper case"),
    *("without label", "without .0", "scientific notation written out", "without blanks", "without separators"),
    *("zeros put back", "leading zeros left out"),
)
LETTERS, PLAIN, INVISIBLE, QUOTES, UPPER, LABEL, POINT, SCIENTIFIC, BLANKS, SEPARATORS, ZEROS_BACK, ZEROS_OFF = (
    1 << place for place in range(len(STEPS))
)
#: The forms by which a code is looked up, the most literal first.
FORMS = ("exact", "written", "bare", "zeros")

#: The most zeros that are put back: a shorter number is some other. Longer texts are compared as they are only.
MOST_ZEROS_BACK, LONGEST_WRITTEN = 4, 256

_QUOTES = "'\"`‘’‚‛´ʼ′“”„«»"  # noqa: RUF001
_UNSEEN = (
    r"[\p{Cf}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{34f}\x{115f}\x{1160}\x{180b}-\x{180e}\x{3164}\x{fe00}-\x{fe0f}]"
)

#: Letters of other scripts that look like a Latin one.
_LATIN = dict(zip("АВЕЗКМНОРСТУХІЈЅԚԜҮаеорсухіјѕԛԝү", "ABE3KMHOPCTYXIJSQWYaeopcyxijsqwy", strict=True))
_LATIN |= dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρικυχıłøØ", "ABEZHIKMNOPTYXoavpikuxilOO", strict=True))
_AS_LATIN = str.maketrans(_LATIN)


@dataclass(frozen=True, eq=False)
class Forms:
    """Texts in each of `FORMS` (large_string), and for each form what was read differently, as bits of `STEPS`.

    `written`: NFKC, upper case, without invisible characters and without blanks and quotes around. `bare`: in Latin
    letters, without label, blanks and separators; blank where the text is a number of which digits are lost.
    `zeros`: without regard to zeros in front. All but `exact` are blank for texts beyond `LONGEST_WRITTEN` bytes.
    """

    texts: dict[str, pa.Array]
    steps: dict[str, Steps]

    def steps_in_words(self, form: str, places: Places) -> Words:
        """What was read differently for the form of some texts, with commas between; blank where nothing was."""
        kinds, kind = np.unique(self.steps[form][places], return_inverse=True)
        names = [", ".join(name for at, name in enumerate(STEPS) if at and each >> at & 1) for each in kinds.tolist()]
        words = np.array([*names, ""], dtype=object)[kind]
        some = np.flatnonzero(self.steps[form][places] & LETTERS)
        letters = map(_letters_read, self.texts["exact"].take(places[some]).to_pylist())
        words[some] = [joined(each, word) for each, word in zip(letters, words[some], strict=True)]
        return words


def as_text(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One large_string array, whatever kind of text column it was; nulls stay."""
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return (texts.dictionary_decode() if pa.types.is_dictionary(texts.type) else texts).cast(pa.large_string())


def plain_forms(texts: pa.Array, scheme: Scheme) -> Forms:
    """The forms of a large_string array without nulls."""
    short = pc.if_else(pc.greater(pc.binary_length(texts), LONGEST_WRITTEN), "", texts)
    is_odd = pc.match_substring_regex(short, r"[^0-9A-Z]")
    is_odd = pc.or_(is_odd, pc.match_substring_regex(short, scheme.label))
    written, outer = _changed(short.filter(is_odd), _OUTER)
    bare, inner = _changed(written, [(LABEL, _replacing(scheme.label, r"\1")), *_INNER])
    forms = {"exact": texts, "written": pc.replace_with_mask(short, is_odd, written)}
    forms["bare"] = pc.replace_with_mask(short, is_odd, bare)
    steps = {form: np.zeros(len(texts), dtype=np.int64) for form in FORMS}
    steps["written"][np.asarray(is_odd)], steps["bare"][np.asarray(is_odd)] = outer, outer | inner
    forms["zeros"], steps["zeros"] = _without_regard_to_zeros(forms["bare"], scheme)
    steps["zeros"] |= steps["bare"]
    return Forms(forms, steps)


def search_keys(forms: Forms, scheme: Scheme) -> pa.Array:
    """What is compared for typing errors: the plainest form, in ASCII."""
    keys = forms.texts["zeros" if scheme.is_number or scheme.length is not None else "bare"]
    if scheme.is_number:
        keys = pc.replace_substring_regex(keys, "^[0OQD]+(.+)$", r"\1")
    return pc.replace_substring_regex(keys, r"[^\x00-\x7f]", "\x7f")


def joined(*words: str) -> str:
    """Words with commas between, but for blank ones."""
    return ", ".join(filter(None, words))


def read_number(text: str) -> str:
    """A number's digits, where all of them are there; blank where some are lost, or it is a fraction or negative."""
    if found := re.fullmatch(r"(\d+)[.,]00?", text):
        return found[1]
    if found := re.fullmatch(r"(\d)(?:[.,](\d+))?E\+?(\d{1,2})", text):
        digits, whole = found[1] + (found[2] or ""), int(found[3]) + 1
        if len(digits) >= whole > 1 and not digits[whole:].strip("0"):
            return digits[:whole]
    return text if re.fullmatch(r"\d+(?:E\d+)?|\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3}){2,}", text) else ""


_Change = tuple[int, Callable[[pa.Array], pa.Array]]


def _changed(texts: pa.Array, changes: list[_Change]) -> tuple[pa.Array, Steps]:
    """The texts after all changes, and which of them changed each text."""
    steps = np.zeros(len(texts), dtype=np.int64)
    for step, change in changes:
        after = change(texts)
        steps[np.asarray(pc.not_equal(after, texts))] |= step
        texts = after
    return texts, steps


def _letters_read(text: str) -> str:
    """What is read in Latin letters: `'А' (Cyrillic) read as 'A' at 3`, places counted from 1."""  # noqa: RUF002
    foreign = [
        (at, letter, unicodedata.name(letter, "?")) for at, letter in enumerate(text, start=1) if letter in _LATIN
    ]
    return joined(*(f"'{x}' ({name.split()[0].capitalize()}) read as '{_LATIN[x]}' at {at}" for at, x, name in foreign))


def _in_latin_letters(texts: pa.Array) -> pa.Array:
    is_foreign = pc.invert(pc.string_is_ascii(texts))
    read = [text.translate(_AS_LATIN) for text in texts.filter(is_foreign).to_pylist()]
    return pc.replace_with_mask(texts, is_foreign, pa.array(read, pa.large_string()))


def _replacing(pattern: str, replacement: str = "") -> Callable[[pa.Array], pa.Array]:
    return partial(pc.replace_substring_regex, pattern=pattern, replacement=replacement)


def _numbers_read(texts: pa.Array, pattern: str) -> pa.Array:
    is_number = pc.match_substring_regex(texts, pattern)
    read = [read_number(text) for text in texts.filter(is_number).to_pylist()]
    return pc.replace_with_mask(texts, is_number, pa.array(read, pa.large_string()))


_OUTER: list[_Change] = [
    (PLAIN, partial(pc.utf8_normalize, form="NFKC")),
    (PLAIN, _replacing(r"[\p{Pd}\x{2212}]", "-")),
    (INVISIBLE, _replacing(_UNSEEN)),
    (UPPER, pc.utf8_upper),
    (BLANKS, pc.utf8_trim_whitespace),
    (QUOTES, partial(pc.utf8_trim, characters=" =" + _QUOTES)),
]
_INNER: list[_Change] = [
    (LETTERS, _in_latin_letters),
    (POINT, partial(_numbers_read, pattern=r"^[+-]?\d+(?:[.,]\d+)?$")),
    (SCIENTIFIC, partial(_numbers_read, pattern=r"^[+-]?\d+(?:[.,]\d+)?E[+-]?\d+$")),
    (BLANKS, _replacing(r"[\s\p{Z}]")),
    (QUOTES, _replacing(f"[{_QUOTES}]")),
    (SEPARATORS, _replacing(r"[-_./\\,:;|()\[\]{}=#]")),
]


def _without_regard_to_zeros(bare: pa.Array, scheme: Scheme) -> tuple[pa.Array, Steps]:
    """`COMP000012` as `COMP12`, or numbers filled up with zeros where all codes have one length."""
    if scheme.length is None:
        zeros = pc.replace_substring_regex(bare, r"^([A-Z]*)0+(\d+)$", r"\1\2")
        return zeros, np.where(np.asarray(pc.equal(zeros, bare)), ZEROS_BACK, ZEROS_OFF)
    is_short = pc.match_substring_regex(bare, rf"^\d{{{scheme.length - MOST_ZEROS_BACK},{scheme.length - 1}}}$")
    padded = pc.replace_with_mask(bare, is_short, pc.utf8_lpad(bare.filter(is_short), scheme.length, "0"))
    return padded, np.where(np.asarray(is_short), ZEROS_BACK, ZEROS_OFF)
