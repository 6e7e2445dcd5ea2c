import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from finsync_pipeline.identity.codes import blocking
from finsync_pipeline.identity.codes.blocking import EDIT, LOOK_ALIKE, best_cuts, near_pairs, repairs_in_words

#: The alphabet of the codes, their lengths, and of which of these halves are joined.
LISTS = {
    "mixed": ("ABCDEF0123456789", (7, 8, 9, 10, 12), {10, 12}),
    "dense": ("0123456789", (7,), set()),
    "long": ("AB01XYZ", (18, 20), {18, 20}),
}
FOLD = str.maketrans("OQDILSBZGV", "000115826U")


def large(texts):
    return pa.array(texts, pa.large_string())


def edited(code, alphabet, chance):
    letters = list(code)
    for _ in range(chance.choice((0, 1, 2, 2, 3))):
        place = chance.randrange(len(letters))
        kind = chance.randrange(4)
        if kind == 0:
            letters[place] = chance.choice(alphabet)
        elif kind == 1:
            letters.insert(place, chance.choice(alphabet))
        elif kind == 2:
            del letters[place]
        else:
            letters[place : place + 2] = reversed(letters[place : place + 2])
    return "".join(letters)


def texts_and_codes(kind):
    chance = random.Random(kind)
    alphabet, lengths, _ = LISTS[kind]
    codes = sorted({"".join(chance.choices(alphabet, k=chance.choice(lengths))) for _ in range(20_000)})
    texts = sorted({edited(chance.choice(codes), alphabet, chance) for _ in range(500 if kind == "long" else 2_000)})
    return texts, codes


def expected_pairs(texts, codes, edits):
    """By comparing each with each: places, edits and costs."""
    distances = cdist(texts, codes, scorer=OSA.distance, dtype=np.uint8)
    folded = cdist(*([text.translate(FOLD) for text in side] for side in (texts, codes)), scorer=OSA.distance)
    near = (distances <= edits) | ((folded == 0) & (distances <= 4))
    distance, fold = distances[near].astype(int), folded[near].astype(int)
    return *np.nonzero(near), distance, EDIT * fold + LOOK_ALIKE * (distance - fold)


def as_columns(pairs):
    return [pairs[column].to_numpy() for column in ("text", "key", "edits", "cost")]


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("edits", [0, 1, 2])
def test_the_pairs_found_are_those_of_comparing_each_text_with_each_code(kind, edits):
    texts, codes = texts_and_codes(kind)
    cuts = best_cuts(large(codes))
    assert {length for length, cut in cuts.items() if cut} == LISTS[kind][2]
    found = as_columns(near_pairs(large(texts), large(codes), cuts, edits))
    expected = expected_pairs(texts, codes, edits)
    assert len(expected[0]) > 50
    assert all(np.array_equal(*sides) for sides in zip(found, expected, strict=True))


@pytest.mark.parametrize("place", [4, 9, 14])
def test_halves_find_the_same_pairs_wherever_codes_are_cut(place):
    texts, codes = texts_and_codes("long")
    found = as_columns(near_pairs(large(texts), large(codes), dict.fromkeys((18, 20), place), 2))
    assert all(np.array_equal(*sides) for sides in zip(found, expected_pairs(texts, codes, 2), strict=True))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_strings_of_two_letters_are_paired_as_by_rapidfuzz_even_halved(data):
    codes = sorted(data.draw(st.sets(st.text("AB", min_size=8, max_size=11), min_size=1, max_size=30)))
    texts = sorted(data.draw(st.sets(st.text("AB", min_size=5, max_size=13), min_size=1, max_size=30)))
    cuts = dict.fromkeys(map(len, codes), data.draw(st.sampled_from([0, 4])))
    found = near_pairs(large(texts), large(codes), cuts, 2)
    expected = [(t, c) for t, text in enumerate(texts) for c, code in enumerate(codes) if OSA.distance(text, code) <= 2]
    assert list(zip(found["text"], found["key"], strict=True)) == expected


def test_texts_asked_in_blocks_are_paired_as_all_at_once(monkeypatch):
    texts, codes = map(large, texts_and_codes("mixed"))
    whole = as_columns(near_pairs(texts, codes, best_cuts(codes), 2))
    monkeypatch.setattr(blocking, "_MOST_RESTS", 20_000)
    monkeypatch.setattr(blocking, "_PAIRS_AT_ONCE", 50)
    in_blocks = as_columns(near_pairs(texts, codes, best_cuts(codes), 2))
    assert all(np.array_equal(*sides) for sides in zip(in_blocks, whole, strict=True))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("COMPO4", "COMP04", "'O' read as '0' at 5"),
        ("AB", "BA", "'AB' read as 'BA' at 1"),
        ("AAB", "AB", "'A' left out at 2"),
        ("AB", "ABB", "'B' put in at 3"),
        ("AB", "AB", ""),
    ],
)
def test_what_is_read_differently_is_named_with_its_place(text, code, words):
    assert repairs_in_words(large([text]), large([code])).tolist() == [words]
