"""The review queue, and what is counted of the decisions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.identity.audit import open_questions, rows_by_decision, share_accepted
from finsync_pipeline.identity.results import Status
from finsync_pipeline.identity.review import fold_source_name
from finsync_pipeline.statements.tables import COMPANY_IDS, IDENTITY_REVIEW

Q3, Q4 = date(2009, 9, 30), date(2009, 12, 31)
COMPANIES = frames.from_arrow(pa.table({"company_id": ["A1", "G1", "N1"], "name": ["Acme Corp", "Globex Inc", None]}))


def decisions(*rows: dict[str, Any]) -> pd.DataFrame:
    usual = {"source": "pnl", "period_end": Q4, "reference_version": "r1", "review_version": "v1"}
    return COMPANY_IDS.validate(COMPANY_IDS.frame({**usual, **row} for row in rows))


def asked(frame: pd.DataFrame) -> list[dict[str, Any]]:
    questions = IDENTITY_REVIEW.conform(open_questions(frame, COMPANIES))
    return frames.to_arrow(questions).to_pylist()


def test_what_is_quarantined_is_queued_with_the_most_rows_first() -> None:
    questions = asked(
        decisions(
            {"source_name": "Few", "status": "unknown", "row_count": 1},
            {"source_name": "Many", "status": "conflict", "row_count": 2, "supporting_columns": '{"name": "x"}'},
            {
                "source_name": "Many",
                "status": "conflict",
                "row_count": 3,
                "supporting_columns": '{"name": "x"}',
                "period_end": Q3,
            },
            {"source_name": "Many", "status": "ambiguous", "row_count": 2, "source": "cash_flow"},
            {"source_name": "Done", "status": "accepted", "row_count": 9, "company_id": "A1"},
            {"source_name": "Barred", "status": "rejected", "row_count": 9, "method": "review"},
            {"source_name": None, "status": "unknown", "row_count": 9},
            {"source_name": " ", "status": "unknown", "row_count": 9},
        )
    )

    assert [(row["source"], row["source_name"], row["row_count"]) for row in questions] == [
        ("pnl", "Many", 5),
        ("cash_flow", "Many", 2),
        ("pnl", "Few", 1),
    ]
    assert (questions[0]["first_period"], questions[0]["last_period"]) == (Q3, Q4)
    assert questions[0]["supporting_columns"] == '{"name": "x"}'
    assert all(row[column] is None for row in questions for column in ("company_id", "who", "when", "note"))


def test_candidates_have_names_as_of_the_latest_period() -> None:
    old = {
        "source_name": "a",
        "status": "ambiguous",
        "row_count": 1,
        "suggestion": "G1",
        "score": 91.0,
        "period_end": Q3,
    }
    new = {
        "source_name": "a",
        "status": "unknown",
        "row_count": 1,
        "suggestion": "A1",
        "score": 87.25,
        "runner_up": "N1",
    }
    listed = {"source_name": "b", "status": "unknown", "row_count": 1, "candidates": '[["G1", 90.5], ["N1", null]]'}

    first, second = asked(decisions(old, new, listed))

    assert (first["status"], first["suggestion"], first["suggestion_name"]) == ("unknown", "A1", "Acme Corp")
    assert first["candidates"] == "A1 Acme Corp 87.25; N1"
    assert (second["suggestion"], second["candidates"]) == (None, "G1 Globex Inc 90.5; N1")


def test_an_accepted_name_is_queued_only_if_a_company_is_suggested() -> None:
    accepted = {"status": "accepted", "company_id": "A1", "row_count": 2}

    [doubtful] = asked(
        decisions({"source_name": "sure", **accepted}, {"source_name": "in doubt", **accepted, "suggestion": "G1"})
    )

    assert (doubtful["source_name"], doubtful["status"], doubtful["suggestion"]) == ("in doubt", "accepted", "G1")


def test_a_name_with_a_line_break_is_queued_as_the_review_can_name_it() -> None:
    usual = {"status": "unknown", "row_count": 1}

    [question] = asked(
        decisions(*({"source_name": text, **usual} for text in ("Nobody Inc", "Nobody \r\n Inc", "Nobody\nInc")))
    )

    assert (question["source_name"], question["row_count"]) == ("Nobody Inc", 3)
    assert fold_source_name("Nobody \r\n Inc") == fold_source_name("Nobody Inc")


def test_nothing_quarantined_queues_nothing() -> None:
    assert asked(decisions()) == []


def test_rows_are_counted_by_quarter_and_by_every_method() -> None:
    counts = rows_by_decision(
        decisions(
            {"source_name": "a", "status": "accepted", "method": "exact", "row_count": 3},
            {"source_name": "b", "status": "ambiguous", "method": "alias", "row_count": 1},
            {"source_name": "a", "status": "accepted", "method": "review", "row_count": 2, "period_end": Q3},
            {"source_name": "c", "status": "rejected", "method": "review", "row_count": 2, "period_end": Q3},
        )
    )

    refused = [str(status) for status in Status if status != Status.ACCEPTED]
    nothing = dict.fromkeys(("exact", "review", *refused), 0)
    assert counts == {
        date(2009, 7, 1): nothing | {"review": 2, "rejected": 2},
        date(2009, 10, 1): nothing | {"exact": 3, "ambiguous": 1},
    }
    assert [share_accepted(row) for row in counts.values()] == [0.5, 0.75]
