"""The decision about texts by themselves: which codes, tickers and names they may be, weighed together.

What is certain (a code, a ticker, a name, but for how it is written) is weighed together: where it is different
companies', the text is ambiguous. Only where nothing is certain is anything repaired.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from finsync_pipeline.identity.codes import find_codes
from finsync_pipeline.identity.company_index import CompanyIndex
from finsync_pipeline.identity.names.matching import companies_beginning_with, find_names, nearest_names
from finsync_pipeline.identity.results import Candidates, Decisions, Flags, Match, Method, Status

_ORDER = {method: place for place, method in enumerate(Method)}


def decide_texts(
    texts: pa.Array, days: Sequence[date], kinds: Sequence[str | None], index: CompanyIndex
) -> tuple[Decisions, Flags]:
    """The decision about each text (large_string, blank for none) on its day, and whether it rests on a code.

    `kinds`: what the source says that the text is (of `company_index.KINDS`), None anything.
    """
    decisions = Decisions.unknown(len(texts))
    is_code = np.zeros(len(texts), np.bool_)
    for kind in dict.fromkeys(kinds):
        rows = np.flatnonzero(np.array([each == kind for each in kinds]))
        found = find_codes(texts.take(pa.array(rows)), index.codes_of(kind))
        decisions.put(rows, found)
        is_code[rows] = [method is not None for method in found.method]
    if index.names.records or index.tickers.records:
        known = texts.to_pylist()
        for row in _rows_to_read(known, decisions, kinds, index):
            is_code[row] &= not _weigh(row, known[row].strip(), days[row], kinds[row], decisions, index)
    return decisions, is_code


def _rows_to_read(
    texts: Sequence[str], decisions: Decisions, kinds: Sequence[str | None], index: CompanyIndex
) -> list[int]:
    """The rows whose texts may be names or tickers: a listed code is read only if it may be one as well."""
    wordless = index.names.has_wordless or index.tickers.has_wordless
    return [
        row
        for row, (text, method, kind) in enumerate(zip(texts, decisions.method, kinds, strict=True))
        if kind in (None, "name", "ticker")
        and (wordless or any(map(str.isalpha, text)))
        and (method is not Method.EXACT or text.strip().casefold() in index.names_and_tickers)
    ]


def _weigh(row: int, text: str, day: date, kind: str | None, decisions: Decisions, index: CompanyIndex) -> bool:
    """Weigh what a text may be; whether the decision rests on a name."""
    names = find_names(text, day, index.names) if kind != "ticker" else []
    tickers = index.tickers.find(text, day) if kind != "name" else []
    certain = [match for match in names if match.suffices and match.method.is_certain]
    if certain or any(match.suffices for match in tickers):
        everything = [*_certain_codes(row, decisions), *certain, *tickers]
        _decide_among([match for match in everything if match.is_conclusive] or everything, row, decisions)
        return bool(certain)
    if decisions.method[row] is not None and Method(decisions.method[row]).is_certain:
        return False
    if names:
        return _weigh_repairs(row, names, decisions)
    if decisions.status[row] == Status.UNKNOWN and decisions.suggestion[row] < 0 and not decisions.is_unlisted[row]:
        _suggest(row, text, day, tickers, decisions, index)
    return False


def _suggest(
    row: int, text: str, day: date, tickers: Sequence[Match], decisions: Decisions, index: CompanyIndex
) -> None:
    """Candidates for what nothing answers to; `Ford` may be a ticker as well as the beginning of a name."""
    if tickers:
        companies = {match.company for match in tickers} | companies_beginning_with(text, day, index.names)
        status = Status.AMBIGUOUS if len(companies) > 1 else Status.UNKNOWN
        decisions.quarantine(row, status, [(company, 100.0) for company in sorted(companies)], Method.TICKER)
    else:
        decisions.quarantine(row, Status.UNKNOWN, nearest_names(text, day, index.names))


def _certain_codes(row: int, decisions: Decisions) -> list[Match]:
    """What the codes say of a row for certain, as matches."""
    method = decisions.method[row]
    if method is None or not Method(method).is_certain:
        return []
    company = int(decisions.company[row])
    companies = [company] if company >= 0 else [company for company, _ in decisions.candidates[row] or ()]
    return [Match(each, method, decisions.steps[row], precision=decisions.precision[row]) for each in companies]


def _decide_among(matches: Sequence[Match], row: int, decisions: Decisions) -> None:
    surest = min(matches, key=lambda match: _ORDER[match.method])
    companies = sorted({match.company for match in matches})
    if len(companies) == 1:
        decisions.accept(row, surest.company, surest.method, surest.steps, precision=surest.precision)
        if all(match.is_doubtful for match in matches):
            decisions.suggestion[row] = surest.company  # accepted, and yet to be looked at
    else:
        candidates = [(company, 100.0) for company in companies]
        decisions.quarantine(row, Status.AMBIGUOUS, candidates, surest.method, surest.steps)


def _weigh_repairs(row: int, names: Sequence[Match], decisions: Decisions) -> bool:
    """Names that are only alike, and a code that was repaired: if both lead to a company, it must be the same."""
    best, candidates, coded = names[0], _ranked(names), int(decisions.company[row])
    is_named = best.suffices and len(candidates) == 1
    if is_named and coded in (-1, best.company) and not decisions.is_unlisted[row]:
        decisions.accept(row, best.company, best.method, best.steps, precision=best.precision, candidates=candidates)
    elif coded >= 0 and not is_named:
        return False
    else:
        if coded >= 0:
            candidates = _ranked([*names, Match(coded, Method.CODE, score=float(decisions.score[row]))])
        is_ambiguous = len(candidates) > 1 and (is_named or best.method is not Method.TYPO)
        status = Status.AMBIGUOUS if is_ambiguous else Status.UNKNOWN
        decisions.quarantine(row, status, candidates, best.method, best.steps)
    return True


def _ranked(matches: Sequence[Match]) -> Candidates:
    best: dict[int, float] = {}
    for match in matches:
        best[match.company] = max(match.score, best.get(match.company, 0.0))
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))
