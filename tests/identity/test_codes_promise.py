"""Whether the promises made on a list hold on mistakes that the calibration did not make."""

import random

import numpy as np
import pyarrow as pa
import pytest

from finsync_pipeline.identity.codes import ACCEPTED, SCHEMES, CodeIndex

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
READ_WRONG = {"0": "O", "O": "0", "1": "I", "I": "1", "5": "S", "S": "5", "8": "B", "B": "8", "2": "Z", "Z": "2"}


def random_codes(count, chance):
    return sorted({"".join(chance.choices(ALPHABET, k=10)) for _ in range(count)})


def clustered_codes(count, chance):
    """Issuers of six characters with some issues each: neighbours of neighbours."""
    codes = set()
    while len(codes) < count:
        issuer = "".join(chance.choices("0123456789ABCDEF", k=5))
        codes |= {f"{issuer}{issue}" for issue in chance.sample(range(10, 99), chance.choice((1, 2, 5)))}
    return sorted(codes)


def sparse_numbers(count, chance):
    return [f"COMP{number:07}" for number in sorted(chance.sample(range(10_000_000), count))]


LISTS = {"random": random_codes, "clustered": clustered_codes, "numbers": sparse_numbers}


def with_a_mistake(code, chance):
    """As people write: misread, left out, struck twice, swapped, another key, a wrong case, a blank."""
    place = chance.randrange(len(code) - 1)
    before, letter, after = code[:place], code[place], code[place + 1 :]
    alphabet = "0123456789" if letter.isdigit() else ALPHABET
    return chance.choice(
        [
            code,
            code.lower(),
            f" {code}",
            f"{code[:4]} {code[4:]}",
            "".join(READ_WRONG.get(c, c) if chance.random() < 0.2 else c for c in code),
            before + after,
            before + letter + letter + after,
            before + after[:1] + letter + after[1:],
            before + chance.choice(alphabet) + after,
            before + letter + chance.choice(alphabet) + after,
            before + chance.choice(alphabet) + chance.choice(alphabet) + after[1:],
            code[:-1],
            code[:-2],
        ]
    )


@pytest.mark.parametrize("kind", LISTS)
def test_accepted_texts_are_right_as_often_as_promised(kind):
    chance = random.Random(kind)
    codes = LISTS[kind](13_000, chance)
    chance.shuffle(codes)
    listed, unlisted = codes[:12_000], codes[12_000:]
    index = CodeIndex.of(pa.array(listed), np.arange(len(listed), dtype=np.int32), SCHEMES["company_id"])
    meant, texts = [], []
    for _ in range(40_000):
        is_listed = chance.random() < 0.92
        place = chance.randrange(len(listed if is_listed else unlisted))
        meant.append(place if is_listed else -1)
        texts.append(with_a_mistake((listed if is_listed else unlisted)[place], chance))
    found = index.find(pa.array(texts))
    meant = np.array(meant)
    methods = np.array(found.method.fill_null("none").to_pylist())
    accepted = found.status == ACCEPTED
    undetectable = accepted & (found.company != meant) & np.isin(methods, ["exact", "normalised"])
    judged = accepted & ~undetectable
    for method in np.unique(methods[judged]):
        rows = judged & (methods == method)
        assert (found.company[rows] == meant[rows]).mean() >= found.precision[rows].mean() - 0.001, method
    assert (found.company[judged] == meant[judged]).mean() >= 0.999
    assert undetectable.mean() < {"random": 1e-9, "clustered": 0.02, "numbers": 0.002}[kind]
    assert (judged & (meant >= 0)).sum() / (meant >= 0).sum() > {"random": 0.98, "clustered": 0.3, "numbers": 0.3}[kind]
