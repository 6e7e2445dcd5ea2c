"""Entity resolution: which listed company each text of a source means, or why none.

A decision depends on the text, what the mapping declares that it is, its supporting columns, the period end and the
reference, and on nothing else: not on the other rows, nor on their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from finsync_pipeline.identity.company_index import KINDS, CompanyIndex
from finsync_pipeline.identity.evidence import apply_evidence
from finsync_pipeline.identity.reference import Reference
from finsync_pipeline.identity.results import Decisions
from finsync_pipeline.identity.texts import decide_texts

_TEXT = pa.large_string()
_ASKED = {"source_name": _TEXT, "period_end": pa.date32(), "supporting_columns": _TEXT, "kind": pa.string()}


def resolve(source_names: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Decide what each text means.

    `source_names`: source_name (text, may be null), period_end (Arrow date, never null), supporting_columns (text: JSON
    object of other cells of the same row, or null), and kind, if it is there (text: of `KINDS`, or null: anything).
    Returns the same rows and columns, and

    - status: a Status; `accepted`, `ambiguous` (several companies match equally well), `conflict` (the
      supporting columns are another company's) or `unknown`
    - company_id: null unless accepted
    - method: a Method, with `+name` or what else supported it where that decided; null if nothing matched
    - steps: what was ignored or repaired, in words; null where nothing was
    - score, runner_up, runner_up_score: similarity 0 to 100 of the company or suggestion, the best other company
      and its similarity
    - precision: the share of right ones to expect of such decisions; null unless accepted
    - suggestion: where not accepted, the company for a person to look at first, null where another one is as similar;
      where accepted, set only if a person should look at the decision nevertheless
    - candidates: where not accepted, a JSON list of up to five `[company_id, score]`, the most similar first

    Raises `ValueError` for a missing column, a null period_end, supporting columns that are not JSON, or another kind.
    """
    asked = _asked(source_names)
    questions, rows = _distinct(asked)
    decided = _decide(questions, reference.index).take(rows)
    columns = decided.columns(reference.index.company_ids)
    return source_names.assign(**{name: column.set_axis(source_names.index) for name, column in columns.items()})


def _decide(questions: pa.Table, index: CompanyIndex) -> Decisions:
    texts = questions["source_name"].combine_chunks().fill_null("")
    days, kinds = questions["period_end"].to_pylist(), questions["kind"].to_pylist()
    decisions, is_code = decide_texts(texts, days, kinds, index)
    if questions["supporting_columns"].null_count < len(questions):
        apply_evidence(decisions, is_code, questions.set_column(0, "source_name", texts), days, index)
    return decisions


def _asked(source_names: pd.DataFrame) -> pa.Table:
    missing = _ASKED.keys() - {"kind"} - set(source_names.columns)
    if missing:
        raise ValueError(f"source_names: has no column {', '.join(sorted(missing))}")
    if source_names["period_end"].isna().any():
        raise ValueError("source_names, column period_end: is null in some rows; every row needs its period end")
    given = {name: source_names.get(name, [None] * len(source_names)) for name in _ASKED}
    columns = {name: pa.array(given[name], from_pandas=True).cast(dtype) for name, dtype in _ASKED.items()}
    if others := set(columns["kind"].unique().to_pylist()) - {None, *KINDS}:
        raise ValueError(f"source_names, column kind: {', '.join(sorted(others))} is not one of {', '.join(KINDS)}")
    return pa.table(columns)


def _distinct(asked: pa.Table) -> tuple[pa.Table, npt.NDArray[Any]]:
    """The distinct questions in the order of their contents, and for each row the place of its question."""
    codes = [column.combine_chunks().dictionary_encode() for column in asked.columns]
    key = np.zeros(len(asked), np.int64)
    for encoded in codes:
        places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        key = key * (len(encoded.dictionary) + 1) + places
    _, first, rows = np.unique(key, return_index=True, return_inverse=True)
    return asked.take(pa.array(first)), rows
