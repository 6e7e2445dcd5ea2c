"""Supporting columns: which company the other cells of a row lead to.

A source may deliver a name beside a code, a code beside a name, or a country. A cell counts by what its key calls it.
Supporting columns accept what a text alone leaves open only if it leads to the same company: they never decide alone.
And they veto what the text accepts if they are another company's.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa
from rapidfuzz.fuzz import token_set_ratio

from finsync_pipeline.identity.codes import find_codes, has_right_check_digits
from finsync_pipeline.identity.company_index import CODE_COLUMNS, CompanyIndex, normalise_cik
from finsync_pipeline.identity.countries import read_country
from finsync_pipeline.identity.names.matching import find_names
from finsync_pipeline.identity.names.normal_form import normalise_name
from finsync_pipeline.identity.results import Decisions, Flags, Method, Status

#: A name that nobody has vetoes a code whose company is called so differently (token set ratio, 0 to 100).
LEAST_SIMILAR = 60.0
#: To expect of what supporting columns accept: two cells of a row that lead to one company by different ways.
SUPPORTED = 0.9998

_KEY_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SEVERAL = re.compile(r"[|,;]")
#: What tables write into cells that say nothing; a ticker or a country may be written so.
_NOTHING = frozenset({"", "-", "--", ".", "n/a", "na", "#n/a", "none", "null", "nan", "unknown", "not available"})
_PROTECTED = ("lei", "isin")

Cell = tuple[str, str]


@dataclass(slots=True)
class SupportingEvidence:
    """What the supporting columns of a row lead to.

    `companies`: those that a cell leads to, alone; `kinds`: of these cells. `choices`: companies of which a cell may
    mean each. `strange_names`: that no listed company has, `similar_names`: that only suggest some. `unlisted`: the
    schemes of codes that nobody listed has. `countries`: ISO 3166, two letters.
    """

    companies: set[int] = field(default_factory=set)
    kinds: dict[str, None] = field(default_factory=dict)
    choices: list[frozenset[int]] = field(default_factory=list)
    strange_names: list[str] = field(default_factory=list)
    similar_names: dict[str, frozenset[int]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    countries: set[str] = field(default_factory=set)

    @property
    def suggested(self) -> frozenset[int]:
        """The companies that a cell leads to; else those that a name suggests, such as one with another legal form."""
        return frozenset(self.companies) or frozenset[int]().union(*self.similar_names.values())

    def add(self, kind: str, cell: str, companies: frozenset[int], is_sure: bool) -> None:
        """Take in that a cell leads to these companies, or only suggests them."""
        if is_sure and len(companies) == 1:
            self.companies |= companies
            self.kinds[kind] = None
        elif is_sure and companies:
            self.choices.append(companies)
        elif kind == "name" and companies:
            self.similar_names[cell] = companies
        elif kind == "name":
            self.strange_names.append(cell)
        elif _is_one_of_each(kind, cell):
            self.unlisted.append(kind)


def apply_evidence(
    decisions: Decisions, is_code: Flags, questions: pa.Table, days: Sequence[date], index: CompanyIndex
) -> None:
    """Change the decisions by the supporting columns. `questions`: source_name and supporting_columns.

    `is_code`: where a decision rests on a code. Raises ValueError where supporting_columns are not a JSON object.
    """
    texts = questions["source_name"].combine_chunks()
    cells = [_cells(each) if each and each.strip() else () for each in questions["supporting_columns"].to_pylist()]
    codes = _companies_of_codes(cells, index)
    evidence = {
        row: _read_cells(of_row, day, codes, index)
        for row, (of_row, day) in enumerate(zip(cells, days, strict=True))
        if of_row
    }
    edits = _edits_to_supported(texts, evidence, decisions, index)
    for row, said in evidence.items():
        if decisions.status[row] != Status.ACCEPTED and (len(said.companies) == 1 or row in edits):
            _corroborate(row, said, decisions, edits.get(row, np.inf), len(str(texts[row])))
        elif decisions.status[row] == Status.AMBIGUOUS and not said.companies and not is_code[row]:
            _choose_by_country(row, said.countries, decisions, index)
        if decisions.status[row] == Status.ACCEPTED:
            _veto(row, said, str(texts[row]), decisions, bool(is_code[row]), index)


def _veto(
    row: int, said: SupportingEvidence, text: str, decisions: Decisions, is_code: bool, index: CompanyIndex
) -> None:
    """Undo a decision that the evidence contradicts; of a name that only nobody has, a protected code is not undone."""
    company, method = int(decisions.company[row]), decisions.method[row]
    named = said.companies.union(*(choice for choice in said.choices if company not in choice))
    others = sorted(named - {company})
    is_confirmed = company in said.companies
    has_other_code = any(company in index.codes[scheme].holders for scheme in said.unlisted if scheme in index.codes)
    is_elsewhere = bool(said.countries) and index.countries[company] not in {None, *said.countries}
    is_code = is_code or str(method).startswith((Method.TICKER, Method.CODE))
    similar = [] if is_confirmed else list(said.similar_names.items())
    unlike = [name for name, companies in similar if not is_code or company not in companies]
    strange = said.strange_names if is_code and not is_confirmed else []
    doubtful = [name for name in strange if _is_unlike(name, company, index)]
    if others or has_other_code or is_elsewhere or unlike or (doubtful and not _is_protected(text, method)):
        candidates = [(company, float(decisions.score[row])), *((other, 100.0) for other in others)]
        decisions.quarantine(row, Status.CONFLICT, candidates, method, decisions.steps[row])
        decisions.suggestion[row] = company
    elif doubtful or similar:
        decisions.suggestion[row] = company  # accepted, and yet to be looked at
        steps = f"although the name {(doubtful or [name for name, _ in similar])[0]!r} is not listed"
        decisions.steps[row] = f"{decisions.steps[row]}, {steps}" if decisions.steps[row] else steps


def _is_protected(text: str, method: str) -> bool:
    """Whether the text is a listed code with check digits that are right."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper()).removeprefix("ISIN").removeprefix("LEI")
    return Method(method).is_certain and any(has_right_check_digits(plain, scheme) for scheme in _PROTECTED)


def _corroborate(row: int, said: SupportingEvidence, decisions: Decisions, edits: float, length: int) -> None:
    """Accept the company that the evidence leads to if the text leads to it too; else suggest it.

    `edits`: how far the text, of this `length`, is from a code of the company.
    """
    company = min(said.suggested)
    candidates = list(decisions.candidates[row] or ())
    scores, method, steps = dict(candidates), decisions.method[row], decisions.steps[row]
    if edits > 0 and candidates and company not in scores and method is not None and Method(method).is_certain:
        edits = np.inf  # it is what others have, and nobody's misspelt code
    is_first = method is not None and bool(candidates) and candidates[0][0] == company
    if method == Method.LEGAL_FORM and set(said.kinds) <= {"name"}:
        is_first = False  # a name without the form says less than the text
    is_likely = is_first or (company in scores and decisions.status[row] == Status.AMBIGUOUS)
    if decisions.is_unlisted[row] or not (is_likely or edits < np.inf):
        others = [pair for pair in candidates if pair[0] != company]
        candidates = [(company, scores.get(company, np.nan)), *others]
        decisions.quarantine(row, decisions.status[row], candidates, method, steps)
        return
    if edits < np.inf:
        method, steps = Method.CODE, f"{edits:.3g} edits from its code" if edits else None
        candidates = [
            (company, 100.0 * max(1 - edits / max(length, 1), 0)),
            *(c for c in candidates if c[0] != company),
        ]
    method = f"{method}+{'+'.join(said.kinds) or 'name'}"
    decisions.accept(row, company, method, steps, precision=SUPPORTED, candidates=candidates)


def _choose_by_country(row: int, countries: set[str], decisions: Decisions, index: CompanyIndex) -> None:
    """Of several companies with a name or ticker the only one of this country, if the countries of all are known.

    A country is too weak to choose between repairs.
    """
    method, candidates = decisions.method[row], decisions.candidates[row] or ()
    if len(countries) != 1 or method is None or not Method(method).is_certain:
        return
    agreeing = [company for company, _ in candidates if index.countries[company] in countries]
    if len(agreeing) == 1 and all(index.countries[company] is not None for company, _ in candidates):
        steps = decisions.steps[row]
        decisions.accept(row, agreeing[0], f"{method}+country", steps, precision=SUPPORTED, candidates=candidates)


def _edits_to_supported(
    texts: pa.Array, evidence: Mapping[int, SupportingEvidence], decisions: Decisions, index: CompanyIndex
) -> dict[int, float]:
    """Of rows that are not accepted and whose evidence suggests one company: up to two edits to its nearest code."""
    rows = [
        row for row, said in evidence.items() if len(said.suggested) == 1 and decisions.status[row] != Status.ACCEPTED
    ]
    companies = np.array([min(evidence[row].suggested) for row in rows], np.int32)
    edits = np.full(len(rows), np.inf, np.float32)
    for name, codes in index.codes.items():
        if rows and (name != "company_id" or codes.scheme.is_repaired):
            edits = np.minimum(edits, codes.costs(texts.take(pa.array(rows)), companies))
    return {row: cost for row, cost in zip(rows, edits.tolist(), strict=True) if cost < np.inf}


def _is_unlike(name: str, company: int, index: CompanyIndex) -> bool:
    core = " ".join(normalise_name(name).core)
    if not any(map(str.isalnum, core)):
        return False  # a dash says nothing
    known = index.names.cores_by_company.get(company, [])
    return bool(known) and all(token_set_ratio(core, other) < LEAST_SIMILAR for other in known)


def _read_cells(
    cells: Sequence[Cell], day: date, codes: Mapping[Cell, frozenset[int]], index: CompanyIndex
) -> SupportingEvidence:
    said = SupportingEvidence()
    for kind, cell in cells:
        if kind == "country":
            said.countries |= {code for code in [read_country(cell)] if code}
        elif kind in {"name", "ticker"}:
            matches = find_names(cell, day, index.names) if kind == "name" else index.tickers.find(cell, day)
            companies = frozenset(match.company for match in matches)
            is_sure = all(match.suffices and (match.method.is_certain or len(companies) == 1) for match in matches)
            said.add(kind, cell, companies, is_sure and bool(matches))
        else:
            said.add(kind, cell, codes[kind, cell], bool(codes[kind, cell]))
    return said


def _companies_of_codes(rows: Sequence[Sequence[Cell]], index: CompanyIndex) -> dict[Cell, frozenset[int]]:
    """The company of each distinct code; only of what is as listed, but for how it is written."""
    asked: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for kind, cell in (cell for cells in rows for cell in cells):
        asked[kind][cell] = None
    companies: dict[Cell, frozenset[int]] = {}
    for kind in asked.keys() - {"country", "name", "ticker"}:
        found = find_codes(pa.array(asked[kind], pa.large_string()), index.codes_of(kind))
        for cell, company, method in zip(asked[kind], found.company, found.method, strict=True):
            is_sure = company >= 0 and Method(method).is_certain
            companies[kind, cell] = frozenset({int(company)} if is_sure else ())
    return companies


def _is_one_of_each(kind: str, cell: str) -> bool:
    """Whether a cell is surely a code of a scheme of which a company has one."""
    return has_right_check_digits(cell, kind) if kind == "lei" else kind == "cik" and bool(normalise_cik(cell))


@lru_cache(maxsize=4096)
def _kind_of(key: str) -> str | None:
    """What a cell holds, by the last word of its key: `companyName`, `Ticker symbol`, `company_id`, `country`."""
    words = [word.lower().removesuffix("s") for word in _KEY_WORDS.findall(key)] or [""]
    last = {"symbol": "ticker"}.get(words[-1], words[-1])
    if last == "id":
        return "id" if set(words) <= {"company", "id"} else None
    return next((kind for kind in ("ticker", *CODE_COLUMNS, "country", "name") if last.endswith(kind)), None)


@lru_cache(maxsize=65_536)
def _cells(evidence: str) -> tuple[Cell, ...]:
    """Kind and text of the cells; several codes or tickers in a cell are several cells."""
    try:
        cells = json.loads(evidence)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"column supporting_columns: {evidence[:200]!r} is not JSON ({error})") from None
    if not isinstance(cells, dict):
        raise ValueError(f"column supporting_columns: {evidence!r} is not a JSON object")
    read: list[Cell] = []
    for key, cell in cells.items():
        kind = _kind_of(key)
        for value in cell if isinstance(cell, list) else [cell]:
            if kind is None or type(value) not in {str, int, float}:
                continue
            # half of a surrogate pair, as JSON may hold, is no character
            text = (f"{value:g}" if isinstance(value, float) else str(value)).encode("utf-8", "replace").decode()
            parts = [text] if kind in {"name", "country"} else _SEVERAL.split(text)
            nothing = {""} if kind in {"ticker", "country"} else _NOTHING
            read += [(kind, part.strip()) for part in parts if part.strip().casefold() not in nothing]
    return tuple(read)
