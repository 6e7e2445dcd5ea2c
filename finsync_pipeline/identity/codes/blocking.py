"""All pairs of a text and a listed code that are near to each other, without comparing each with each.

Two strings within two edits have a rest in common once at most two characters are deleted from each (Bocek and others
2007, "Fast similarity search in large dictionaries"). A long code has many such rests, so it is cut in two where that
pays: one half has one edit at most (a transposition across the cut is a substitution in each), and rests of halves
without one character are enough. Rests are joined by DuckDB; what has one in common is compared by RapidFuzz.

Pairs are a frame: places of `text` and `key`, `edits` by optimal string alignment, and `cost`, in which a look-alike
character counts `LOOK_ALIKE` and any other edit `EDIT`. Keys are ASCII (large_string), and `cuts` hold for each length
of them where they are cut in two, or 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import OSA, Postfix, Prefix
from rapidfuzz.process import cpdist

from finsync_pipeline import frames
from finsync_pipeline.identity.codes.normalization import Places, Words

LOOK_ALIKES = ("0OQD", "1IL", "5S", "8B", "2Z", "6G", "UV")
#: The most look-alike characters that are read, where a text differs in nothing else.
MOST_LOOK_ALIKES = 4
EDIT, LOOK_ALIKE = 10, 4

_LOOKS = "".join(group[1:] for group in LOOK_ALIKES)
_READ_AS = "".join(group[0] * (len(group) - 1) for group in LOOK_ALIKES)
_FOLD = bytes.maketrans(_LOOKS.encode(), _READ_AS.encode())

#: The shortest half; the most codes of a sample that share a half, for each rest that halves spare; the sample.
_SHORTEST_HALF, _MOST_SHARING, _SAMPLE, _SEED = 4, 0.1, 4_000, 7
#: What bounds the memory: rests of the texts that are joined at once, and pairs that are compared at once.
_MOST_RESTS, _PAIRS_AT_ONCE = 1 << 23, 1 << 20

_RESTS = f"""
    SELECT number, hash(part, concat(substr(text, a, a_length), substr(text, b, b_length), substr(text, c, c_length)))
        AS rest
    FROM {{side}} JOIN {{side}}_windows USING (length)
    UNION ALL
    SELECT number, hash(-1, translate(text, '{_LOOKS}', '{_READ_AS}')) FROM {{side}}
"""
_JOIN = f"""
    SELECT DISTINCT asked.number AS text, listed.number AS key
    FROM ({_RESTS.format(side="asked")}) AS asked JOIN ({_RESTS.format(side="listed")}) AS listed USING (rest)
"""
#: The length of a string, the part that must be the same, and the start and length of three pieces of it.
_WINDOW = ["length", "part", "a", "a_length", "b", "b_length", "c", "c_length"]


def best_cuts(keys: pa.Array) -> dict[int, int]:
    """The best cut for each length, found on a sample."""
    lengths = np.asarray(pc.utf8_length(keys))
    return {n: _best_cut(keys, np.flatnonzero(lengths == n), n) for n in np.unique(lengths).tolist()}


def near_pairs(texts: pa.Array, keys: pa.Array, cuts: dict[int, int], edits: int) -> pd.DataFrame:
    """All pairs within these edits (0 to 2), and those that differ by up to four look-alike characters only."""
    sides = {"listed": _numbered(keys), "listed_windows": _windows(cuts, edits, slack=0)}
    sides["asked_windows"] = _windows(cuts, edits, slack=edits)
    step = _MOST_RESTS // int(sides["asked_windows"]["length"].value_counts().max() if edits else 1)
    found = [_compared(texts, np.empty(0, np.int64), keys, np.empty(0, np.int64), edits)]
    for start in range(0, len(texts), step):
        pairs = frames.query(_JOIN, asked=_numbered(texts[start : start + step], start), **sides)
        text, key = (pairs[side].to_numpy(np.int64) for side in ("text", "key"))
        for at in range(0, len(pairs), _PAIRS_AT_ONCE):
            some = slice(at, at + _PAIRS_AT_ONCE)
            found.append(_compared(texts, text[some], keys, key[some], edits))
    return pd.concat(found).sort_values(["text", "key"], ignore_index=True)


def edits_between(texts: pa.Array, codes: pa.Array) -> npt.NDArray[np.int64]:
    """Edits by optimal string alignment from each text to the code beside it; beyond four not how many."""
    sides = texts.to_pylist(), codes.to_pylist()
    found = cpdist(*sides, scorer=OSA.distance, score_cutoff=MOST_LOOK_ALIKES, dtype=np.uint8, workers=1)
    return np.asarray(found, dtype=np.int64)


def nearest(pairs: pd.DataFrame) -> pd.DataFrame:
    """The best pair of each text that has one; `rival` and `rival_cost` are of its nearest other company, else -1, nan.

    `pairs` have a column `company`. Of pairs that cost the same the first company and key come first.
    """
    pairs = pairs.sort_values(["text", "cost", "company", "key"])
    best = pairs.drop_duplicates("text").set_index("text")
    others = pairs[pairs["company"].to_numpy() != best["company"].reindex(pairs["text"]).to_numpy()]
    rivals = others.drop_duplicates("text").set_index("text").reindex(best.index)
    rival = rivals["company"].fillna(-1).astype(np.int32)
    return best.assign(rival=rival, rival_cost=rivals["cost"].astype(float)).reset_index()


def repairs_in_words(texts: pa.Array, codes: pa.Array) -> Words:
    """What was read for what in each text: `'O4' read as '04' at 4`, counted from 1; blank where both are the same."""
    sides = texts.to_pylist(), codes.to_pylist()
    fronts, backs = (cpdist(*sides, scorer=end.similarity, dtype=np.int64, workers=1) for end in (Prefix, Postfix))
    words = np.empty(len(fronts), dtype=object)
    for at, (text, code, front, back) in enumerate(zip(*sides, fronts.tolist(), backs.tolist(), strict=True)):
        back = min(back, len(text) - front, len(code) - front)
        wrong, right = text[front : len(text) - back], code[front : len(code) - back]
        done = f"read as '{right}'" if wrong and right else "left out" if wrong else "put in"
        words[at] = f"'{wrong or right}' {done} at {front + 1}" if wrong or right else ""
    return words


def _compared(texts: pa.Array, text: Places, keys: pa.Array, key: Places, edits: int) -> pd.DataFrame:
    """Those of the pairs that are within this number of edits, or look alike."""
    pairs = pd.DataFrame({"text": text, "key": key, "edits": edits_between(texts.take(text), keys.take(key))})
    pairs = pairs[pairs["edits"] <= MOST_LOOK_ALIKES]
    sides = texts.take(pairs["text"].to_numpy()), keys.take(pairs["key"].to_numpy())
    folded = edits_between(*map(_folded, sides))
    near = (pairs["edits"] <= edits) | (folded == 0)
    compared: pd.DataFrame = pairs.assign(cost=EDIT * folded + LOOK_ALIKE * (pairs["edits"] - folded))[near]
    return compared


def _folded(texts: pa.Array) -> pa.Array:
    """ASCII texts with one character for all that look alike."""
    _, offsets, data = texts.buffers()
    read = pa.py_buffer((data or pa.py_buffer(b"")).to_pybytes().translate(_FOLD))
    return pa.Array.from_buffers(texts.type, len(texts), [None, offsets, read], offset=texts.offset)


def _windows(cuts: dict[int, int], edits: int, slack: int) -> pd.DataFrame:
    """The rests of strings that are up to `slack` shorter or longer than codes of these lengths."""
    windows: set[tuple[int, ...]] = set()
    for code_length, cut in cuts.items() if edits else ():
        for length in range(max(code_length - slack, 1), code_length + slack + 1):
            if cut and edits == 2:
                for longer in (0, 1) if slack else (0,):
                    back = length - (code_length - cut) + 1 - longer
                    windows |= {(length, 2 * code_length, *rest) for rest in _rests(1, cut + longer, 1)}
                    windows |= {(length, 2 * code_length + 1, *rest) for rest in _rests(back, length, 1)}
            else:
                windows |= {(length, 0, *rest) for rest in _rests(1, length, edits)}
    return pd.DataFrame(sorted(windows), columns=_WINDOW, dtype=np.int32)


def _rests(first: int, last: int, deleted: int) -> Iterator[tuple[int, ...]]:
    """What is left between two places without up to two characters, as three pieces."""
    for count in range(deleted + 1):
        for places in combinations(range(first, last + 1), count):
            i, j = (*places, last + 1, last + 2)[:2]
            yield first, i - first, i + 1, max(j - i - 1, 0), j + 1, max(last - j, 0)


def _numbered(texts: pa.Array, start: int = 0) -> pd.DataFrame:
    numbers = pa.array(np.arange(start, start + len(texts), dtype=np.int32))
    return frames.from_arrow(pa.table({"number": numbers, "text": texts, "length": pc.utf8_length(texts)}))


def _best_cut(keys: pa.Array, places: Places, length: int) -> int:
    """Where the fewest codes share a half by chance; 0 where these are not few enough to spare the rests of wholes."""
    sample = np.random.default_rng(_SEED).choice(places, min(_SAMPLE, len(places)), replace=False)
    codes, shared = keys.take(np.sort(sample)), {0: _MOST_SHARING * length**2}
    for cut in range(_SHORTEST_HALF, length - _SHORTEST_HALF + 1):
        front, nearly_front = _equal(codes, 0, cut), _equal(codes, 0, cut - 1)
        back, nearly_back = _equal(codes, cut, length), _equal(codes, cut + 1, length)
        by_chance = cut**2 * max(nearly_front - front, 0) + (length - cut) ** 2 * max(nearly_back - back, 0)
        shared[cut] = len(places) * (front + back + by_chance)
    return min(shared, key=lambda cut: shared[cut])


def _equal(codes: pa.Array, start: int, stop: int) -> float:
    """The chance that two of them are equal between these places."""
    counts = pc.value_counts(pc.utf8_slice_codeunits(codes, start, stop)).field("counts").to_numpy().astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(len(codes) * (len(codes) - 1), 1))
