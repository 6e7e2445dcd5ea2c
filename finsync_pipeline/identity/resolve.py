"""The decision: which listed company each spelling means, or why none.

A decision depends on the spelling, the evidence beside it, the period end and the reference, and on nothing
else: not on the other rows, nor on their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
import pyarrow as pa

from finsync_pipeline.identity.evidence import companies_in_evidence
from finsync_pipeline.identity.index import ListedNames
from finsync_pipeline.identity.lookup import look_up
from finsync_pipeline.identity.normalise import fold_blanks, normalise_name
from finsync_pipeline.identity.reference import Reference
from finsync_pipeline.identity.similarity import Likeness, is_accepted, similar_companies

_TEXT = pd.ArrowDtype(pa.string())
_SCORE = pd.ArrowDtype(pa.float64())
_CERTAIN = 100.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one spelling; the fields are the columns that `resolve` adds."""

    status: str
    company_id: str | None = None
    method: str | None = None
    score: float | None = None
    runner_up: str | None = None
    runner_up_score: float | None = None
    suggestion: str | None = None


def resolve(spellings: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Decide what each spelling means.

    `spellings`: spelling (text, may be null), period_end (Arrow date, never null), evidence (text: a JSON
    object of other cells of the same row, or null). Returns the same rows and columns, and

    - status: `accepted`, `ambiguous` (several companies answer equally well), `conflict` (the evidence is
      another company's) or `unknown`
    - company_id: null unless accepted
    - method: the step that answered: `exact`, `normalised`, `cik`, `ticker`, `alias` or `fuzzy`; null if
      unknown
    - score, runner_up, runner_up_score: the similarity 0 to 100 of the answer or suggestion (100 unless
      fuzzy, null where only the evidence suggests it), the best other company and its similarity
    - suggestion: where not accepted, the company for a person to look at first

    Raises `ValueError` for a missing column, a null period_end, or evidence that is not a JSON object.
    """
    questions = _questions(spellings)
    distinct = dict.fromkeys((spelling, day) for spelling, day, _ in questions)
    by_spelling = _decide(distinct, reference.index)
    decided: dict[tuple[str | None, date, str | None], Decision] = {}
    for question in questions:
        if question not in decided:
            spelling, day, evidence = question
            decided[question] = _weigh_evidence(by_spelling[spelling, day], day, evidence, reference.index)
    return spellings.assign(**_columns([decided[question] for question in questions], spellings.index))


def _decide(
    distinct: Iterable[tuple[str | None, date]], listed: ListedNames
) -> dict[tuple[str | None, date], Decision]:
    """The decision by the spelling alone: the certain steps first, similarity for what they leave."""
    decided: dict[tuple[str | None, date], Decision] = {}
    unanswered: list[tuple[str, date]] = []
    for spelling, day in distinct:
        text = (spelling or "").strip()
        answer = look_up(text, day, listed) if fold_blanks(text) else None
        if answer is not None:
            decided[spelling, day] = _by_answer(answer.companies, answer.method)
        elif spelling is None or not normalise_name(text).core:
            decided[spelling, day] = Decision("unknown")
        else:
            unanswered.append((spelling, day))
    names = [(normalise_name(spelling.strip()), day) for spelling, day in unanswered]
    for question, (best, runner_up) in zip(unanswered, similar_companies(names, listed), strict=True):
        decided[question] = _by_likeness(best, runner_up)
    return decided


def _by_answer(companies: tuple[str, ...], method: str) -> Decision:
    if len(companies) == 1:
        return Decision("accepted", company_id=companies[0], method=method, score=_CERTAIN)
    return Decision(
        "ambiguous",
        method=method,
        score=_CERTAIN,
        runner_up=companies[1],
        runner_up_score=_CERTAIN,
        suggestion=companies[0],
    )


def _by_likeness(best: Likeness | None, runner_up: Likeness | None) -> Decision:
    if best is None:
        return Decision("unknown")
    decision = Decision(
        "unknown",
        score=best.score,
        runner_up=runner_up.company_id if runner_up else None,
        runner_up_score=runner_up.score if runner_up else None,
        suggestion=best.company_id,
    )
    if is_accepted(best, runner_up):
        return replace(decision, status="accepted", company_id=best.company_id, method="fuzzy", suggestion=None)
    return decision


def _weigh_evidence(decision: Decision, day: date, evidence: str | None, listed: ListedNames) -> Decision:
    """Evidence can stop a decision and suggest a company; it accepts nothing that the spelling did not."""
    witnessed = companies_in_evidence(evidence, day, listed)
    others = sorted(witnessed - {decision.company_id})
    if not others:
        return decision
    if decision.status == "accepted":
        return replace(
            decision,
            status="conflict",
            company_id=None,
            runner_up=others[0],
            runner_up_score=_CERTAIN,
            suggestion=decision.company_id,
        )
    if len(others) > 1 or others[0] == decision.suggestion:
        return decision
    if others[0] == decision.runner_up:
        first, first_score = decision.suggestion, decision.score
        return replace(
            decision,
            score=decision.runner_up_score,
            runner_up=first,
            runner_up_score=first_score,
            suggestion=others[0],
        )
    return replace(
        decision,
        score=None,
        runner_up=decision.suggestion,
        runner_up_score=decision.score,
        suggestion=others[0],
    )


def _questions(spellings: pd.DataFrame) -> list[tuple[str | None, date, str | None]]:
    missing = {"spelling", "period_end", "evidence"} - set(spellings.columns)
    if missing:
        raise ValueError(f"spellings: has no column {', '.join(sorted(missing))}")
    if spellings["period_end"].isna().any():
        raise ValueError("spellings, column period_end: is null in some rows; every spelling needs its period end")
    return list(
        zip(
            (None if pd.isna(text) else str(text) for text in spellings["spelling"]),
            spellings["period_end"],
            (None if pd.isna(text) else str(text) for text in spellings["evidence"]),
            strict=True,
        )
    )


def _columns(decisions: list[Decision], index: pd.Index) -> dict[str, pd.Series]:
    dtypes = {
        "status": _TEXT,
        "company_id": _TEXT,
        "method": _TEXT,
        "score": _SCORE,
        "runner_up": _TEXT,
        "runner_up_score": _SCORE,
        "suggestion": _TEXT,
    }
    return {
        column: pd.Series([getattr(decision, column) for decision in decisions], index=index, dtype=dtype)
        for column, dtype in dtypes.items()
    }
