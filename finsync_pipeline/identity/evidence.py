"""What the other cells of a row say about its company.

A source may deliver a name beside a code, or a ticker beside a name. A cell counts by what its key calls it;
only the certain steps are used, never similarity. Other cells (a country) say nothing here.
"""

from __future__ import annotations

import json
import re
from datetime import date
from functools import lru_cache

from finsync_pipeline.identity.index import ListedNames
from finsync_pipeline.identity.lookup import (
    Answer,
    look_up_cik,
    look_up_id,
    look_up_name,
    look_up_ticker,
)

_KEY_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def companies_in_evidence(evidence: str | None, day: date, listed: ListedNames) -> set[str]:
    """The companies that the evidence names, one for each cell that names exactly one.

    Raises `ValueError` where the evidence is not a JSON object.
    """
    if evidence is None or not evidence.strip():
        return set()
    named: set[str] = set()
    for key, cell in _cells(evidence):
        answer = _look_up_cell(_kind_of(key), cell, day, listed)
        if answer is not None and len(answer.companies) == 1:
            named.add(answer.companies[0])
    return named


def _look_up_cell(kind: str | None, cell: str, day: date, listed: ListedNames) -> Answer | None:
    if kind == "cik":
        return look_up_cik(cell, listed)
    if kind == "ticker":
        return look_up_ticker(cell, day, listed)
    if kind == "name":
        return look_up_name(cell, day, listed)
    if kind in {"id", "lei"}:
        return look_up_id(cell, listed)
    return None


@lru_cache(maxsize=4096)
def _kind_of(key: str) -> str | None:
    """What a cell holds, by a word of its key: `companyName`, `Ticker symbol`, `cik`, `LEI`, `company_id`."""
    words = {word.lower() for word in _KEY_WORDS.findall(key)}
    if words & {"ticker", "symbol"}:
        return "ticker"
    return next((kind for kind in ("cik", "lei", "name", "id") if kind in words), None)


@lru_cache(maxsize=65_536)
def _cells(evidence: str) -> tuple[tuple[str, str], ...]:
    try:
        cells = json.loads(evidence)
    except json.JSONDecodeError as error:
        raise ValueError(f"spellings, column evidence: {evidence!r} is not JSON ({error})") from None
    if not isinstance(cells, dict):
        raise ValueError(f"spellings, column evidence: {evidence!r} is not a JSON object")
    texts = ((key, str(cell).strip()) for key, cell in cells.items() if type(cell) in {str, int})
    return tuple((key, text) for key, text in texts if text)
