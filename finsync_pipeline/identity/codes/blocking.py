"""All pairs of a text and a listed code that are near to each other, without comparing each with each.

Two strings within two edits have a rest in common once at most two characters are deleted from each (Bocek and others
2007, "Fast similarity search in large dictionaries"). A long code has many such rests, so it is cut in two where that
pays: one half has one edit at most, and rests without one character of a half are enough; a transposition across the
cut counts as a substitution in each half, and the text's half may be one longer or shorter than the code's. Rests are
joined by DuckDB; what they have in common is then compared by RapidFuzz.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import OSA, Postfix, Prefix
from rapidfuzz.process import cdist, cpdist

from finsync_pipeline import frames
from finsync_pipeline.identity.codes.normalization import Words, take
from finsync_pipeline.identity.results import Companies

Places = npt.NDArray[np.int64]

LOOK_ALIKES = ("0OQD", "1IL", "5S", "8B", "2Z", "6G", "UV")
#: So many look-alike characters are read at most, where a text differs in nothing else.
MOST_LOOK_ALIKES = 4
#: What an edit costs, and what a look-alike character does.
EDIT, LOOK_ALIKE = 10, 4

_LOOKS = "".join(group[1:] for group in LOOK_ALIKES)
_READ_AS = "".join(group[0] * (len(group) - 1) for group in LOOK_ALIKES)
_FOLD = bytes.maketrans(_LOOKS.encode(), _READ_AS.encode())

#: A code is cut in two only if its halves are long enough, and few codes share one: for each rest that is spared so many.
_SHORTEST_HALF, _MOST_SHARING = 4, 0.1
_SAMPLE, _SEED = 4_000, 7
#: Texts are asked in blocks with so many rests, pairs are compared in blocks: what bounds the memory.
_MOST_RESTS, _PAIRS_AT_ONCE = 1 << 23, 1 << 20

_RESTS = f"""
    SELECT number, hash(part, concat(substr(text, a, a_length), substr(text, b, b_length), substr(text, c, c_length)))
        AS rest
    FROM {{side}} JOIN {{side}}_windows USING (length)
    UNION ALL
    SELECT number, hash(-1, translate(text, '{_LOOKS}', '{_READ_AS}')) FROM {{side}}
"""
_JOIN = f"""
    SELECT DISTINCT asked.number AS text, listed.number AS code
    FROM ({_RESTS.format(side="asked")}) AS asked JOIN ({_RESTS.format(side="listed")}) AS listed USING (rest)
"""
#: The length of a string, the part that must be the same, and the start and length of three pieces of it.
_WINDOW = pa.schema([(n, pa.int32()) for n in ("length", "part", "a", "a_length", "b", "b_length", "c", "c_length")])


@dataclass(frozen=True)
class Keys:
    """What is compared: ASCII texts (large_string); `cuts` holds for each length where it is cut in two, or 0."""

    texts: pa.Array
    cuts: dict[int, int]

    @classmethod
    def of(cls, texts: pa.Array) -> Keys:
        """Find the best cut for each length, on a sample."""
        lengths = _lengths(texts)
        return cls(texts, {int(n): _best_cut(texts, np.flatnonzero(lengths == n), int(n)) for n in np.unique(lengths)})


@dataclass(frozen=True)
class Pairs:
    """Pairs of the place of a text and of a key, by text and key. `edits` by optimal string alignment, and `costs`.

    A look-alike character costs `LOOK_ALIKE`, any other edit `EDIT`.
    """

    texts: Places
    keys: Places
    edits: npt.NDArray[np.int64]
    costs: npt.NDArray[np.int64]

    @property
    def is_alike(self) -> npt.NDArray[np.bool_]:
        """Whether the two differ in look-alike characters only, if at all."""
        return np.asarray(self.costs == LOOK_ALIKE * self.edits)

    def where(self, kept: npt.NDArray[Any]) -> Pairs:
        """Some of them."""
        return Pairs(self.texts[kept], self.keys[kept], self.edits[kept], self.costs[kept])


def near_pairs(texts: pa.Array, keys: Keys, edits: int) -> Pairs:
    """All pairs within so many edits (0 to 2), and those that differ by up to four look-alike characters only."""
    windows = _windows_of_codes(keys.cuts, edits), _windows_of_texts(keys.cuts, edits)
    listed, listed_windows = _numbered(keys.texts), _as_frame(windows[0])
    rests = max(np.bincount([window[0] for window in windows[1]]).max(initial=1), 1)
    found = [Pairs(*(np.empty(0, np.int64),) * 4)]
    step = int(_MOST_RESTS // rests)
    for start in range(0, len(texts), step):
        asked, asked_windows = _numbered(texts[start : start + step], start), _as_frame(windows[1])
        pairs = frames.query(
            _JOIN, asked=asked, asked_windows=asked_windows, listed=listed, listed_windows=listed_windows
        )
        text, key = (pairs[side].to_numpy(np.int64) for side in ("text", "code"))
        found += [
            _compared(
                texts, text[block : block + _PAIRS_AT_ONCE], keys.texts, key[block : block + _PAIRS_AT_ONCE], edits
            )
            for block in range(0, len(text), _PAIRS_AT_ONCE)
        ]
    columns = [np.concatenate(column) for column in zip(*((p.texts, p.keys, p.edits, p.costs) for p in found))]
    order = np.lexsort((columns[1], columns[0]))
    return Pairs(*(column[order] for column in columns))


def pairs_of_each(texts: pa.Array, keys: pa.Array, edits: int) -> Pairs:
    """The same by comparing each text with each key: for few of them, or where most are near."""
    sides = texts.to_pylist(), keys.to_pylist()
    distances = cdist(*sides, scorer=OSA.distance, score_cutoff=MOST_LOOK_ALIKES, dtype=np.uint8, workers=1)
    text, key = np.nonzero(distances <= MOST_LOOK_ALIKES)
    return _compared(texts, text, keys, key, edits)


def edits_between(texts: pa.Array, codes: pa.Array) -> npt.NDArray[np.int64]:
    """Edits by optimal string alignment from each text to the code beside it; beyond four not how many."""
    sides = texts.to_pylist(), codes.to_pylist()
    found = cpdist(*sides, scorer=OSA.distance, score_cutoff=MOST_LOOK_ALIKES, dtype=np.uint8, workers=1)
    return np.asarray(found, dtype=np.int64)


def _folded(texts: pa.Array) -> pa.Array:
    """ASCII texts with one character for all that look alike."""
    _, offsets, data = texts.buffers()
    read = pa.py_buffer((data.to_pybytes() if data else b"").translate(_FOLD))
    return pa.Array.from_buffers(texts.type, len(texts), [None, offsets, read], offset=texts.offset)


def nearest(pairs: Pairs, companies: Companies) -> tuple[Places, Places]:
    """The best pair of each text that has one, and the best with another company; places in `pairs`, -1 for none.

    `companies` are those of the keys. Of pairs that cost the same, the first company and key come first.
    """
    order = np.lexsort((pairs.keys, companies, pairs.costs, pairs.texts))
    texts = pairs.texts[order]
    is_first = np.diff(texts, prepend=-1) != 0
    best = order[is_first]
    others = np.flatnonzero(companies[order] != companies[best][np.cumsum(is_first) - 1])
    rivalled, first = np.unique(texts[others], return_index=True)
    rival = np.full(len(best), -1)
    rival[np.searchsorted(texts[is_first], rivalled)] = order[others[first]]
    return best, rival


def repairs_in_words(texts: pa.Array, codes: pa.Array) -> Words:
    """What was read for what in each text: `'O4' read as '04' at 4`, places counted from 1; blank for the same."""
    sides = texts.to_pylist(), codes.to_pylist()
    fronts, backs = (cpdist(*sides, scorer=end.similarity, dtype=np.int64, workers=1) for end in (Prefix, Postfix))
    words = np.full(len(fronts), "", dtype=object)
    for at, (text, code, front, back) in enumerate(zip(*sides, fronts.tolist(), backs.tolist(), strict=True)):
        back = min(back, len(text) - front, len(code) - front)
        wrong, right = text[front : len(text) - back], code[front : len(code) - back]
        if wrong and right:
            words[at] = f"'{wrong}' read as '{right}' at {front + 1}"
        elif wrong or right:
            words[at] = f"'{wrong}' left out at {front + 1}" if wrong else f"'{right}' put in at {front + 1}"
    return words


def _compared(texts: pa.Array, text: Places, keys: pa.Array, key: Places, edits: int) -> Pairs:
    distances = edits_between(take(texts, text), take(keys, key))
    some = np.flatnonzero(distances <= MOST_LOOK_ALIKES)
    folded = edits_between(_folded(take(texts, text[some])), _folded(take(keys, key[some])))
    near = (distances[some] <= edits) | (folded == 0)
    some, folded = some[near], folded[near]
    distances = distances[some]
    return Pairs(text[some], key[some], distances, EDIT * folded + LOOK_ALIKE * (distances - folded))


def _windows_of_codes(cuts: dict[int, int], edits: int) -> list[tuple[int, ...]]:
    windows: list[tuple[int, ...]] = []
    for length, cut in cuts.items():
        if cut and edits == 2:
            for part, first, last in ((2 * length, 1, cut), (2 * length + 1, cut + 1, length)):
                windows += _windows(length, part, first, last, deleted=(0, 1))
        else:
            windows += _windows(length, 0, 1, length, deleted=range(edits + 1) if edits else ())
    return windows


def _windows_of_texts(cuts: dict[int, int], edits: int) -> list[tuple[int, ...]]:
    windows: set[tuple[int, ...]] = set()
    for code_length, cut in cuts.items():
        back = code_length - cut
        for length in range(max(code_length - edits, 1), code_length + edits + 1):
            if cut and edits == 2:
                for longer in (0, 1):
                    windows |= {*_windows(length, 2 * code_length, 1, cut + longer, deleted=(1,))}
                    windows |= {
                        *_windows(length, 2 * code_length + 1, length - back + 1 - longer, length, deleted=(1,))
                    }
            else:
                windows |= {*_windows(length, 0, 1, length, deleted=range(edits + 1) if edits else ())}
    return sorted(windows)


def _windows(length: int, part: int, first: int, last: int, deleted: Iterable[int]) -> Iterator[tuple[int, ...]]:
    """The rests of the characters from `first` to `last` without so many of them, each as three pieces."""
    for count in deleted:
        for places in combinations(range(first, last + 1), count):
            i, j = (*places, last + 1, last + 2)[:2]
            yield length, part, first, i - first, i + 1, max(j - i - 1, 0), j + 1, max(last - j, 0)


def _as_frame(windows: list[tuple[int, ...]]) -> pd.DataFrame:
    columns = np.array(windows, dtype=np.int32).reshape(-1, len(_WINDOW)).T
    return frames.from_arrow(pa.Table.from_arrays([pa.array(column) for column in columns], schema=_WINDOW))


def _numbered(texts: pa.Array, start: int = 0) -> pd.DataFrame:
    numbers = pa.array(np.arange(start, start + len(texts), dtype=np.int32))
    return frames.from_arrow(pa.table({"number": numbers, "text": texts, "length": pc.utf8_length(texts)}))


def _lengths(texts: pa.Array) -> Places:
    return pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)


def _best_cut(texts: pa.Array, rows: Places, length: int) -> int:
    """Where the fewest codes share a half by chance; 0 where these are not few enough to spare the rests of wholes."""
    sample = np.random.default_rng(_SEED).choice(rows, min(_SAMPLE, len(rows)), replace=False)
    codes = take(texts, np.sort(sample))

    def sharing(place: int) -> float:
        back = length - place
        whole = _equal(codes, 0, place), _equal(codes, place, length)
        nearly = _equal(codes, 0, place - 1), _equal(codes, place + 1, length)
        either = (w + n**2 * max(most - w, 0) for w, most, n in zip(whole, nearly, (place, back), strict=True))
        return len(rows) * sum(either)

    places = range(_SHORTEST_HALF, length - _SHORTEST_HALF + 1)
    shared, best = min(((sharing(place), place) for place in places), default=(np.inf, 0))
    return best if shared <= _MOST_SHARING * length**2 else 0


def _equal(codes: pa.Array, start: int, stop: int) -> float:
    """The chance that two of them are equal between these places."""
    counts = pc.value_counts(pc.utf8_slice_codeunits(codes, start, stop)).field("counts").to_numpy().astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(len(codes) * (len(codes) - 1), 1))
