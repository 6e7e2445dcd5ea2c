"""What the codes of all schemes together say of a text."""

import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from finsync_pipeline.identity.codes import SCHEMES, CodeIndex, find_codes
from finsync_pipeline.identity.results import Method, Status

LEIS = ["5493006MHB84DD0ZWV18", "HWUPKR0MPOU8FGXBT394"]
UNLISTED_LEI = "001GPB6A9XPE8XJICC14"
IDS = replace(SCHEMES["company_id"], is_repaired=False)


def index_of(scheme, codes, companies=None):
    scheme = SCHEMES[scheme] if isinstance(scheme, str) else scheme
    companies = np.array(range(len(codes)) if companies is None else companies, dtype=np.int32)
    return CodeIndex.of(pa.array(codes, pa.string()), companies, scheme)


def one(text, **indexes):
    return find_codes(pa.array([text]), indexes)


def test_the_surest_step_wins_whatever_the_order_of_the_schemes():
    isin, ids = index_of("isin", ["US0378331005"], [1]), index_of(IDS, ["us-0378331005"], [0])
    for indexes in ({"isin": isin, "company_id": ids}, {"company_id": ids, "isin": isin}):
        found = find_codes(pa.array(["US0378331005", "us-0378331005"]), indexes)
        assert found.company.tolist() == [1, 0]
        assert found.method.tolist() == [Method.EXACT, Method.EXACT]


def test_two_companies_by_equally_sure_steps_are_ambiguous():
    schemes = ("company_id", "isin", "cusip")
    indexes = {name: index_of(name, ["0000320193"], [company]) for company, name in enumerate(schemes)}
    found = one("0000320193", **indexes)
    assert found.status.tolist() == [Status.AMBIGUOUS]
    assert found.candidates[0] == ((0, 100.0), (1, 100.0), (2, 100.0))
    assert found.suggestion.tolist() == [-1]


def test_one_company_by_two_schemes_is_accepted():
    indexes = {"company_id": index_of(IDS, LEIS), "lei": index_of("lei", LEIS)}
    found = find_codes(pa.array([LEIS[1], LEIS[1].lower(), LEIS[1][:-1]]), indexes)
    assert found.company.tolist() == [1, 1, 1]
    assert found.method.tolist() == [Method.EXACT, Method.NORMALISED, Method.ONE_EDIT]
    assert [method.is_certain for method in found.method] == [True, True, False]


@pytest.mark.parametrize("text", ["320193", "0000320193", "CIK 320193"])
def test_a_cik_is_not_more_certain_than_a_normalised_code(text):
    found = one(text, cik=index_of("cik", ["320193"], [0]))
    assert (found.company.tolist(), found.method.tolist()) == ([0], [Method.CIK])
    other = index_of("company_id", [f" {text}"], [1])
    assert one(text, cik=index_of("cik", ["320193"], [0]), company_id=other).status.tolist() == [Status.AMBIGUOUS]


def test_a_code_of_an_unlisted_company_is_repaired_in_no_scheme():
    near = UNLISTED_LEI[:-1] + "5"
    chance = random.Random(1)
    house = index_of("company_id", [near, *("".join(chance.choices("ABCDEF0123456789", k=20)) for _ in range(500))])
    assert one(UNLISTED_LEI, company_id=house).company.tolist() == [0]
    found = one(UNLISTED_LEI, company_id=house, lei=index_of("lei", LEIS))
    assert found.status.tolist() == [Status.UNKNOWN]
    assert found.is_unlisted.tolist() == [True]
    assert found.suggestion.tolist() == [-1]


def test_a_code_that_another_scheme_lists_is_listed():
    found = one(UNLISTED_LEI, company_id=index_of(IDS, [UNLISTED_LEI]), lei=index_of("lei", LEIS))
    assert (found.company.tolist(), found.is_unlisted.tolist()) == ([0], [False])


def test_what_is_near_but_not_accepted_is_suggested():
    house = index_of("company_id", ["Apple", "Google", "Microsoft", "Amazon", "Meta"])
    found = find_codes(pa.array(["Gogle", "nothing like it"]), {"lei": index_of("lei", LEIS), "company_id": house})
    assert found.status.tolist() == [Status.UNKNOWN] * 2
    assert found.suggestion.tolist() == [1, -1]
    assert found.candidates.tolist() == [((1, 80.0),), None]
    assert found.method.tolist() == found.steps.tolist() == [None, None]


def test_no_texts_and_no_schemes_have_no_answers():
    assert len(find_codes(pa.array([], pa.string()), {"lei": index_of("lei", LEIS)})) == 0
    assert find_codes(pa.array(["X"]), {}).status.tolist() == [Status.UNKNOWN]
    assert find_codes(pa.array([None], pa.string()), {"lei": index_of("lei", LEIS)}).status.tolist() == [Status.UNKNOWN]
