"""Whether what is expected of a list holds on mistakes made in its codes."""

import random

import numpy as np
import pyarrow as pa
import pytest

from finsync_pipeline.identity.codes import SCHEMES, CodeIndex
from finsync_pipeline.identity.results import Method, Status

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
    methods = found.method.astype(str)
    accepted = found.status == Status.ACCEPTED
    undetectable = accepted & (found.company != meant) & np.isin(methods, ["exact", "normalised"])
    judged = accepted & ~undetectable
    for method in np.unique(methods[judged]):
        rows = judged & (methods == method)
        assert (found.company[rows] == meant[rows]).mean() >= found.precision[rows].mean() - 0.001, method
    assert (found.company[judged] == meant[judged]).mean() >= 0.999
    assert undetectable.mean() < {"random": 1e-9, "clustered": 0.02, "numbers": 0.002}[kind]
    assert (judged & (meant >= 0)).sum() / (meant >= 0).sum() > {"random": 0.98, "clustered": 0.3, "numbers": 0.3}[kind]


def digits(length):
    return lambda count, chance: sorted({"".join(chance.choices("0123456789", k=length)) for _ in range(count)})


def letters_and_digits(length):
    return lambda count, chance: sorted({"".join(chance.choices(ALPHABET, k=length)) for _ in range(count)})


def syllables(count, chance):
    return sorted({"".join(chance.choices("BDFGKLMNRST", k=5)) for _ in range(count)})


def running(count, chance):
    return [f"COMP{number:06}" for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("codes", "repaired"),
    [
        (running(4_000, None), set()),
        (syllables(20_000, random.Random(1)), set()),
        (digits(7)(40_000, random.Random(2)), set()),
        (clustered_codes(8_000, random.Random(3)), set()),
        (sparse_numbers(8_000, random.Random(8)), {Method.LOOK_ALIKE}),
        (letters_and_digits(7)(20_000, random.Random(4)), {Method.LOOK_ALIKE, Method.ONE_EDIT}),
        (letters_and_digits(10)(500, random.Random(5)), {Method.LOOK_ALIKE, Method.ONE_EDIT, Method.TWO_EDITS}),
        (letters_and_digits(10)(30, random.Random(6)), {Method.LOOK_ALIKE}),
        (["Apple", "Google", "Microsoft", "Amazon", "Meta"], {Method.LOOK_ALIKE}),
    ],
    ids=[
        "running",
        "syllables",
        "numbers",
        "clustered",
        "few of many numbers",
        "7 characters",
        "10 characters",
        "too few",
        "a house's own",
    ],
)
def test_only_so_many_edits_are_repaired_as_the_list_bears(codes, repaired):
    index = CodeIndex.of(pa.array(codes), np.arange(len(codes), dtype=np.int32), SCHEMES["company_id"])
    assert {method for method, precision in index.density.repairs.items() if not np.isnan(precision)} == repaired


def test_a_sparse_scheme_is_repaired_by_one_edit_however_short_the_list():
    index = CodeIndex.of(pa.array(["5493006MHB84DD0ZWV18"]), np.zeros(1, dtype=np.int32), SCHEMES["lei"])
    assert index.density.repairs[Method.ONE_EDIT] >= 0.999
    assert np.isnan(index.density.repairs[Method.TWO_EDITS])


def test_codes_of_one_company_are_no_neighbours_of_each_other():
    codes = [f"{code}{letter}" for code in letters_and_digits(10)(500, random.Random(7)) for letter in "XY"]
    companies = np.repeat(np.arange(500, dtype=np.int32), 2)
    index = CodeIndex.of(pa.array(codes), companies, SCHEMES["company_id"])
    assert not np.isnan(index.density.repairs[Method.TWO_EDITS])
