"""Several rows of one source for one fact: which of them counts."""

import json
from datetime import date
from typing import Any

import pytest
from factories import mapping_of
from statements.standardized_rows import Run, run_rows, run_together

from finsync_pipeline import frames
from finsync_pipeline.identity.results import Method
from finsync_pipeline.statements.deduplicate import certainty

MAPPING = mapping_of(
    known_since="filed",
    months={"column": "length"},
    currency={"column": "money"},
    items={"revenue": "sales", "cash": "cash", "sector": "branch"},
)
OLD, NEW = "2010-02-01", "2010-05-01"


def row(key: str, sales: str, filed: str | None = None, **cells: Any) -> dict[str, Any]:
    return {"key": key, "sales": sales, "filed": filed, "length": "12", "money": "USD"} | cells


CASES: dict[str, tuple[list[dict[str, Any]], dict[str, float], dict[str, str]]] = {
    "9 is before 10": ([row("10", "5"), row("9", "5")], {"9": 5.0}, {"10": "same_value"}),
    "equal values keep the lowest key, whichever is newest": (
        [row("1", "5"), row("2", "5.00", NEW), row("3", "5e0", OLD)],
        {"1": 5.0},
        {"2": "same_value", "3": "same_value"},
    ),
    "newest wins": ([row("1", "5", OLD), row("2", "6", NEW)], {"2": 6.0}, {"1": "older_value"}),
    "without a day it may be the newer one": (
        [row("1", "5"), row("2", "6", OLD)],
        {},
        {"1": "conflict", "2": "conflict"},
    ),
    "without a day it may have the value that counts": (
        [row("1", "6"), row("2", "6", NEW), row("3", "5", OLD)],
        {"1": 6.0},
        {"2": "same_value", "3": "older_value"},
    ),
    "an older row is older, even with the value that counts": (
        [row("1", "6", OLD), row("2", "5", OLD), row("3", "6", NEW), row("4", "6", NEW)],
        {"3": 6.0},
        {"1": "older_value", "2": "older_value", "4": "same_value"},
    ),
    "a tie among the newest is a conflict of all": (
        [row("1", "5", NEW), row("2", "6", NEW), row("3", "5", OLD)],
        {},
        {"1": "conflict", "2": "conflict", "3": "conflict"},
    ),
    "none is newer": ([row("1", "5"), row("2", "6")], {}, {"1": "conflict", "2": "conflict"}),
    "minus zero is zero": ([row("1", "0"), row("2", "-0")], {"1": 0.0}, {"2": "same_value"}),
    "9 and 10 are not equal": ([row("1", "9"), row("2", "10")], {}, {"1": "conflict", "2": "conflict"}),
    "what cannot be read supersedes nothing": (
        [row("1", "n/m", NEW), row("2", "6", OLD)],
        {"2": 6.0},
        {"1": "not_a_number"},
    ),
    "what is refused supersedes nothing": (
        [row("1", "6", NEW, who="Nobody"), row("2", "5", OLD)],
        {"2": 5.0},
        {"1": "company_unknown"},
    ),
    "another currency": ([row("1", "5", OLD), row("2", "6", NEW, money="EUR")], {"1": 5.0, "2": 6.0}, {}),
    "another length": ([row("1", "5", OLD), row("2", "6", NEW, length="3")], {"1": 5.0, "2": 6.0}, {}),
    "another company": ([row("1", "5", OLD), row("2", "6", NEW, who="Bolt")], {"1": 5.0, "2": 6.0}, {}),
    "another period": (
        [row("1", "5", OLD), row("2", "6", NEW, period_end=date(2009, 11, 30))],
        {"1": 5.0, "2": 6.0},
        {},
    ),
}


NAMES: dict[str, tuple[list[dict[str, Any]], dict[str, float], dict[str, str]]] = {
    "the less certain is rejected": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="Acmee Corp")],
        {"1": 5.0},
        {"2": "company_contradicted"},
    ),
    "whichever comes first": (
        [row("1", "6", who="Acme Limited"), row("2", "5", who="Acme Corp")],
        {"2": 5.0},
        {"1": "company_contradicted"},
    ),
    "names that agree are the same value": (
        [row("1", "5", who="Acme Corp"), row("2", "5.0", who="Acmee Corp")],
        {"1": 5.0},
        {"2": "same_value"},
    ),
    "one name written in two ways is a conflict": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="ACME CORP.")],
        {},
        {"1": "conflict", "2": "conflict"},
    ),
    "equally certain names are a conflict": (
        [row("1", "5", who="Acmee Corp"), row("2", "6", who="Acne Corp")],
        {},
        {"1": "conflict", "2": "conflict"},
    ),
    "rows of one name are a conflict": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="Acme Corp")],
        {},
        {"1": "conflict", "2": "conflict"},
    ),
    "a supporting column makes the same method more certain": (
        [row("1", "5", who="Acmee Corp"), row("2", "6", who="Acme Cord")],
        {"2": 6.0},
        {"1": "company_contradicted"},
    ),
    "but no method another one": (
        [row("1", "5", who="ACME CORP."), row("2", "6", who="Acme Cord")],
        {"1": 5.0},
        {"2": "company_contradicted"},
    ),
    "what a person decided is the most certain": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="Acme Holdings")],
        {"2": 6.0},
        {"1": "company_contradicted"},
    ),
    "a newer value is no contradiction": (
        [row("1", "5", OLD, who="Acme Corp"), row("2", "6", NEW, who="Acmee Corp")],
        {"2": 6.0},
        {"1": "older_value"},
    ),
    "nor an older one": (
        [row("1", "5", NEW, who="Acme Corp"), row("2", "6", OLD, who="Acmee Corp")],
        {"1": 5.0},
        {"2": "older_value"},
    ),
    "of several versions those of one day are compared": (
        [row("1", "5", OLD, who="Acme Corp"), row("2", "7", NEW, who="Acme Corp"), row("3", "6", OLD, who="Acne Corp")],
        {"2": 7.0},
        {"1": "older_value", "3": "company_contradicted"},
    ),
    "another length, currency or day is another fact": (
        [
            row("1", "5", who="Acme Corp"),
            row("2", "6", who="Acmee Corp", length="3"),
            row("3", "7", who="Acmee Corp", money="EUR"),
            row("4", "8", who="Acmee Corp", period_end=date(2009, 11, 30)),
        ],
        {"1": 5.0, "2": 6.0, "3": 7.0, "4": 8.0},
        {},
    ),
    "all rows of the name that end on the day are rejected, and none that end on another": (
        [
            row("1", "5", who="Acme Corp"),
            row("2", "6", who="Acmee Corp"),
            row("3", "7", who="Acmee Corp", length="3"),
            row("4", "8", who="Acmee Corp", period_end=date(2009, 11, 30)),
        ],
        {"1": 5.0, "4": 8.0},
        {"2": "company_contradicted", "3": "company_contradicted"},
    ),
    "a name that is contradicted contradicts none": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="Acne Corp"), row("3", "5", who="Acme Limited")],
        {"1": 5.0},
        {"2": "company_contradicted", "3": "same_value"},
    ),
    "a name that gives another value too is contradicted": (
        [
            row("1", "5", who="Acme Corp"),
            row("2", "5", who="Acmee Corp"),
            row("3", "6", who="Acmee Corp"),
        ],
        {"1": 5.0},
        {"2": "company_contradicted", "3": "company_contradicted"},
    ),
    "the more certain name contradicts itself": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="Acme Corp"), row("3", "6", who="Acmee Corp")],
        {},
        {"1": "conflict", "2": "conflict", "3": "conflict"},
    ),
    "what cannot be read contradicts nothing": (
        [row("1", "n/m", who="Acme Corp"), row("2", "6", who="Acmee Corp")],
        {"2": 6.0},
        {"1": "not_a_number"},
    ),
    "a row that is rejected anyway keeps its reason": (
        [row("1", "5", who="Acme Corp"), row("2", "6", who="Acmee Corp"), row("3", "7", length="5", who="Acmee Corp")],
        {"1": 5.0},
        {"2": "company_contradicted", "3": "length_unknown"},
    ),
}


@pytest.fixture(scope="module")
def runs_of_names() -> dict[str, Run]:
    return run_together({name: rows for name, (rows, _, _) in NAMES.items()}, MAPPING)


@pytest.mark.parametrize("case", NAMES)
def test_of_several_names_of_one_source_for_one_company(runs_of_names: dict[str, Run], case: str) -> None:
    _, values, reasons = NAMES[case]
    assert runs_of_names[case].values == values
    assert runs_of_names[case].reasons == reasons


def test_a_row_of_a_contradicted_name_is_kept_whole_with_all_its_cells() -> None:
    right = row("1", "13016", who="Acme Corp")
    wrong = row("2", "15075", who="Acme Limited", cash="n/m", branch="Insurance")
    run = run_rows([right, wrong], MAPPING)

    assert run.values == {"1": 13016.0}
    assert run.out.texts.empty
    [reject] = frames.to_arrow(run.out.rejects).to_pylist()
    assert (reject["reason"], reject["stage"], reject["outcome"]) == ("company_contradicted", "identity", "rejected")
    assert (reject["item"], reject["cells"]) == (None, 3)
    assert json.loads(reject["raw_text"])["who"] == "Acme Limited"


def test_texts_contradict_as_numbers_do() -> None:
    steel = {"length": "12", "money": "USD", "who": "Acme Corp", "branch": "Steel"}
    run = run_rows([steel, steel | {"who": "Acmee Corp", "branch": "Iron", "sales": "1"}], MAPPING)

    assert run.out.texts["text"].tolist() == ["Steel"]
    assert run.reasons == {"2": "company_contradicted"}


def test_methods_are_certain_in_their_order_and_more_with_support() -> None:
    in_order = [each for method in Method for each in (f"{method}+name", str(method))]

    assert sorted(in_order, key=certainty, reverse=True) == in_order
    assert certainty("a method of another version") < certainty(in_order[-1])


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return run_together({name: rows for name, (rows, _, _) in CASES.items()}, MAPPING)


@pytest.mark.parametrize("case", CASES)
def test_of_several_rows_for_one_fact(runs: dict[str, Run], case: str) -> None:
    _, values, reasons = CASES[case]
    assert runs[case].values == values
    assert runs[case].reasons == reasons


def test_each_item_of_a_row_is_judged_by_itself() -> None:
    rows = [row("1", "5", OLD, cash="1"), row("2", "6", NEW, cash="1")]
    facts = run_rows(rows, MAPPING).out.facts
    assert dict(zip(facts["item"], facts["row_key"], strict=True)) == {"revenue": "2", "cash": "1"}


def test_an_instant_is_one_fact_whatever_the_length_beside_it() -> None:
    rows = [row("1", "5", cash="7"), row("2", "6", cash="7", length="3")]
    run = run_rows(rows, MAPPING)
    cash = run.out.facts[run.out.facts["item"] == "cash"]
    assert cash["months"].tolist() == [0]
    assert run.reasons == {"2": "same_value"}


TEXT_CASES: dict[str, tuple[list[tuple[str, str | None, str]], list[str], list[str]]] = {
    "equal": ([("Steel", None, "USD"), (" Steel ", None, "USD")], ["Steel"], ["same_value"]),
    "newer": ([("Steel", OLD, "USD"), ("Iron", NEW, "USD")], ["Iron"], ["older_value"]),
    "tied": ([("Steel", None, "USD"), ("Iron", None, "USD")], [], ["conflict", "conflict"]),
    "case matters": ([("Steel", None, "USD"), ("steel", None, "USD")], [], ["conflict", "conflict"]),
    "no currency": ([("Steel", None, "USD"), ("Steel", None, "EUR")], ["Steel"], ["same_value"]),
    "no numbers": ([("1", None, "USD"), ("1.0", None, "USD")], [], ["conflict", "conflict"]),
}


def test_texts_follow_the_same_rules_and_have_no_currency() -> None:
    rows = {
        name: [{"length": "12", "branch": text, "filed": filed, "money": money} for text, filed, money in case]
        for name, (case, _, _) in TEXT_CASES.items()
    }
    runs = run_together(rows, MAPPING)
    found = {n: (run.out.texts["text"].tolist(), run.out.rejects["reason"].tolist()) for n, run in runs.items()}
    assert found == {name: (texts, reasons) for name, (_, texts, reasons) in TEXT_CASES.items()}
