"""What is found for each text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finsync_pipeline.identity.codes.bytes_of import Flags, Ints, take
from finsync_pipeline.identity.codes.listed import Companies

UNKNOWN, ACCEPTED, AMBIGUOUS = 0, 1, 2
METHODS = ("exact", "normalised", "look_alike", "one_edit", "two_edits")
EXACT, NORMALISED, LOOK_ALIKE, ONE_EDIT, TWO_EDITS = range(5)


@dataclass(frozen=True)
class CodesFound:
    """One row for each text.

    `status` int8: 0 unknown, 1 accepted, 2 ambiguous (two companies are equally near). `company` int32: the
    accepted one, else -1. `method`: dictionary of `METHODS`, how the company or the suggestion was found, else
    null. `steps` large_string: what was read differently, null where nothing was. `score` float64: 100 is the
    code itself, each whole edit takes 100 / length off; nan where nothing is near. `runner_up` int32 (-1) and
    `runner_up_score`: the nearest other company. `precision` float64: share of right ones promised for the
    accepted of this class; nan where nothing is accepted. `suggestion` int32 (-1): the nearest company where
    none is accepted. `is_other`: a code with right check digits that is not listed, so another company's.
    `is_plausible`: the text has the shape of a code of this scheme at all.
    """

    status: npt.NDArray[np.int8]
    company: Companies
    method: pa.DictionaryArray
    steps: pa.Array
    score: npt.NDArray[np.float64]
    runner_up: Companies
    runner_up_score: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    suggestion: Companies
    is_other: Flags
    is_plausible: Flags

    def __len__(self) -> int:
        return len(self.status)

    def take(self, rows: Ints) -> CodesFound:
        """The results of these rows; nothing is found for row -1."""
        if (rows < 0).any():
            return _appended_nothing(self).take(np.where(rows < 0, len(self), rows))
        return CodesFound(**{f.name: _taken(getattr(self, f.name), rows) for f in fields(self)})


class Sheet:
    """The results while they are being found; rows are settled once."""

    def __init__(self, count: int) -> None:
        self.status = np.zeros(count, dtype=np.int8)
        self.company = np.full(count, -1, dtype=np.int32)
        self.method = np.full(count, -1, dtype=np.int8)
        self.steps = np.full(count, None, dtype=object)
        self.score = np.full(count, np.nan)
        self.runner_up = np.full(count, -1, dtype=np.int32)
        self.runner_up_score = np.full(count, np.nan)
        self.precision = np.full(count, np.nan)
        self.suggestion = np.full(count, -1, dtype=np.int32)
        self.is_other = np.zeros(count, dtype=np.bool_)
        self.is_plausible = np.zeros(count, dtype=np.bool_)

    def accept(self, rows: Ints, companies: Companies, precision: npt.NDArray[np.float64] | float) -> None:
        """These companies are meant."""
        self.status[rows] = ACCEPTED
        self.company[rows] = companies
        self.precision[rows] = precision

    def tell(self, rows: Ints, steps: pa.Array) -> None:
        """What was read differently, as large_string."""
        self.steps[rows] = steps.to_pylist()

    def suggest(self, rows: Ints, companies: Companies, *, status: int) -> None:
        """These companies may be meant: `UNKNOWN`, or `AMBIGUOUS` where another one is as near."""
        self.status[rows] = status
        self.suggestion[rows] = companies

    def found(self) -> CodesFound:
        """The results, finished."""
        method = pa.array(self.method, mask=self.method < 0)
        return CodesFound(
            **{f.name: getattr(self, f.name) for f in fields(CodesFound) if f.name not in ("method", "steps")},
            method=pa.DictionaryArray.from_arrays(method, pa.array(METHODS)),
            steps=pa.array(self.steps, pa.large_string(), from_pandas=True),
        )


def _taken(column: Any, rows: Ints) -> Any:
    return column[rows] if isinstance(column, np.ndarray) else take(column, rows)


def _appended_nothing(found: CodesFound) -> CodesFound:
    nothing = Sheet(1).found()
    joined = {}
    for name in (f.name for f in fields(found)):
        first, second = getattr(found, name), getattr(nothing, name)
        is_numpy = isinstance(first, np.ndarray)
        joined[name] = np.concatenate([first, second]) if is_numpy else pa.concat_arrays([first, second])
    return CodesFound(**joined)
