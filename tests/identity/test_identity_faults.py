"""Faults that were found by trying to mislead the decision: none of them may come back."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from resolving import decide, write_csv

from finsync_pipeline.identity import Reference, read_reference
from finsync_pipeline.identity.names.normal_form import LONGEST_NAME, normalise_name

COMPANIES = [
    {"company_id": "toyota", "name": "Toyota Motor Corp", "tickers": "7203", "cik": "1094517"},
    {"company_id": "star", "name": "★"},
    {"company_id": "daiki", "name": "ダイキ"},
    {"company_id": "kamal", "name": "कमल"},
    {"company_id": "forward", "name": "Forward Industries Inc", "tickers": "FORD"},
    *(
        {"company_id": f"bancorp-{number}", "name": "Community Bancorp", "country": country}
        for number, country in enumerate(("US", "CA", "CA", "CA", "CA", "US", "DE"))
    ),
    *({"company_id": f"parent-{n}", "cik": "77", "country": c} for n, c in enumerate(("US", "CA", "US"))),
    {"company_id": "ACME01", "name": "Alpha Corp"},
    {"company_id": "acme-name", "name": "ACME02 Inc"},
    {"company_id": "acme-ticker", "tickers": "ACME02"},
    {"company_id": "zen-1", "name": "Zenith Inc", "country": "US"},
    {"company_id": "zen-2", "name": "Zenith Corp", "country": "DE"},
    {"company_id": "oxbow", "name": "Oxbow Inc", "country": "Germany"},
    {"company_id": "nestle", "name": "Nestle"},
]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder: Path = tmp_path_factory.mktemp("list")
    write_csv(folder / "companies.csv", COMPANIES)
    return read_reference(folder)


@pytest.mark.parametrize("source_name", ["☆☆", "--", "!!!", "?", "😀"])
def test_signs_are_not_the_company_whose_name_is_another_sign(reference: Reference, source_name: str) -> None:
    assert decide(reference, "★")["company_id"] == "star"
    assert decide(reference, source_name)["status"] == "unknown"


@pytest.mark.parametrize("source_name", ["タイキ", "कामल", "कुमल"])
def test_marks_that_make_another_letter_are_no_accents(reference: Reference, source_name: str) -> None:
    assert decide(reference, source_name)["status"] == "unknown"
    assert normalise_name("Crédit Łódź").core == ("credit", "lodz")


def test_a_ticker_of_digits_is_a_ticker_whatever_else_is_listed(reference: Reference) -> None:
    decision = decide(reference, "7203")
    assert (decision["company_id"], decision["method"]) == ("toyota", "ticker")


def test_what_is_written_like_a_name_is_not_taken_for_a_ticker(reference: Reference) -> None:
    assert decide(reference, "FORD")["company_id"] == "forward"
    decision = decide(reference, "Ford")
    assert (decision["status"], decision["suggestion"]) == ("unknown", "forward")


def test_a_name_of_another_company_is_not_taken_for_a_misspelt_id(tmp_path: Path) -> None:
    names = ["Nestle", "Adidas", "Danone", "Heineken", "Unilever", "Diageo", "Carlsberg", "Lindt", "Kellogg", "Hershey"]
    write_csv(tmp_path / "companies.csv", [{"company_id": name.lower(), "name": name} for name in names])
    reference = read_reference(tmp_path)
    assert decide(reference, "NESTLE")["company_id"] == "nestle"
    assert decide(reference, "Neste")["status"] == "unknown"


def test_a_name_that_very_many_companies_share_takes_no_long_time(tmp_path: Path) -> None:
    write_csv(tmp_path / "companies.csv", ({"company_id": f"K{n:07d}", "name": "Not Known"} for n in range(3_000)))
    started = time.process_time()
    reference = read_reference(tmp_path)
    for blanks in range(10):
        assert decide(reference, "not" + " " * blanks + " known")["status"] == "ambiguous"
    assert time.process_time() - started < 10  # it was over ten minutes


def test_a_country_chooses_only_among_all_companies_of_the_name(reference: Reference) -> None:
    one, two = '{"country": "DE"}', '{"country": "US"}'
    assert decide(reference, "Community Bancorp", supporting_columns=one)["company_id"] == "bancorp-6"
    assert (
        decide(reference, "Community Bancorp", supporting_columns=two)["status"] == "ambiguous"
    )  # the first and the sixth
    assert decide(reference, "CIK77", supporting_columns=two)["status"] == "ambiguous"  # three have this CIK


def test_supporting_columns_choose_among_many_companies_of_one_name(reference: Reference) -> None:
    assert decide(reference, "Community Bancorp", supporting_columns='{"id": "bancorp-6"}')["company_id"] == "bancorp-6"
    told = json.loads(str(decide(reference, "Community Bancorp")["candidates"]))
    assert len(told) == 5


def test_what_two_companies_answer_to_is_not_a_misspelt_id_of_a_third(reference: Reference) -> None:
    decision = decide(reference, "ACME02", supporting_columns='{"name": "Alpha Corp"}')
    assert (decision["status"], decision["company_id"]) == ("ambiguous", None)


def test_the_runner_up_is_another_company_and_what_is_accepted_has_a_score(reference: Reference) -> None:
    decision = decide(reference, "Zenith", supporting_columns='{"id": "zen-2"}')
    assert (decision["company_id"], decision["runner_up"]) == ("zen-2", "zen-1")
    decision = decide(reference, "ACMX01", supporting_columns='{"name": "Alpha Corp"}')
    assert (decision["company_id"], decision["method"]) == ("ACME01", "code+name")
    assert 80 < float(str(decision["score"])) < 100


@pytest.mark.parametrize(
    ("source_name", "supporting_columns"),
    [
        ("Zenith", '{"id": "zen-1", "country": "DE"}'),  # two cells that contradict each other
        ("ACME01", '{"name": "Community Bancorp"}'),  # one of seven others, whichever
    ],
)
def test_supporting_columns_only_of_another_company_veto(
    reference: Reference, source_name: str, supporting_columns: str
) -> None:
    assert decide(reference, source_name, supporting_columns=supporting_columns)["status"] == "conflict"


@pytest.mark.parametrize(
    "supporting_columns", ['{"name": "-"}', '{"name": "?"}', '{"cik": "\\ud800"}', '{"name": "\\ud800"}']
)
def test_supporting_columns_without_a_letter_mean_nothing(reference: Reference, supporting_columns: str) -> None:
    assert decide(reference, "1094517", supporting_columns=supporting_columns)["company_id"] == "toyota"


def test_a_country_that_is_not_a_code_vetoes_nothing(reference: Reference) -> None:
    assert decide(reference, "Oxbow Inc", supporting_columns='{"country": "DE"}')["company_id"] == "oxbow"


@pytest.mark.parametrize("supporting_columns", ["[" * 100_000, '{"cik": ' + "9" * 5_000 + "}"])
def test_supporting_columns_that_python_cannot_read_are_refused(reference: Reference, supporting_columns: str) -> None:
    with pytest.raises(ValueError, match=r"column supporting_columns: .* is not JSON") as refused:
        decide(reference, "Oxbow Inc", supporting_columns=supporting_columns)
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize("word", ["a ", "inc ", "a/", "w{} "])
def test_a_very_long_name_takes_no_long_time(reference: Reference, word: str) -> None:
    source_name = "".join(word.format(number) for number in range(200_000))
    assert len(source_name) > LONGEST_NAME
    started = time.process_time()
    assert decide(reference, source_name)["status"] == "unknown"
    assert time.process_time() - started < 5  # it was over a minute
