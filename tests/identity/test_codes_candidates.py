import itertools
import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from finsync_pipeline.identity.codes.bytes_of import matrix_of
from finsync_pipeline.identity.codes.candidates import pairs_within
from finsync_pipeline.identity.codes.distance import costs_between
from finsync_pipeline.identity.codes.joins import Strings
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from finsync_pipeline.identity.codes import joins

ALPHABETS = {
    "mixed": ("ABCDEF0123456789", (7, 8, 9, 10, 12)),
    "dense": ("0123456789", (7,)),
    "long": ("AB01XYZ", (18, 20)),
}
QWERTY = ("1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")
ALIKE = ("0OQD", "1IL", "5S", "8B", "2Z", "6G", "UV")


def strings(texts):
    return Strings.of(*matrix_of(pa.array(texts, pa.large_string()), max(map(len, texts))))


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
    alphabet, lengths = ALPHABETS[kind]
    codes = sorted({"".join(chance.choices(alphabet, k=chance.choice(lengths))) for _ in range(20_000)})
    texts = sorted({edited(chance.choice(codes), alphabet, chance) for _ in range(500 if kind == "long" else 2_000)})
    return texts, codes


@pytest.mark.parametrize("kind", ALPHABETS)
def test_the_pairs_found_are_those_of_comparing_each_text_with_each_code(kind):
    texts, codes = texts_and_codes(kind)
    distances = cdist(texts, codes, scorer=OSA.distance, score_cutoff=2, dtype=np.uint8)
    for edits in (0, 1, 2):
        found = pairs_within(strings(texts), strings(codes).cut(), edits)
        expected = np.nonzero(distances <= edits)
        assert np.array_equal(found.texts, expected[0])
        assert np.array_equal(found.codes, expected[1])
        assert np.array_equal(found.edits, distances[expected])


@pytest.mark.parametrize("place", [4, 9, 14])
def test_halves_find_the_same_pairs_as_whole_codes_wherever_they_are_cut(place, monkeypatch):
    texts, codes = texts_and_codes("long")
    whole = pairs_within(strings(texts), strings(codes), 2)
    monkeypatch.setattr(joins, "_is_cheaper", lambda *_: True)
    cut = replace(strings(codes), cuts={n: joins.Cut(place, 0, 0) for n in (18, 20)})
    halves = pairs_within(strings(texts), cut, 2)
    assert len(whole.texts) > 300
    assert np.array_equal(whole.texts, halves.texts)
    assert np.array_equal(whole.codes, halves.codes)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_strings_of_two_letters_are_paired_as_by_rapidfuzz_even_halved(data):
    words = st.text("AB", min_size=8, max_size=11)
    codes = sorted(data.draw(st.sets(words, min_size=1, max_size=30)))
    texts = sorted(data.draw(st.sets(st.text("AB", min_size=5, max_size=13), min_size=1, max_size=30)))
    cuts = {len(code): joins.Cut(4, 0, 0) for code in codes}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joins, "_is_cheaper", lambda *_: True)
        found = pairs_within(strings(texts), replace(strings(codes), cuts=cuts), 2)
    expected = [(t, c) for t, text in enumerate(texts) for c, code in enumerate(codes) if OSA.distance(text, code) <= 2]
    assert list(zip(found.texts.tolist(), found.codes.tolist(), strict=True)) == expected


def plain_cost(text, code):
    """The cost in hundredths, cell by cell."""

    def substituted(one, other):
        if one == other:
            return 0
        if any(one in group and other in group for group in ALIKE):
            return 40
        for upper, lower in itertools.pairwise(QWERTY):
            for at, key in enumerate(lower):
                if {one, other} in ({key, upper[at]}, {key, upper[at + 1 : at + 2]}):
                    return 75
        if any(one + other in row or other + one in row for row in QWERTY):
            return 75
        return 100

    def alone(word, at):
        return 60 if at > 1 and word[at - 1] == word[at - 2] else 90

    table = {(0, 0): 0}
    for i in range(len(text) + 1):
        for j in range(len(code) + 1):
            ways = [table[0, 0]] if i == j == 0 else []
            if i and j:
                ways.append(table[i - 1, j - 1] + substituted(text[i - 1], code[j - 1]))
            if i:
                ways.append(table[i - 1, j] + alone(text, i))
            if j:
                ways.append(table[i, j - 1] + alone(code, j))
            if i > 1 and j > 1 and text[i - 1] == code[j - 2] and text[i - 2] == code[j - 1]:
                ways.append(table[i - 2, j - 2] + 70)
            table[i, j] = min(ways)
    return table[len(text), len(code)]


def test_costs_are_those_of_a_plain_computation():
    chance = random.Random(3)
    alphabet = "0OQ1ILAS5B8ZXCVNM9"
    pairs = []
    while len(pairs) < 800:
        code = "".join(chance.choices(alphabet, k=chance.choice((6, 9, 12))))
        text = edited(code, alphabet, chance)
        if OSA.distance(text, code) <= 2:
            pairs.append((text, code))
    texts, codes = (strings(side) for side in zip(*pairs, strict=True))
    costs = costs_between(texts.matrix, texts.lengths, codes.matrix, codes.lengths)
    assert costs.tolist() == [plain_cost(text, code) for text, code in pairs]
