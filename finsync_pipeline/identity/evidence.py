"""What the other cells of a row say about its company.

A source may deliver a name beside a code, a code beside a name, or a country. A cell counts by what its key calls it.
It accepts what the spelling alone leaves open only if the spelling points at the same company: a cell alone never
makes up for a spelling. And it stops what the spelling accepts if it is another company's.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.fuzz import token_set_ratio

from finsync_pipeline.identity.code_answers import NO_STEP, CodeAnswers, answers_of_codes
from finsync_pipeline.identity.decisions import ACCEPTED, AMBIGUOUS, CONFLICT, Decisions
from finsync_pipeline.identity.listed import ListedCompanies
from finsync_pipeline.identity.names.forms import normalise_name
from finsync_pipeline.identity.spellings import Answer, by_ticker

#: A name that nobody answers to stops a code whose company is called so differently (token set ratio, 0 to 100).
LEAST_LIKE = 60.0
#: Promised of what evidence accepts: two cells of a row that point at one company by different ways.
PRECISION_WITH_EVIDENCE = 0.9998
#: What answers by these methods is not repaired: it is the companies that answer, or none.
_CERTAIN_METHODS = frozenset({"exact", "normalised", "cik", "ticker", "alias"})
_CERTAIN = 100.0
_KEY_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
#: What tables write into cells that say nothing.
_NOTHING = frozenset({"", "-", "--", ".", "n/a", "na", "#n/a", "none", "null", "nan", "unknown", "not available"})
_CODES = ("cik", "lei", "isin", "cusip")


@dataclass(frozen=True, slots=True)
class Witness:
    """What the cells of a row say: the companies that they name, the names that nobody answers to, the country.

    `choices`: companies of which a cell names one, but not which.
    """

    companies: frozenset[int]
    choices: tuple[frozenset[int], ...]
    unanswered: tuple[str, ...]
    country: str | None
    kinds: tuple[str, ...]


def witnesses(evidence: Sequence[str | None], days: Sequence[date], listed: ListedCompanies) -> list[Witness | None]:
    """What each row's evidence (a JSON object or null) says on its day; null where it says nothing.

    Raises `ValueError` where the evidence is not a JSON object.
    """
    cells = [_cells(each) if each is not None and each.strip() else () for each in evidence]
    answers = _answers(cells, days, listed)
    return [_witness(row, day, answers, listed) for row, day in zip(cells, days, strict=True)]


def weigh(
    decisions: Decisions,
    said: Sequence[Witness | None],
    by_codes: CodeAnswers,
    texts: pa.Array,
    listed: ListedCompanies,
) -> None:
    """Change the decisions by what the witnesses say; `texts` are the spellings."""
    sole = np.array([min(w.companies) if w is not None and len(w.companies) == 1 else -1 for w in said], np.int32)
    asked = np.flatnonzero((sole >= 0) & (decisions.status != ACCEPTED))
    spelled = texts.take(pa.array(asked))
    lengths = pc.utf8_length(spelled).to_numpy(zero_copy_only=False)
    costs = dict(zip(asked.tolist(), zip(_costs(spelled, sole[asked], listed), lengths, strict=True), strict=True))
    for row, witness in enumerate(said):
        if witness is None:
            continue
        if decisions.status[row] == ACCEPTED:
            _stop(row, witness, decisions, by_codes, listed)
        elif witness.companies:
            _help(row, witness, decisions, by_codes, *costs.get(row, (np.inf, 1)))
            if decisions.status[row] == ACCEPTED:
                _stop(row, witness, decisions, by_codes, listed)
        elif witness.country is not None and decisions.status[row] == AMBIGUOUS:
            _choose_by_country(row, witness.country, decisions, by_codes, listed)


def _stop(row: int, witness: Witness, decisions: Decisions, by_codes: CodeAnswers, listed: ListedCompanies) -> None:
    company = int(decisions.company[row])
    named = witness.companies.union(*(choice for choice in witness.choices if company not in choice))
    others = sorted(named - {company})
    unlike = company not in witness.companies and any(
        _is_unlike(name, company, listed) for name in witness.unanswered if by_codes.rank[row] < NO_STEP
    )
    country = listed.countries[company]
    elsewhere = witness.country is not None and country is not None and country != witness.country
    if others or unlike or elsewhere:
        likely = [(company, float(decisions.score[row])), *((other, _CERTAIN) for other in others)]
        method, steps = decisions.method[row], decisions.steps[row]
        decisions.leave_open(row, CONFLICT, likely, method=method, steps=steps)


def _help(row: int, witness: Witness, decisions: Decisions, by_codes: CodeAnswers, cost: float, length: int) -> None:
    """Accept the company that the evidence names if the spelling points at it too; else suggest it.

    `cost`: how many edits the spelling, of this `length`, is off the company's code.
    """
    likely = list(decisions.candidates[row] or ())
    if len(witness.companies) > 1:
        return
    company = min(witness.companies)
    is_likely = company in {c for c, _ in likely}
    if cost > 0 and likely and not is_likely and decisions.method[row] in _CERTAIN_METHODS:
        cost = np.inf  # it is what others answer to, and nobody's misspelt code
    points_at_it = cost < np.inf or is_likely
    if points_at_it and not by_codes.is_other[row] and _is_near(row, company, decisions, likely, cost):
        _accept_with(row, company, witness, decisions, likely, cost, length)
        return
    score = dict(likely).get(company, np.nan)
    ranked = [(company, score), *((other, s) for other, s in likely if other != company)]
    decisions.leave_open(
        row, int(decisions.status[row]), ranked, method=decisions.method[row], steps=decisions.steps[row]
    )


def _is_near(row: int, company: int, decisions: Decisions, likely: Sequence[tuple[int, float]], cost: float) -> bool:
    """Whether the spelling was only not sure enough: one of several equally good, or within two edits."""
    return (
        cost < np.inf
        or decisions.status[row] == AMBIGUOUS
        or (decisions.method[row] is not None and likely[0][0] == company)
    )


def _accept_with(
    row: int,
    company: int,
    witness: Witness,
    decisions: Decisions,
    likely: Sequence[tuple[int, float]],
    cost: float,
    length: int,
) -> None:
    by, steps, score = decisions.method[row], decisions.steps[row], dict(likely).get(company, _CERTAIN)
    if cost < np.inf:
        by, steps = "code", f"{cost:.3g} edits from its code" if cost else None
        score = _CERTAIN * max(1 - cost / max(length, 1), 0)
    method = f"{by}+{'+'.join(witness.kinds)}"
    decisions.accept(row, company, method, steps=steps, score=score, precision=PRECISION_WITH_EVIDENCE, likely=likely)


def _choose_by_country(
    row: int, country: str, decisions: Decisions, by_codes: CodeAnswers, listed: ListedCompanies
) -> None:
    """Of several companies that answer to a name or ticker the only one of this country, if all countries are known.

    A country is too weak to choose between repairs, and of a code that several companies have not all are told.
    """
    if decisions.method[row] not in _CERTAIN_METHODS or by_codes.rank[row] < NO_STEP:
        return
    likely = decisions.candidates[row] or ()
    agreeing = [company for company, _ in likely if listed.countries[company] == country]
    if len(agreeing) == 1 and all(listed.countries[company] is not None for company, _ in likely):
        method, steps = f"{decisions.method[row]}+country", decisions.steps[row]
        decisions.accept(
            row, agreeing[0], method, steps=steps, score=_CERTAIN, precision=PRECISION_WITH_EVIDENCE, likely=likely
        )


def _costs(texts: pa.Array, companies: np.ndarray, listed: ListedCompanies) -> np.ndarray:
    """How far each text is from the nearest code of the company beside it, of any kind."""
    costs = np.full(len(texts), np.inf, np.float32)
    for name, index in listed.codes.items():
        if len(texts) and (name != "company_id" or index.listed.scheme.is_repaired):
            costs = np.minimum(costs, index.costs(texts, companies))
    return costs


def _is_unlike(name: str, company: int, listed: ListedCompanies) -> bool:
    core = " ".join(normalise_name(name).core)
    if not any(map(str.isalnum, core)):
        return False  # a dash says nothing
    known = listed.names.cores_of(company)
    return bool(known) and all(token_set_ratio(core, other) < LEAST_LIKE for other in known)


def _witness(
    cells: Sequence[tuple[str, str]],
    day: date,
    answers: Mapping[tuple[str, str, date], Answer | None],
    listed: ListedCompanies,
) -> Witness | None:
    companies: set[int] = set()
    choices: list[frozenset[int]] = []
    kinds: list[str] = []
    unanswered: list[str] = []
    country = None
    for key, cell in cells:
        kind = _kind_of(key)
        if kind == "country":
            country = cell.upper() if len(cell) == 2 else country
        elif kind is not None:
            answer = answers[kind, cell, day]
            if answer is not None and len(answer.companies) == 1:
                companies |= {*answer.companies}
                kinds.append(kind)
            elif answer is not None:
                choices.append(frozenset(answer.companies))
            elif kind == "name":
                unanswered.append(cell)
    if not companies and not choices and not unanswered and country is None:
        return None
    return Witness(frozenset(companies), tuple(choices), tuple(unanswered), country, tuple(dict.fromkeys(kinds)))


def _answers(
    cells: Sequence[Sequence[tuple[str, str]]], days: Sequence[date], listed: ListedCompanies
) -> dict[tuple[str, str, date], Answer | None]:
    """Who answers to each distinct cell; of codes only as they are listed, but for how they are written."""
    asked: dict[str, dict[tuple[str, date], None]] = defaultdict(dict)
    for row, day in zip(cells, days, strict=True):
        for key, cell in row:
            kind = _kind_of(key)
            if kind is not None and kind != "country":
                asked[kind][cell, day] = None
    found: dict[tuple[str, str, date], Answer | None] = {}
    for kind, questions in asked.items():
        if kind in {"name", "ticker"}:
            for cell, day in questions:
                found[kind, cell, day] = (
                    _named(cell, day, listed) if kind == "name" else by_ticker(cell, day.toordinal(), listed)
                )
        else:
            said = _coded(kind, list(dict.fromkeys(cell for cell, _ in questions)), listed)
            found |= {(kind, cell, day): said[cell] for cell, day in questions}
    return found


def _named(cell: str, day: date, listed: ListedCompanies) -> Answer | None:
    answer = listed.names.look_up(cell, day.toordinal())
    if answer is None or not (answer.is_taken or (answer.is_whole and len(answer.companies) > 1)):
        return None
    return Answer(answer.companies, answer.method, answer.steps, answer.precision)


def _coded(kind: str, cells: list[str], listed: ListedCompanies) -> dict[str, Answer | None]:
    names = listed.codes.keys() if kind == "id" else {kind} & listed.codes.keys()
    if not names:
        return dict.fromkeys(cells)
    said = answers_of_codes(pa.array(cells, pa.large_string()), {name: listed.codes[name] for name in sorted(names)})
    is_sure = said.is_certain & (said.decisions.status == ACCEPTED)
    return {
        cell: Answer((int(company),), kind, None, 1.0) if sure else None
        for cell, company, sure in zip(cells, said.decisions.company, is_sure, strict=True)
    }


@lru_cache(maxsize=4096)
def _kind_of(key: str) -> str | None:
    """What a cell holds, by a word of its key: `companyName`, `Ticker symbol`, `cik`, `company_id`, `country`."""
    words = {word.lower() for word in _KEY_WORDS.findall(key)}
    if words & {"ticker", "symbol"}:
        return "ticker"
    return next((kind for kind in (*_CODES, "country", "name", "id") if kind in words), None)


@lru_cache(maxsize=65_536)
def _cells(evidence: str) -> tuple[tuple[str, str], ...]:
    try:
        cells = json.loads(evidence)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"spellings, column evidence: {evidence[:200]!r} is not JSON ({error})") from None
    if not isinstance(cells, dict):
        raise ValueError(f"spellings, column evidence: {evidence!r} is not a JSON object")
    # half of a surrogate pair, as JSON may hold, is no character
    texts = (
        (key, str(cell).encode("utf-8", "replace").decode().strip())
        for key, cell in cells.items()
        if type(cell) in {str, int}
    )
    return tuple((key, text) for key, text in texts if text.casefold() not in _NOTHING)
