import os
import random
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsync_pipeline.identity.codes import SCHEMES, CodeIndex
from finsync_pipeline.identity.results import Status

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
LEIS = ["5493006MHB84DD0ZWV18", "HWUPKR0MPOU8FGXBT394", "001GPB6A9XPE8XJICC14", "00EHHQ2ZHDCFXJCPCL46"]


def index_of(codes, scheme="company_id", companies=None):
    companies = range(len(codes)) if companies is None else companies
    return CodeIndex.of(pa.array(codes), np.array(list(companies), dtype=np.int32), SCHEMES[scheme])


def random_codes(count, seed=1, length=10):
    chance = random.Random(seed)
    return sorted({"".join(chance.choices(ALPHABET, k=length)) for _ in range(count)})


def columns(found):
    """Each column as texts, so that nan is like nan."""
    return {f.name: [repr(value) for value in getattr(found, f.name).tolist()] for f in fields(found)}


def told(found, row=0):
    return found.status[row], found.company[row], found.method[row], found.steps[row]


def candidates(found, row=0):
    return [company for company, _ in found.candidates[row]]


@pytest.fixture(scope="module")
def random_index():
    return index_of(random_codes(3_000))


def test_a_listed_code_is_found_as_it_stands(random_index):
    found = random_index.find(pa.array(random_codes(3_000)))
    assert found.company.tolist() == list(range(3_000))
    assert set(found.method) == {"exact"}
    assert set(found.steps) == {None}
    assert (found.score == 100).all()


@pytest.fixture(scope="module")
def lei_index():
    return index_of(LEIS, "lei")


@pytest.fixture(scope="module")
def known_index():
    return index_of([*random_codes(3_000), "AB12CD34EF"])


@pytest.mark.parametrize(
    ("text", "method", "steps"),
    [
        ("ab12cd34ef", "normalised", "upper case"),
        (" AB12-CD34-EF", "normalised", "without blanks, without separators"),
        ("\u0410B12CD34EF", "look_alike", "'\u0410' (Cyrillic) read as 'A' at 1"),
        ("A812CD34EF", "look_alike", "'8' read as 'B' at 2"),
        ("A8IZCD34EF", "look_alike", "'8IZ' read as 'B12' at 2"),
        ("BA12CD34EF", "one_edit", "'BA' read as 'AB' at 1"),
        ("AB12CD34E", "one_edit", "'F' put in at 10"),
        ("AB12CDD34EF", "one_edit", "'D' left out at 7"),
        ("ab12cd34ex", "one_edit", "upper case, 'X' read as 'F' at 10"),
        ("XB12CD34EX", "two_edits", "'XB12CD34EX' read as 'AB12CD34EF' at 1"),
    ],
)
def test_a_repair_is_reported(known_index, text, method, steps):
    assert told(known_index.find(pa.array([text]))) == (Status.ACCEPTED, 3_000, method, steps)


def test_zeros_are_reported_in_both_directions():
    index = index_of(["COMP000012", "X-7"])
    found = index.find(pa.array(["comp12", "COMP00000012", "x0007"]))
    assert found.company.tolist() == [0, 0, 1]
    assert found.steps.tolist() == [
        "upper case, zeros put back",
        "leading zeros left out",
        "upper case, leading zeros left out",
    ]


def test_a_code_that_only_the_list_writes_otherwise_is_reported():
    found = index_of(["us-037833-1005"]).find(pa.array(["US0378331005"]))
    assert told(found) == (Status.ACCEPTED, 0, "normalised", "as the list writes it")


def test_ciks_are_numbers():
    index = index_of(["0000320193", "0001045810", "789019"], "cik")
    found = index.find(pa.array(["320193", "CIK 1045810", "0000789019", "1.04581E+06", "1.045810E+06", "OOOO320193"]))
    assert found.company.tolist() == [0, 1, 2, -1, 1, 0]
    assert found.steps.tolist()[4:] == ["scientific notation written out, zeros put back", "zeros in front left out"]


@pytest.mark.parametrize("texts", [["037833100", "37833100", "037833100.0"[:9]], ["594918104", "594918104 "]])
def test_a_cusip_without_its_leading_zero_is_found(texts):
    index = index_of(["037833100", "594918104"], "cusip")
    assert set(index.find(pa.array(texts)).status.tolist()) == {Status.ACCEPTED}


def test_an_unlisted_code_with_right_check_digits_is_another_companys():
    near = "894500BQCBNO711QQE66", "894500BQCBNO711QQ363"
    index = index_of([*LEIS, near[0]], "lei")
    found = index.find(pa.array([near[1], near[1].lower(), near[1][:-1] + "4"]))
    assert found.is_unlisted.tolist() == [True, True, False]
    assert found.status.tolist() == [Status.UNKNOWN] * 3
    assert found.suggestion[:2].tolist() == [-1, -1]


def test_a_small_number_is_not_a_lei_with_its_zeros_lost():
    numbers = pa.array([str(number) for number in range(100_000, 101_000)])
    assert not index_of(LEIS, "lei").find(numbers).is_unlisted.any()


def test_one_edit_of_a_lei_is_repaired_even_on_a_short_list():
    found = index_of(LEIS, "lei").find(pa.array([LEIS[0][:-1], "5493OO6MHB84DDOZWV18", "5493006MHB84DD0ZVW18"]))
    assert found.company.tolist() == [0, 0, 0]


def test_a_short_list_of_a_house_is_only_read_not_repaired():
    index = index_of(["Apple", "Google", "Microsoft", "Amazon", "Meta"])
    texts = ["Ample", "Apply", "Mets", "Amazonia", "Metro", "Gogle", "Snapple"]
    assert index.find(pa.array(texts)).status.tolist() == [Status.UNKNOWN] * 7
    assert index.find(pa.array(["APPLE", " meta", "AmaZ0n", "M1crosoft"])).company.tolist() == [0, 4, 3, 2]


def test_a_sequence_of_numbers_is_not_repaired():
    codes = [f"COMP{n:06}" for n in range(1, 3_001)]
    index = index_of(codes)
    texts = ["COMP001O0", "COMP00010", "COMP0001000", "COMP09001", "COMP0012344", "COMP009999"]
    found = index.find(pa.array(texts))
    assert found.status.tolist() == [Status.UNKNOWN] * 6
    assert found.suggestion[1:3].tolist() == [9, 999]  # but for zeros that is one's own, but any digit may be gone


def test_two_equally_near_companies_are_ambiguous_two_codes_of_one_are_not():
    codes = [*random_codes(3_000), "AB12CD34EF", "AB12CD34EG"]
    found = index_of(codes).find(pa.array(["AB12CD34EX"]))
    assert told(found)[:3] == (Status.AMBIGUOUS, -1, "one_edit")
    assert candidates(found) == [3_000, 3_001]
    assert found.suggestion.tolist() == [-1]
    found = index_of(codes, companies=[*range(3_000), 3_000, 3_000]).find(pa.array(["AB12CD34EX"]))
    assert found.company.tolist() == [3_000]
    assert found.runner_up.tolist() == [-1]


def test_a_code_of_two_companies_is_ambiguous():
    found = index_of(["A-1", "A-1", "B-1"], companies=[4, 2, 3]).find(pa.array(["A-1", "a1", "B1"]))
    assert found.status.tolist() == [Status.AMBIGUOUS, Status.AMBIGUOUS, Status.ACCEPTED]
    assert [candidates(found, row) for row in (0, 1)] == [[2, 4], [2, 4]]
    assert found.suggestion.tolist() == [-1, -1, -1]


def test_a_form_that_does_not_separate_listed_companies_accepts_none():
    codes = [f"{letter}{n}" for n in range(100) for letter in "aA"]
    found = index_of(codes).find(pa.array(["a7", "A7", "a7 "]))
    assert found.company.tolist() == [14, 15, -1]
    assert found.status.tolist() == [Status.ACCEPTED, Status.ACCEPTED, Status.AMBIGUOUS]


JUNK = [
    "",
    "A",
    "x" * 10_000,
    "\U0001f600",
    "\x00",
    "---",
    "   ",
    "\u200b",
    "'",
    "=",
    "0",
    ".0",
    "E+",
    "\ufffd" * 12,
    "\n",
]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_junk_is_unknown(scheme):
    codes = {"lei": LEIS, "cik": ["0000320193"]}.get(scheme, ["AB12CD34EF"])
    found = index_of(codes, scheme).find(pa.array(JUNK))
    assert found.status.tolist() == [Status.UNKNOWN] * len(JUNK)
    assert found.company.tolist() == [-1] * len(JUNK)


@given(st.lists(st.text(max_size=40), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_has_an_answer(lei_index, texts):
    found = lei_index.find(pa.array(texts, pa.string()))
    assert len(found) == len(texts)
    assert ((found.status == Status.ACCEPTED) == (found.company >= 0)).all()


def test_empty_lists_and_empty_questions(random_index):
    assert index_of(pa.array([], pa.string()), "lei").find(pa.array(["X", LEIS[0]])).is_unlisted.tolist() == [
        False,
        True,
    ]
    assert len(random_index.find(pa.array([], pa.string()))) == 0
    assert random_index.find(pa.array([None, None], pa.string())).status.tolist() == [Status.UNKNOWN] * 2


def test_a_list_that_is_not_a_list_is_refused():
    with pytest.raises(ValueError, match="give each code its company"):
        index_of(["A"], companies=[1, 2])
    with pytest.raises(ValueError, match="negative"):
        index_of(["A"], companies=[-1])


def test_costs_are_those_to_the_nearest_code_of_the_company():
    codes = ["AB12CD34EF", "ZZ99XX88YY", "QQ11WW22EE"]
    index = index_of(codes, companies=[0, 0, 1])
    texts = ["ab12cd34ef", "A812CD34EF", "ZZ99XX88Y", "AB12CD34EF", "MM33NN44OO", None]
    costs = index.costs(pa.array(texts), np.array([0, 0, 0, 1, 1, 0], dtype=np.int32))
    assert costs.dtype == np.float32
    assert costs.tolist() == [0, 1, 1, np.inf, np.inf, np.inf]


def test_costs_of_numbers_are_those_without_zeros_in_front():
    index = index_of(["320193", "0001045810", "12"], "cik")
    costs = index.costs(pa.array(["CIK 0000320193", "320913", "104581O", "13", "", "1"]), np.array([0, 0, 1, 2, 2, 9]))
    assert costs.tolist() == [0, 1, 1, np.inf, np.inf, np.inf]


def test_codes_that_are_not_repaired_cost_nothing_or_too_much():
    scheme = replace(SCHEMES["company_id"], is_repaired=False)
    index = CodeIndex.of(pa.array(["AB12CD34EF"]), np.zeros(1, dtype=np.int32), scheme)
    costs = index.costs(pa.array(["ab-12cd34ef", "AB12CD34E"]), np.zeros(2, dtype=np.int32))
    assert costs.tolist() == [0, np.inf]
    assert index.find(pa.array(["AB12CD34E", "A812CD34EF"])).status.tolist() == [Status.UNKNOWN] * 2


def dirty_texts(codes, seed):
    chance = random.Random(seed)
    texts = []
    for code in chance.sample(codes, 400):
        letters = list(code)
        for _ in range(chance.choice((1, 1, 2))):
            letters[chance.randrange(len(letters))] = chance.choice(ALPHABET)
        texts.append("".join(letters))
    return texts


def test_neither_order_nor_repetition_of_texts_and_codes_matters(random_index):
    codes = random_codes(3_000)
    texts = [*dirty_texts(codes, 4), " x", "x", codes[7].lower()]
    found = columns(random_index.find(pa.array(texts)))
    order = list(range(len(texts)))
    random.Random(5).shuffle(order)
    again = columns(random_index.find(pa.array([texts[i] for i in order] * 2)))
    assert all(again[name] == [found[name][i] for i in order] * 2 for name in found)
    shuffled = list(range(len(codes)))
    random.Random(6).shuffle(shuffled)
    index = index_of([codes[i] for i in shuffled], companies=shuffled)
    assert columns(index.find(pa.array(texts))) == found


def test_codes_that_are_added_move_no_text_to_another_company(random_index):
    codes = random_codes(3_000)
    texts = pa.array(dirty_texts(codes, 9))
    before = random_index.find(texts)
    for seed in (21, 22):
        more = [code for code in random_codes(2_000, seed) if code not in codes]
        after = index_of(codes + more).find(texts)
        both = (before.company >= 0) & (after.company >= 0)
        assert both.sum() > 300
        assert (before.company[both] == after.company[both]).all()


PROGRAM = """
import hashlib, pyarrow as pa
import test_codes_find as t
pa.set_cpu_count({threads})
codes = t.random_codes(2_000)
found = t.index_of(codes).find(pa.array(t.dirty_texts(codes, 4)))
print(hashlib.sha256(repr(t.columns(found)).encode()).hexdigest())
"""


def test_neither_threads_nor_the_seed_of_hashes_matter():
    digests = set()
    for threads, seed in ((1, "1"), (2, "7")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        program = [sys.executable, "-c", PROGRAM.format(threads=threads)]
        digests.add(subprocess.run(program, env=environment, check=True, capture_output=True, text=True).stdout)
    assert len(digests) == 1
