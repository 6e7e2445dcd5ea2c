"""Decisions by columns: which company each question means, how sure it is, and what it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

STATUSES = ("unknown", "accepted", "ambiguous", "conflict")
UNKNOWN, ACCEPTED, AMBIGUOUS, CONFLICT = range(4)
#: So many companies are kept for a person to choose from.
MOST_CANDIDATES = 5

Ints = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Decisions:
    """One row for each question; companies are numbers in the list, -1 none.

    `status` int8 (`STATUSES`). `method`, `steps`: text or null. `score`, `runner_up_score`: likeness 0 to 100, nan
    none. `precision`: share of right ones promised of decisions of this kind, nan none. `suggestion`: the company to
    look at first where none is accepted. `candidates`: companies with their scores, the likeliest first, or null;
    `MOST_CANDIDATES` of them are told.
    """

    status: npt.NDArray[np.int8]
    company: Ints
    method: npt.NDArray[np.object_]
    steps: npt.NDArray[np.object_]
    score: npt.NDArray[np.float64]
    runner_up: Ints
    runner_up_score: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    suggestion: Ints
    candidates: npt.NDArray[np.object_]

    @classmethod
    def none(cls, count: int) -> Decisions:
        """So many questions, all unknown."""

        def companies() -> Ints:
            return np.full(count, -1, np.int32)

        def texts() -> npt.NDArray[np.object_]:
            return np.full(count, None, object)

        def numbers() -> npt.NDArray[np.float64]:
            return np.full(count, np.nan)

        status = np.zeros(count, np.int8)
        return cls(
            status, companies(), texts(), texts(), numbers(), companies(), numbers(), numbers(), companies(), texts()
        )

    def take(self, rows: Ints) -> Decisions:
        """The decisions of these rows."""
        return Decisions(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def accept(
        self,
        row: int,
        company: int,
        method: str,
        *,
        steps: str | None,
        score: float,
        precision: float,
        likely: Sequence[tuple[int, float]] = (),
    ) -> None:
        """This company is meant; `likely`: companies and scores that it was chosen from, the likeliest first."""
        others = (pair for pair in likely if pair[0] != company)
        self.runner_up[row], self.runner_up_score[row] = next(others, (-1, np.nan))
        self.status[row], self.company[row], self.suggestion[row] = ACCEPTED, company, -1
        self.method[row], self.steps[row] = method, steps
        self.score[row], self.precision[row], self.candidates[row] = score, precision, None

    def leave_open(
        self,
        row: int,
        status: int,
        likely: Sequence[tuple[int, float]],
        *,
        method: str | None = None,
        steps: str | None = None,
    ) -> None:
        """None is meant for sure; `likely`: companies and scores, the likeliest first."""
        self.status[row], self.company[row], self.precision[row] = status, -1, np.nan
        self.method[row], self.steps[row] = method, steps
        companies = [*likely, (-1, np.nan), (-1, np.nan)]
        (self.suggestion[row], self.score[row]), (self.runner_up[row], self.runner_up_score[row]) = companies[:2]
        self.candidates[row] = tuple(likely) or None

    def columns(self, company_ids: pa.Array) -> dict[str, pd.Series[Any]]:
        """The columns that `resolve` adds, with company ids for numbers."""
        names = company_ids.to_pylist() if any(self.candidates != None) else []  # noqa: E711 (elementwise)
        told = [None if each is None else _told(each, names) for each in self.candidates]
        columns = {
            "status": pa.array(STATUSES).take(pa.array(self.status)),
            "company_id": _ids(self.company, company_ids),
            "method": pa.array(self.method, pa.string()),
            "steps": pa.array(self.steps, pa.string()),
            "score": pa.array(self.score, from_pandas=True),
            "runner_up": _ids(self.runner_up, company_ids),
            "runner_up_score": pa.array(self.runner_up_score, from_pandas=True),
            "precision": pa.array(self.precision, from_pandas=True),
            "suggestion": _ids(self.suggestion, company_ids),
            "candidates": pa.array(told, pa.string()),
        }
        return {name: pd.Series(pd.arrays.ArrowExtensionArray(column)) for name, column in columns.items()}


def _ids(companies: Ints, company_ids: pa.Array) -> pa.Array:
    return company_ids.take(pa.array(companies, mask=companies < 0)).cast(pa.string())


def _told(likely: Sequence[tuple[int, float]], names: Sequence[str]) -> str:
    pairs = [
        [names[company], None if np.isnan(score) else round(float(score), 4)]
        for company, score in likely[:MOST_CANDIDATES]
    ]
    return json.dumps(pairs, ensure_ascii=False)
