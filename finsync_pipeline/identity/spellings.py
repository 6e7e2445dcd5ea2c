"""The decision about a spelling by itself: its codes, then the tickers and names that it may be.

A code as it is listed answers before anything else, then a dated alias that says this very spelling. What else is
certain (a code in other dress, a ticker, a name) is weighed together: where it is different companies', all of them
answer. Only then is anything repaired, and only as far as the list itself shows that repairs can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from finsync_pipeline.identity.code_answers import EXACT, NORMALISED, CodeAnswers, answers_of_codes
from finsync_pipeline.identity.decisions import ACCEPTED, AMBIGUOUS, UNKNOWN, Decisions
from finsync_pipeline.identity.listed import ListedCompanies
from finsync_pipeline.identity.names.listed_names import NameAnswer
from finsync_pipeline.identity.normalise import fold_blanks, normalise_ticker

_CERTAIN = 100.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Companies that answer to a spelling for certain, and by which step. A settled one is weighed with no other."""

    companies: tuple[int, ...]
    method: str
    steps: str | None
    precision: float
    settled: bool = False
    is_taken: bool = True
    score: float = 100.0


def decide_spellings(texts: pa.Array, days: Sequence[date], listed: ListedCompanies) -> tuple[Decisions, CodeAnswers]:
    """For each spelling (Arrow text, not null) and period end the decision by itself, and what codes alone say."""
    distinct = texts.dictionary_encode()
    of_distinct = answers_of_codes(distinct.dictionary, listed.codes)
    rows = distinct.indices.to_numpy()
    by_codes = CodeAnswers(of_distinct.decisions.take(rows), of_distinct.rank[rows], of_distinct.is_other[rows])
    decisions = by_codes.decisions.take(np.arange(len(rows)))
    if listed.names.index.claims or listed.tickers:
        known = texts.to_pylist()
        for row in map(int, np.flatnonzero(by_codes.rank != EXACT)):
            _decide(row, known[row].strip(), days[row].toordinal(), by_codes, listed, decisions)
    return decisions, by_codes


def _decide(
    row: int, text: str, day: int, by_codes: CodeAnswers, listed: ListedCompanies, decisions: Decisions
) -> None:
    if not (any(map(str.isalpha, text)) or listed.names.has_wordless or listed.has_wordless_tickers):
        return  # digits and signs are nobody's name or ticker
    by_name = listed.names.look_up(text, day) if fold_blanks(text) else None
    answers = _certain(row, by_name, by_ticker(text, day, listed), by_codes)
    if answers:
        _weigh(row, answers, decisions)
    elif by_name is not None:
        _weigh_repairs(row, by_name, by_codes, decisions)
    elif decisions.status[row] == ACCEPTED and listed.names.is_strangers(text):
        likely = [(int(decisions.company[row]), float(decisions.score[row]))]
        decisions.leave_open(row, UNKNOWN, likely, method=decisions.method[row], steps=decisions.steps[row])
    elif decisions.status[row] == UNKNOWN and decisions.suggestion[row] < 0:
        decisions.leave_open(row, UNKNOWN, listed.names.nearest(text, day))


def _certain(row: int, by_name: NameAnswer | None, by_ticker: Answer | None, by_codes: CodeAnswers) -> list[Answer]:
    found = by_codes.decisions
    answers = []
    if by_name is not None and by_name.is_whole:
        answers.append(_of_name(by_name))
    if by_codes.rank[row] <= NORMALISED:
        said = [found.company[row]] if found.status[row] == ACCEPTED else [c for c, _ in found.candidates[row]]
        answers.append(Answer(tuple(map(int, said)), found.method[row], found.steps[row], found.precision[row]))
    if by_ticker is not None:
        answers.append(by_ticker)
    return [answer for answer in answers if answer.settled] or answers


def _of_name(said: NameAnswer) -> Answer:
    score = min(said.scores)
    return Answer(said.companies, said.method, said.steps, said.precision, said.settled, said.is_taken, score)


def _weigh(row: int, answers: Sequence[Answer], decisions: Decisions) -> None:
    companies = sorted({company for answer in answers for company in answer.companies})
    surest = next((answer for answer in answers if answer.is_taken), answers[0])
    if len(companies) == 1 and surest.is_taken:
        decisions.accept(
            row, companies[0], surest.method, steps=surest.steps, score=surest.score, precision=surest.precision
        )
    else:
        status = AMBIGUOUS if len(companies) > 1 else UNKNOWN
        likely = [(company, _CERTAIN) for company in companies]
        decisions.leave_open(row, status, likely, method=answers[0].method, steps=answers[0].steps)


def _weigh_repairs(row: int, by_name: NameAnswer, by_codes: CodeAnswers, decisions: Decisions) -> None:
    """A name that is only like the listed one, and a code that was repaired: if both answer, they must agree."""
    named = by_name.companies[0] if by_name.is_taken else None
    coded = int(decisions.company[row]) if decisions.status[row] == ACCEPTED else None
    if named is not None and coded in (None, named) and not by_codes.is_other[row]:
        decisions.accept(
            row, named, by_name.method, steps=by_name.steps, score=by_name.scores[0], precision=by_name.precision
        )
    elif coded is None or named is not None:
        likely = dict(zip(by_name.companies, by_name.scores, strict=True))
        if coded is not None:
            likely.setdefault(coded, float(decisions.score[row]))
        status = AMBIGUOUS if len(likely) > 1 and (named is not None or not by_name.is_typo) else UNKNOWN
        ranked = sorted(likely.items(), key=lambda pair: (-pair[1], pair[0]))
        decisions.leave_open(row, status, ranked, method=by_name.method, steps=by_name.steps)


def by_ticker(text: str, day: int, listed: ListedCompanies) -> Answer | None:
    """By ticker, whatever its case and the separator of its share class.

    A spelling in mixed case that begins another company's name may be that name as well; if that is known but
    not listed, the ticker is not taken.
    """
    ticker = normalise_ticker(text)
    claims = [c for c in listed.tickers.get(ticker, ()) if c.is_in_force(day)] if ticker is not None else []
    if not claims:
        return None
    dated = [claim for claim in claims if claim.is_dated]
    is_alias = bool(dated) or all(claim.is_alias for claim in claims)
    companies = {claim.company for claim in dated or claims}
    named = set() if text.isupper() or text.islower() else listed.names.begins_a_name(text)
    companies |= {company for company in named if company < listed.names.listed}
    is_taken = companies >= named
    steps = None if ticker == text else f"ticker {ticker}"
    method = "alias" if is_alias else "ticker"
    return Answer(tuple(sorted(companies)), method, steps, 1.0, settled=bool(dated), is_taken=is_taken)
