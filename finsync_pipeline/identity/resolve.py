"""The decision: which listed company each spelling means, or why none.

A decision depends on the spelling, the evidence beside it, the period end and the reference, and on nothing else:
not on the other rows, nor on their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from finsync_pipeline.identity.decisions import Decisions
from finsync_pipeline.identity.evidence import weigh, witnesses
from finsync_pipeline.identity.listed import ListedCompanies
from finsync_pipeline.identity.reference import Reference
from finsync_pipeline.identity.spellings import decide_spellings

_ASKED = ("spelling", "period_end", "evidence")


def resolve(spellings: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Decide what each spelling means.

    `spellings`: spelling (text, may be null), period_end (Arrow date, never null), evidence (text: a JSON
    object of other cells of the same row, or null). Returns the same rows and columns, and

    - status: `accepted`, `ambiguous` (several companies answer equally well), `conflict` (the evidence is
      another company's) or `unknown`
    - company_id: null unless accepted
    - method: the step that answered: `exact`, `normalised`, `cik`, `ticker`, `alias`; of names also `legal_form`,
      `shortened`, `abbreviated`, `typo`; of codes `look_alike`, `one_edit`, `two_edits`; with `+name` or what
      else the evidence was where that decided; null if nothing answered
    - steps: what was ignored or repaired, in words; null where nothing was
    - score, runner_up, runner_up_score: likeness 0 to 100 of the answer or suggestion, the best other company
      and its likeness
    - precision: the share of right ones that is promised of such decisions; null unless accepted
    - suggestion: where not accepted, the company for a person to look at first
    - candidates: where not accepted, a JSON list of up to five `[company_id, score]`, the likeliest first

    Raises `ValueError` for a missing column, a null period_end, or evidence that is not a JSON object.
    """
    asked = _asked(spellings)
    questions, rows = _distinct(asked)
    decided = _decide(questions, reference.index).take(rows)
    columns = decided.columns(reference.index.company_ids)
    return spellings.assign(**{name: column.set_axis(spellings.index) for name, column in columns.items()})


def _decide(questions: pa.Table, listed: ListedCompanies) -> Decisions:
    texts = questions["spelling"].combine_chunks().fill_null("")
    days = questions["period_end"].to_pylist()
    evidence = questions["evidence"]
    decisions, by_codes = decide_spellings(texts, days, listed)
    if evidence.null_count < len(evidence):
        said = witnesses(evidence.to_pylist(), days, listed)
        weigh(decisions, said, by_codes, texts, listed)
    return decisions


def _asked(spellings: pd.DataFrame) -> pa.Table:
    missing = set(_ASKED) - set(spellings.columns)
    if missing:
        raise ValueError(f"spellings: has no column {', '.join(sorted(missing))}")
    if spellings["period_end"].isna().any():
        raise ValueError("spellings, column period_end: is null in some rows; every spelling needs its period end")
    types = {"spelling": pa.large_string(), "period_end": pa.date32(), "evidence": pa.large_string()}
    columns = {name: pa.array(spellings[name], from_pandas=True).cast(kind) for name, kind in types.items()}
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
