"""The review: which line decides a row, what it does to the decision, and when a stored decision is overtaken."""

from __future__ import annotations

import itertools
import random
from datetime import date

import pandas as pd
import pyarrow as pa
import pytest
from factories import source_names_frame
from resolving import MakeReference

from finsync_pipeline.identity import Decider, Reference, Review, apply_review, decide, resolve
from finsync_pipeline.identity.review import ReviewLine, lines_for

DAY = "2009-12-31"
EVIDENCE = '{"name": "Globex Inc", "country": null}'


def line(source_name: str, company_id: str, **parts: object) -> ReviewLine:
    usual = dict.fromkeys(("source", "supporting_columns", "valid_from", "valid_to", "note")) | {
        "who": "jane",
        "when": date(2026, 1, 31),
    }
    return ReviewLine(**{**usual, "source_name": source_name, "company_id": company_id, **parts})  # type: ignore[arg-type]


def decided_by(
    review: Review, source_name: str, supporting_columns: str | None = None, day: str = DAY, source: str = "pnl"
) -> str:
    """The company of the line that decides the row; `-` where none does."""
    [found] = lines_for(source_names_frame([(source_name, day, supporting_columns)]), review, source)
    return found.company_id if found else "-"


@pytest.fixture
def reference(make_reference: MakeReference) -> Reference:
    return make_reference([{"company_id": "A1", "name": "Acme Corp"}, {"company_id": "G1", "name": "Globex Inc"}])


def test_a_line_decides_its_name_in_any_case_blanks_and_unicode() -> None:
    review = Review((line("Initech  Ltd", "A1"),))

    for source_name in ("Initech  Ltd", "INITECH LTD", " initech\u00a0ltd ", "\uff29nitech\u200b Ltd"):
        assert decided_by(review, source_name) == "A1"
    for source_name in ("Initech", "Initech Ltd.", ""):
        assert decided_by(review, source_name) == "-"


def test_lines_that_differ_by_case_and_disagree_decide_only_their_very_name() -> None:
    review = Review((line("IT", "A1"), line("It", "G1")))

    assert [decided_by(review, source_name) for source_name in ("IT", "It", "it")] == ["A1", "G1", "-"]


def test_the_most_particular_line_counts_whatever_the_order() -> None:
    lines = [
        line("Acme", "ALL"),
        line("Acme", "EVIDENCE", supporting_columns='{"country": null, "name": "Globex Inc"}'),
        line("Acme", "SOURCE", source="pnl"),
        line("Acme", "BOTH", source="pnl", supporting_columns='{"country": null, "name": "Globex Inc"}'),
    ]
    for order in itertools.permutations(lines):
        review = Review(order)
        assert decided_by(review, "Acme", EVIDENCE) == "BOTH"
        assert decided_by(review, "Acme") == "SOURCE"
        assert decided_by(review, "Acme", EVIDENCE, source="cash_flow") == "EVIDENCE"
        assert decided_by(review, "Acme", source="cash_flow") == "ALL"


def test_a_line_decides_only_period_ends_within_its_dates() -> None:
    until, since = date(2009, 12, 31), date(2010, 1, 1)
    review = Review((line("JCI", "OLD", valid_to=until), line("JCI", "NEW", valid_from=since)))

    assert [decided_by(review, "JCI", day=day) for day in ("2009-12-31", "2010-01-01")] == ["OLD", "NEW"]


def test_a_line_wins_over_the_automatic_decision_and_reports_it(reference: Reference) -> None:
    source_names = source_names_frame([(source_name, DAY, None) for source_name in ("A1", "Acme Corp", "Nobody", "G1")])
    review = Review((line("A1", "G1", note="merged."), line("Acme Corp", "reject"), line("Nobody", "A1")))

    automatic = resolve(source_names, reference)
    reviewed = apply_review(automatic, review, "pnl")

    assert reviewed["status"].tolist() == ["accepted", "rejected", "accepted", "accepted"]
    assert reviewed["company_id"].fillna("-").tolist() == ["G1", "-", "A1", "G1"]
    assert reviewed["method"].tolist() == ["review", "review", "review", "exact"]
    assert reviewed["steps"].tolist()[:3] == [
        "jane, 2026-01-31: merged. Without the review: accepted, A1 by exact",
        "jane, 2026-01-31. Without the review: accepted, A1 by exact",
        "jane, 2026-01-31. Without the review: unknown",
    ]
    assert reviewed["score"].isna().tolist() == [True, True, True, False]
    pd.testing.assert_frame_equal(reviewed.iloc[[3]][automatic.columns], automatic.iloc[[3]])
    assert {column: reviewed[column].dtype for column in automatic} == dict(automatic.dtypes)


def test_supporting_columns_cannot_veto_a_reviewer(reference: Reference) -> None:
    source_names = source_names_frame([("Acme Corp", DAY, EVIDENCE), ("Acme Corp", DAY, None)])

    assert resolve(source_names, reference)["status"].tolist() == ["conflict", "accepted"]
    reviewed = apply_review(resolve(source_names, reference), Review((line("Acme Corp", "A1"),)), "pnl")
    assert reviewed["company_id"].tolist() == ["A1", "A1"]


def test_lines_that_decide_nothing_are_reported(reference: Reference) -> None:
    used, of_another_source, never = line("Acme", "A1"), line("Acme", "A1", source="cash_flow"), line("Nobody", "A1")
    decisions = source_names_frame([("ACME", DAY, None), (None, DAY, None)]).assign(source="pnl")

    assert Review((used, of_another_source, never)).unused(decisions) == [of_another_source, never]
    assert Review((never,)).unused(decisions.head(0)) == [never]


def test_the_version_is_that_of_the_content_whatever_its_order() -> None:
    lines = [line(source_name, "A1", source=source) for source_name in "ab" for source in (None, "pnl")]
    shuffled = random.Random(1).sample(lines, len(lines))
    versions = {Review(tuple(lines)).version, Review(tuple(shuffled)).version}
    changed = {
        Review((*lines[1:], line("a", "A1", **part))).version
        for part in (
            {"note": "x"},
            {"who": "joe"},
            {"source": "x"},
            {"valid_to": date(2010, 1, 1)},
            {"supporting_columns": "{}"},
        )
    }

    assert len(versions) == 1
    assert len(changed | versions | {Review().version}) == 7


def test_a_review_goes_through_its_table_and_back() -> None:
    review = Review(
        (line("a", "A1", source="pnl", supporting_columns="{}", valid_from=date(2009, 1, 1)), line("b", "reject"))
    )

    assert Review.of(review.table).lines == review.lines
    assert Review.of(Review().table).lines == ()
    assert Review.of(review.table).version == review.version


def test_only_decisions_that_would_be_others_are_outdated(reference: Reference, make_reference: MakeReference) -> None:
    source_names = source_names_frame([(source_name, DAY, None) for source_name in ("Acme Corp", "Nobody", "Somebody")])
    before = Decider(reference, Review((line("Nobody", "A1"),)))
    stored = before.decide(source_names, "pnl")

    assert before.outdated(stored).empty
    more = make_reference(
        [*reference.companies[["company_id", "name"]].to_dict("records"), {"company_id": "S1", "name": "Somebody"}]
    )
    assert Decider(more, before.review).outdated(stored)["source_name"].tolist() == ["Somebody"]
    rejecting = Decider(reference, Review((line("Nobody", "reject"), line("Globex", "G1"))))
    assert rejecting.outdated(stored)["source_name"].tolist() == ["Nobody"]
    assert Decider(reference, Review()).outdated(stored)["source_name"].tolist() == ["Nobody"]
    assert len(rejecting.of_other_versions(stored)) == len(stored)


def test_the_kind_that_a_source_declares_is_kept_and_asked_with_again(
    reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    decider = Decider(reference, Review())
    kinds = pd.Series(["name", "id"], dtype=pd.ArrowDtype(pa.string()))
    stored = decider.decide(source_names_frame([("A1", DAY, None), ("G1", DAY, None)]).assign(kind=kinds), "pnl")
    assert stored["kind"].tolist() == ["name", "id"]

    asked: list[pd.DataFrame] = []
    monkeypatch.setattr(
        decide, "resolve", lambda source_names, _: asked.append(source_names) or resolve(source_names, _)
    )
    assert decider.outdated(stored.assign(review_version="another")).empty
    assert asked[-1]["kind"].tolist() == ["name", "id"]


def test_decisions_stored_before_there_were_kinds_are_decided_without(reference: Reference) -> None:
    decider = Decider(reference, Review())
    stored = decider.decide(source_names_frame([("A1", DAY, None), ("Nobody", DAY, None)]), "pnl")

    assert "kind" not in stored
    assert decider.outdated(stored.assign(review_version="another")).empty


def test_decisions_of_unknown_versions_are_outdated(reference: Reference) -> None:
    decider = Decider(reference, Review())
    stored = decider.decide(source_names_frame([("A1", DAY, None)]), "pnl").assign(review_version=None)

    assert len(decider.outdated(stored)) == 1
