"""Characters that are read for one another: letters of other scripts, and 0 for O, 1 for I, 5 for S."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa

from finsync_pipeline.identity.codes.bytes_of import Bytes
from finsync_pipeline.identity.codes.distance import LOOK_ALIKES

_CYRILLIC = dict(zip("АВЕЗКМНОРСТУХІЈЅԚԜҮаеорсухіјѕԛԝү", "ABE3KMHOPCTYXIJSQWYaeopcyxijsqwy", strict=True))
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρικυχ", "ABEZHIKMNOPTYXoavpikux", strict=True))
_OTHER = dict(zip("ıłøØ", "ilOO", strict=True))
#: Letters of other scripts that look like a Latin one.
_LETTERS = _CYRILLIC | _GREEK | _OTHER
SCRIPTS: dict[int, str] = str.maketrans(_LETTERS)

_FOLDED = np.arange(256, dtype=np.uint8)
for _alike in LOOK_ALIKES:
    _FOLDED[list(_alike.encode())] = ord(_alike[0])


def in_latin_letters(texts: pa.Array) -> pa.Array:
    """NFKC texts with letters of other scripts read as the Latin ones that look the same."""
    return pa.array(
        [unicodedata.normalize("NFKC", text).translate(SCRIPTS) for text in texts.to_pylist()], pa.large_string()
    )


def letters_read(text: str) -> list[str]:
    """What was read for what: `'А' (Cyrillic) read as 'A' at 3`, places counted from 1."""  # noqa: RUF002
    return [
        f"'{letter}' ({unicodedata.name(letter, '?').split()[0].capitalize()}) read as '{_LETTERS[letter]}' at {at}"
        for at, letter in enumerate(text, start=1)
        if letter in _LETTERS
    ]


def folded(matrix: Bytes) -> Bytes:
    """Codes with one character for all that look alike."""
    return _FOLDED[matrix]
