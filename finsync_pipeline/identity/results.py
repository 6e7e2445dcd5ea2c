"""Results of entity resolution: the statuses and methods there are, and the decisions about many texts by columns.

Every other module fills or reads `Decisions`; table schemas, SQL, audit and documentation take the statuses and methods
from here. How a decision is made is in `resolve`, `codes` and `names`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa


class Status(StrEnum):
    """What a decision says of the rows it is about: only `accepted` ones are used."""

    ACCEPTED = "accepted"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    REJECTED = "rejected"


class Method(StrEnum):
    """How a company was found, the most certain first. What supported it stands behind: `ticker+name`."""

    REVIEW = "review"
    EXACT = "exact"
    NORMALISED = "normalised"
    CIK = "cik"
    ALIAS = "alias"
    TICKER = "ticker"
    CODE = "code"
    SHORTENED = "shortened"
    LOOK_ALIKE = "look_alike"
    ONE_EDIT = "one_edit"
    TWO_EDITS = "two_edits"
    TYPO = "typo"
    LEGAL_FORM = "legal_form"

    @property
    def is_certain(self) -> bool:
        """Whether nothing was repaired: the text is what the list holds, but for how it is written."""
        return self in _CERTAIN


_CERTAIN = frozenset({Method.REVIEW, Method.EXACT, Method.NORMALISED, Method.CIK, Method.ALIAS, Method.TICKER})


@dataclass(frozen=True, slots=True)
class Match:
    """A listed company (its place in the list) that a text matches, and how.

    One that does not suffice is only suggested. A conclusive one, by a dated alias that is this very text, is not
    weighed against other ways to read the text. A doubtful one is accepted, and queued for review.
    """

    company: int
    method: Method
    steps: str | None = None
    score: float = 100.0
    precision: float = 1.0
    suffices: bool = True
    is_conclusive: bool = False
    is_doubtful: bool = False


#: The most candidates that are kept for a person to choose from.
MOST_CANDIDATES = 5

Companies = npt.NDArray[np.int32]
Texts = npt.NDArray[np.object_]
Scores = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Candidates = Sequence[tuple[int, float]]


@dataclass(frozen=True, eq=False)
class Decisions:
    """One row per text; companies are their places in the list, -1 none.

    `status`: Status. `method`: Method or text, None if nothing was found. `steps`: text or None. `score`,
    `runner_up_score`: similarity 0 to 100, nan none. `precision`: expected share of right decisions of this kind, nan
    none. `suggestion`: the company to look at first where none is accepted. `candidates`: pairs of company and score,
    the most similar first, or None. `is_unlisted`: the text is known to be another company's than those of the list.
    """

    status: Texts
    company: Companies
    method: Texts
    steps: Texts
    score: Scores
    runner_up: Companies
    runner_up_score: Scores
    precision: Scores
    suggestion: Companies
    candidates: Texts
    is_unlisted: Flags

    @classmethod
    def unknown(cls, count: int) -> Decisions:
        """This number of decisions, of texts that nothing was found for."""
        columns = {field.name: np.full(count, *_NOTHING[str(field.type)]) for field in fields(cls)}
        columns["status"][:] = Status.UNKNOWN
        return cls(**columns)

    def __len__(self) -> int:
        return len(self.status)

    def take(self, rows: npt.NDArray[Any]) -> Decisions:
        """The decisions of these rows."""
        return Decisions(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def put(self, rows: npt.NDArray[Any], others: Decisions) -> None:
        """Take these rows from other decisions, which are as many as the rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(others, field.name)

    def accept(
        self, row: int, company: int, method: str, steps: str | None, *, precision: float, candidates: Candidates = ()
    ) -> None:
        """Decide for this company; `candidates`: those that it was chosen from, it among them, the best first."""
        scores = dict(candidates)
        others = (pair for pair in candidates if pair[0] != company)
        self.runner_up[row], self.runner_up_score[row] = next(others, (-1, np.nan))
        self.status[row], self.company[row], self.suggestion[row] = Status.ACCEPTED, company, -1
        self.method[row], self.steps[row], self.precision[row] = method, steps, precision
        self.score[row], self.candidates[row] = scores.get(company, 100.0), None

    def quarantine(
        self, row: int, status: Status, candidates: Candidates, method: str | None = None, steps: str | None = None
    ) -> None:
        """Decide for none of the candidates, the best first; the best is suggested unless the next is as good."""
        self.status[row], self.company[row], self.precision[row] = status, -1, np.nan
        self.method[row], self.steps[row] = method, steps
        best, second = [*candidates, (-1, np.nan), (-1, np.nan)][:2]
        (_, self.score[row]), (self.runner_up[row], self.runner_up_score[row]) = best, second
        self.suggestion[row] = -1 if best[1] == second[1] else best[0]
        self.candidates[row] = tuple(candidates) or None

    def columns(self, company_ids: pa.Array) -> dict[str, pd.Series[Any]]:
        """The columns that `resolve` adds, with company ids instead of places."""
        ids = company_ids.to_pylist() if any(each is not None for each in self.candidates) else []
        columns: dict[str, pa.Array] = {}
        for field in fields(self):
            name, values = field.name, getattr(self, field.name)
            if name == "candidates":
                columns[name] = pa.array([_as_json(each, ids) for each in values], pa.string())
            elif field.type == "Companies":
                places = pa.array(values, mask=values < 0)
                columns["company_id" if name == "company" else name] = company_ids.take(places).cast(pa.string())
            elif field.type != "Flags":
                columns[name] = pa.array(values, pa.string() if field.type == "Texts" else None, from_pandas=True)
        return {name: pd.Series(pd.arrays.ArrowExtensionArray(column)) for name, column in columns.items()}


#: What a column of each type holds where nothing was found, and its dtype.
_NOTHING: dict[str, tuple[Any, type]] = {
    "Texts": (None, object),
    "Companies": (-1, np.int32),
    "Scores": (np.nan, np.float64),
    "Flags": (False, np.bool_),
}


def _as_json(candidates: Candidates | None, ids: Sequence[str]) -> str | None:
    if candidates is None:
        return None
    pairs = [
        [ids[company], None if np.isnan(score) else round(float(score), 4)]
        for company, score in candidates[:MOST_CANDIDATES]
    ]
    return json.dumps(pairs, ensure_ascii=False)
