"""The decision: every step, their precedence, what is ambiguous, what dates do, what evidence does."""

from __future__ import annotations

import json
import random

import pandas as pd
import pyarrow as pa
import pytest
from factories import source_names_frame
from resolving import MakeReference, decide

from finsync_pipeline.identity import Reference, resolve

COMPANIES = [
    {
        "company_id": "c-apple",
        "name": "APPLE INC",
        "tickers": "AAPL",
        "cik": "320193",
        "lei": "HWUPKR0MPOU8FGXBT394",
    },
    {"company_id": "c-berk", "name": "BERKSHIRE HATHAWAY INC", "tickers": "BRK.A|BRK.B", "cik": "0001067983"},
    {"company_id": "c-wec", "name": "WISCONSIN ENERGY CORP", "tickers": "WEC", "cik": "783325"},
    {"company_id": "c-msft", "name": "MICROSOFT CORP", "tickers": "MSFT", "cik": "789019"},
    {"company_id": "c-grainger", "name": "GRAINGER W W INC", "tickers": "GWW"},
    {"company_id": "c-gs", "name": "GOLDMAN SACHS GROUP INC/", "tickers": "GS"},
    {"company_id": "c-fund2", "name": "WELLINGTON PARTNERS FUND II LP"},
    {"company_id": "c-forest", "name": "FOREST LABORATORIES INC"},
    {"company_id": "c-chubb", "name": "CHUBB CORP"},
    {"company_id": "c-ups", "name": "UNITED PARCEL SERVICE INC"},
]
ALIASES = [
    {"company_id": "c-apple", "alias": "APPLE COMPUTER INC", "valid_to": "2007-01-09"},
    {"company_id": "c-wec", "alias": "WEC Energy Group"},
    {
        "company_id": "c-msft",
        "alias": "MSQ",
        "kind": "ticker",
        "valid_from": "1990-01-01",
        "valid_to": "1999-12-31",
    },
]


@pytest.fixture
def reference(make_reference: MakeReference) -> Reference:
    return make_reference(COMPANIES, ALIASES)


@pytest.mark.parametrize(
    ("source_name", "day", "company_id", "method"),
    [
        ("c-apple", "2009-12-31", "c-apple", "exact"),
        ("  APPLE INC ", "2009-12-31", "c-apple", "exact"),
        ("HWUPKR0MPOU8FGXBT394", "2009-12-31", "c-apple", "exact"),
        ("C-Apple", "2009-12-31", "c-apple", "normalised"),
        ("Apple, Inc.", "2009-12-31", "c-apple", "normalised"),
        ("The Apple Incorporated", "2009-12-31", "c-apple", "normalised"),
        ("W. W. Grainger", "2009-12-31", "c-grainger", "normalised"),
        ("Goldman Sachs", "2009-12-31", "c-gs", "shortened"),
        ("BerkshireHathaway", "2009-12-31", "c-berk", "normalised"),
        ("United Parcel Svcs.", "2009-12-31", "c-ups", "normalised"),
        ("0000320193", "2009-12-31", "c-apple", "cik"),
        ("CIK1067983", "2009-12-31", "c-berk", "cik"),
        ("aapl", "2009-12-31", "c-apple", "ticker"),
        ("BRK/B", "2009-12-31", "c-berk", "ticker"),
        ("brk a", "2009-12-31", "c-berk", "ticker"),
        ("Apple Computer", "2007-01-09", "c-apple", "alias"),
        ("WEC ENERGY GROUP", "2009-12-31", "c-wec", "alias"),
        ("msq", "1990-01-01", "c-msft", "alias"),
        ("Berkshire Hathawey Inc", "2009-12-31", "c-berk", "typo"),
        ("Microsofft Corporation", "2009-12-31", "c-msft", "typo"),
    ],
)
def test_every_step_accepts(reference: Reference, source_name: str, day: str, company_id: str, method: str) -> None:
    decision = decide(reference, source_name, day)
    assert (decision["status"], decision["company_id"], decision["method"]) == (
        "accepted",
        company_id,
        method,
    )
    assert (
        decision["score"] == 100.0 if method not in {"typo", "shortened"} else 80 <= float(str(decision["score"])) < 100
    )
    assert decision["suggestion"] is None


@pytest.mark.parametrize(
    ("source_name", "day"),
    [
        (None, "2009-12-31"),
        ("", "2009-12-31"),
        (" \u00a0\u200b", "2009-12-31"),
        ("--", "2009-12-31"),
        ("Apple Computer", "2007-01-10"),  # the alias has ended
        ("MSQ", "1989-12-31"),  # the alias has not begun
        ("MSQ", "2000-01-01"),
        ("Nobody Knows Ltd", "2009-12-31"),
        ("Ample Inc", "2009-12-31"),  # short names are never repaired
        ("Apply Inc", "2009-12-31"),
        ("Wellington Partners Fund III LP", "2009-12-31"),  # numbers must agree
        ("Apple Laboratories Inc", "2009-12-31"),  # a word of another company is no typo
        ("Wisconsin Forest Corp", "2009-12-31"),
        ("Microsoft Energy", "2009-12-31"),  # a word more is another company
        ("Bicrosoft Corp", "2009-12-31"),  # the first letter is hardly ever mistyped
        ("320194", "2009-12-31"),  # a number near a CIK is another company's CIK
        ("AAPM", "2009-12-31"),
    ],
)
def test_what_is_not_known_is_never_guessed(reference: Reference, source_name: str | None, day: str) -> None:
    decision = decide(reference, source_name, day)
    assert (decision["status"], decision["company_id"], decision["precision"]) == ("unknown", None, None)


def test_an_unknown_name_comes_with_a_suggestion_and_its_runner_up(make_reference: MakeReference) -> None:
    reference = make_reference(
        [{"company_id": "1", "name": "Chubb Corp"}, {"company_id": "2", "name": "Chubbs Insurance Inc"}]
    )
    decision = decide(reference, "Chubbs Insurers Ltd")
    assert (decision["status"], decision["suggestion"], decision["runner_up"]) == ("unknown", "2", None)
    assert json.loads(str(decision["candidates"])) == [["2", decision["score"]]]


def test_the_same_name_with_another_legal_form_is_only_suggested(reference: Reference) -> None:
    decision = decide(reference, "Microsoft plc")
    assert (decision["status"], decision["suggestion"], decision["method"]) == ("unknown", "c-msft", "legal_form")
    assert decision["steps"] == "the same name; legal form plc, listed corporation"


def test_two_names_equally_near_are_not_repaired(make_reference: MakeReference) -> None:
    reference = make_reference(
        [
            {"company_id": "1", "name": "Northwestern Steelmark"},
            {"company_id": "2", "name": "Northwestern Steelmart"},
        ]
    )
    decision = decide(reference, "Northwestern Steelmarx")
    assert (decision["status"], decision["suggestion"], decision["runner_up"]) == ("unknown", None, "2")


@pytest.mark.parametrize(
    ("companies", "source_name"),
    [
        ([{"company_id": "1", "name": "Acme Inc"}, {"company_id": "2", "name": "Acme Corp /DE/"}], "Acme"),
        ([{"company_id": "1", "name": "Acme Inc"}, {"company_id": "2", "name": "ACME INC"}], "Acme Inc"),
        ([{"company_id": "1", "tickers": "ACM"}, {"company_id": "2", "tickers": "XY|ACM"}], "acm"),
        ([{"company_id": "1", "name": "Gap Inc"}, {"company_id": "2", "tickers": "GAP"}], "Gap"),
        ([{"company_id": "1", "name": "Ford Motor Co"}, {"company_id": "2", "tickers": "FORD"}], "Ford"),
        ([{"company_id": "1", "cik": "77"}, {"company_id": "2", "cik": "0077"}], "CIK77"),
        ([{"company_id": "1", "cik": "77"}, {"company_id": "2", "name": "77 Corp"}], "77"),
        ([{"company_id": "1", "tickers": "AB"}, {"company_id": "AB", "tickers": "XYZ"}], "AB"),
        ([{"company_id": "1", "name": "CMA Corp"}, {"company_id": "CMA"}], "CMA"),
    ],
)
def test_what_two_companies_answer_to_is_ambiguous(
    make_reference: MakeReference, companies: list[dict[str, str]], source_name: str
) -> None:
    decision = decide(make_reference(companies), source_name)
    assert (decision["status"], decision["company_id"]) == ("ambiguous", None)
    assert [company for company, _ in json.loads(str(decision["candidates"]))] == sorted(
        each["company_id"] for each in companies
    )
    assert decision["suggestion"] is None  # neither is more likely


@pytest.mark.parametrize(
    ("companies", "source_name", "company_id"),
    [
        # An id that is the company's ticker as well.
        (
            [{"company_id": "ACM", "name": "X", "tickers": "ACM"}, {"company_id": "2", "name": "Y"}],
            "ACM",
            "ACM",
        ),
        # The same name, as one of them writes it.
        (
            [{"company_id": "1", "name": "Acme Inc"}, {"company_id": "2", "name": "Acme Corp"}],
            "ACME CORP.",
            "2",
        ),
        # The whole name before one that is longer.
        (
            [{"company_id": "1", "name": "Acme Inc"}, {"company_id": "2", "name": "Acme Group Inc"}],
            "Acme Inc.",
            "1",
        ),
        # A name and a ticker of the same company are no contradiction.
        (
            [{"company_id": "1", "name": "ITT Corp", "tickers": "ITT"}, {"company_id": "2", "name": "X"}],
            "itt",
            "1",
        ),
        # A capitalised ticker is not the beginning of a name.
        ([{"company_id": "1", "name": "MMC Energy"}, {"company_id": "2", "tickers": "MMC"}], "MMC", "2"),
        # A number without names: the id, padded.
        ([{"company_id": "1800"}, {"company_id": "2800"}], "0000001800", "1800"),
    ],
)
def test_the_surer_answer_comes_first(
    make_reference: MakeReference, companies: list[dict[str, str]], source_name: str, company_id: str
) -> None:
    assert decide(make_reference(companies), source_name)["company_id"] == company_id


SUCCESSION = [
    {"company_id": "old", "name": "JOHNSON CONTROLS INC"},
    {"company_id": "new", "name": "TYCO INTERNATIONAL LTD"},
]


@pytest.mark.parametrize(
    ("source_name", "day", "company_id"),
    [
        ("Johnson Controls", "2016-09-01", "old"),
        ("Johnson Controls", "2016-09-02", "new"),
        ("JOHNSON CONTROLS", "2030-12-31", "new"),
        ("Johnson Controls, Inc.", "2016-09-02", "new"),
        ("JOHNSON CONTROLS INC", "2016-09-02", "old"),  # still the very name of the other
        ("Johnson Controlls", "2016-09-01", "old"),
        ("Johnson Controlls", "2016-09-02", None),  # equally near to both
        ("Tyco International", "2030-12-31", "new"),
    ],
)
def test_a_dated_alias_hands_a_name_over_to_the_successor(
    make_reference: MakeReference, source_name: str, day: str, company_id: str | None
) -> None:
    alias = {"company_id": "new", "alias": "JOHNSON CONTROLS", "valid_from": "2016-09-02"}
    assert decide(make_reference(SUCCESSION, [alias]), source_name, day)["company_id"] == company_id


@pytest.mark.parametrize(
    ("valid_to", "day", "status", "company_id"),
    [
        ("2009-07-31", "2009-06-30", "accepted", "old"),  # the dates of the alias tell the two apart
        ("2009-07-31", "2009-09-30", "accepted", "new"),
        ("", "2009-06-30", "ambiguous", None),  # nothing tells them apart
    ],
)
def test_one_name_of_two_companies_in_turn(
    make_reference: MakeReference, valid_to: str, day: str, status: str, company_id: str | None
) -> None:
    companies = [
        {"company_id": "new", "name": "ALPHA, INC."},
        {"company_id": "old", "name": "ALPHA, INC./OLD"},
    ]
    reference = make_reference(companies, [{"company_id": "old", "alias": "ALPHA, INC.", "valid_to": valid_to}])
    decision = decide(reference, "ALPHA, INC.", day)
    assert (decision["status"], decision["company_id"]) == (status, company_id)


def test_a_ticker_that_passed_to_another_company_follows_its_dates(make_reference: MakeReference) -> None:
    companies = [{"company_id": "old"}, {"company_id": "new", "tickers": "CB"}]
    alias = {"company_id": "old", "alias": "CB", "kind": "ticker", "valid_to": "2016-01-14"}
    reference = make_reference(companies, [alias])
    assert decide(reference, "CB", "2016-01-14")["company_id"] == "old"
    assert decide(reference, "CB", "2016-01-15")["company_id"] == "new"


@pytest.mark.parametrize("source_name", ["HP", "hp"])
def test_an_alias_settles_what_was_ambiguous(make_reference: MakeReference, source_name: str) -> None:
    companies = [{"company_id": "drill", "tickers": "HP"}, {"company_id": "print", "name": "HP Inc"}]
    assert decide(make_reference(companies), source_name)["status"] == "ambiguous"
    alias = {"company_id": "print", "alias": "HP", "valid_from": "2000-01-01"}
    assert decide(make_reference(companies, [alias]), source_name)["company_id"] == "print"
    assert decide(make_reference(companies, [alias | {"kind": "ticker"}]), source_name)["company_id"] == "print"


def test_an_alias_that_is_only_alike_settles_nothing(make_reference: MakeReference) -> None:
    companies = [{"company_id": "drill", "tickers": "HPGX"}, {"company_id": "print", "name": "X"}]
    alias = {"company_id": "print", "alias": "HPGX Inc", "valid_from": "2000-01-01"}
    assert decide(make_reference(companies, [alias]), "HPGX")["status"] == "ambiguous"


@pytest.mark.parametrize(
    "supporting_columns",
    [
        '{"name": "Microsoft Corporation"}',
        '{"Company Name": "MICROSOFT CORP"}',
        '{"tickerSymbol": "msft", "country": "US"}',
        '{"cik": 789019}',
        '{"company_id": "c-msft"}',
        '{"name": "Apple Inc", "cik": "0000789019"}',  # one cell agrees, one does not
        '{"name": "Microsofft Corp"}',
    ],
)
def test_supporting_columns_of_another_company_veto_a_decision(reference: Reference, supporting_columns: str) -> None:
    decision = decide(reference, "AAPL", supporting_columns=supporting_columns)
    assert (decision["status"], decision["company_id"]) == ("conflict", None)
    assert (decision["suggestion"], decision["runner_up"]) == ("c-apple", "c-msft")


@pytest.mark.parametrize(
    "supporting_columns",
    [
        None,
        "",
        "{}",
        '{"name": "Apple, Inc.", "country": "US"}',
        '{"name": null, "ticker": " "}',
        '{"country": "MSFT"}',  # not declared as a ticker
        '{"name": "N/A", "cik": "None"}',
        '{"lei": "HWUPKR0MPOU8FGXBT394"}',
    ],
)
def test_supporting_columns_that_agree_or_are_empty_change_nothing(
    reference: Reference, supporting_columns: str | None
) -> None:
    assert decide(reference, "AAPL", supporting_columns=supporting_columns)["company_id"] == "c-apple"


def test_supporting_columns_alone_accept_nothing_but_suggest(reference: Reference) -> None:
    decision = decide(reference, "Nobody Knows Ltd", supporting_columns='{"ticker": "MSFT"}')
    assert (decision["status"], decision["company_id"], decision["suggestion"]) == ("unknown", None, "c-msft")


def test_supporting_columns_choose_between_ambiguous_companies(
    make_reference: MakeReference,
) -> None:
    reference = make_reference([{"company_id": "1", "name": "Acme Inc"}, {"company_id": "2", "name": "Acme Corp"}])
    decision = decide(reference, "Acme", supporting_columns='{"id": "2"}')
    assert (decision["status"], decision["company_id"], decision["method"]) == ("accepted", "2", "normalised+id")


@pytest.mark.parametrize("supporting_columns", ["not json", "[1]", '"text"'])
def test_supporting_columns_that_are_not_an_object_are_refused(reference: Reference, supporting_columns: str) -> None:
    with pytest.raises(ValueError, match=r"column supporting_columns: .* is not"):
        decide(reference, "AAPL", supporting_columns=supporting_columns)


ASKED = [
    ("AAPL", "2009-12-31", None),
    (None, "2009-12-31", None),
    ("Apple Computer", "2006-12-31", None),
    ("Apple Computer", "2009-12-31", None),
    ("Berkshire Hathawey Inc", "2009-12-31", None),
    ("Berkshire Hathawey Inc", "2009-12-31", '{"ticker": "MSFT"}'),
    ("Nobody Knows Ltd", "2009-12-31", None),
    ("Wisconsin Forest Corp", "2009-12-31", '{"country": "US"}'),
]


def test_columns_order_and_dtypes_are_kept_and_added(reference: Reference) -> None:
    asked = source_names_frame(ASKED).set_index(pd.Index(range(10, 10 + len(ASKED))))
    decisions = resolve(asked, reference)
    pd.testing.assert_frame_equal(decisions[["source_name", "period_end", "supporting_columns"]], asked)
    text, score = pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.float64())
    added = decisions.drop(columns=["source_name", "period_end", "supporting_columns"]).dtypes.to_dict()
    texts = ["status", "company_id", "method", "steps", "runner_up", "suggestion", "candidates"]
    numbers = ["score", "runner_up_score", "precision"]
    assert added == {**dict.fromkeys(texts, text), **dict.fromkeys(numbers, score)}


def test_no_names_make_no_decisions(reference: Reference) -> None:
    decisions = resolve(source_names_frame([]), reference)
    assert len(decisions) == 0
    assert decisions["status"].dtype == pd.ArrowDtype(pa.string())


def test_order_and_repetition_do_not_matter(reference: Reference) -> None:
    alone = [resolve(source_names_frame([row]), reference) for row in ASKED]
    expected = dict(zip(ASKED, (frame.astype(object).to_csv(index=False) for frame in alone), strict=True))
    shuffled = ASKED * 3
    random.Random(7).shuffle(shuffled)
    together = resolve(source_names_frame(shuffled), reference)
    for position, row in enumerate(shuffled):
        assert together.iloc[[position]].astype(object).to_csv(index=False) == expected[row]


def test_the_order_of_the_list_does_not_matter(make_reference: MakeReference) -> None:
    asked = source_names_frame(ASKED)
    forward = resolve(asked, make_reference(COMPANIES, ALIASES))
    backward = resolve(asked, make_reference(COMPANIES[::-1], ALIASES[::-1]))
    pd.testing.assert_frame_equal(forward, backward)


def test_unrelated_companies_move_no_name_to_another_company(make_reference: MakeReference) -> None:
    asked = source_names_frame(ASKED)
    before = resolve(asked, make_reference(COMPANIES, ALIASES))
    words = ["Zenith", "Quartz", "Umbra", "Larch", "Ferrum", "Oxbow"]
    others = [{"company_id": f"z{a}{b}", "name": f"{a} {b} Inc", "tickers": f"Z{i}"}
              for i, (a, b) in enumerate((a, b) for a in words for b in words)]  # fmt: skip
    after = resolve(asked, make_reference(COMPANIES + others, ALIASES))
    assert before["company_id"].astype(object).fillna("").tolist() == (
        after["company_id"].astype(object).fillna("").tolist()
    )


@pytest.mark.parametrize("missing", ["source_name", "period_end", "supporting_columns"])
def test_a_missing_column_is_named(reference: Reference, missing: str) -> None:
    with pytest.raises(ValueError, match=f"no column {missing}"):
        resolve(source_names_frame(ASKED).drop(columns=missing), reference)


def test_a_null_period_end_is_refused(reference: Reference) -> None:
    asked = source_names_frame(ASKED)
    asked.loc[0, "period_end"] = None
    with pytest.raises(ValueError, match="period_end: is null"):
        resolve(asked, reference)


@pytest.mark.parametrize("name", ["N/A", "none", "-", "nan", "NULL"])
def test_a_name_without_letters_vetoes_no_code(reference: Reference, name: str) -> None:
    decision = decide(reference, "0000320193", supporting_columns=json.dumps({"name": name}))
    assert (decision["status"], decision["company_id"]) == ("accepted", "c-apple")
    stopped = decide(reference, "0000320193", supporting_columns='{"name": "Zebulon Fisheries Cooperative"}')
    assert stopped["status"] == "conflict"
