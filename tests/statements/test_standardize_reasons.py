"""Every reason for which a row or a cell is not used, and what is kept of it."""

import json
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from factories import decided_companies, mapping_of, raw_frame
from pandera.errors import SchemaErrors
from statements.standardized_rows import Run, run_rows, run_together

from finsync_pipeline import frames
from finsync_pipeline.errors import DataError, SourceInvalid
from finsync_pipeline.statements.reasons import REASONS
from finsync_pipeline.statements.standardize import standardize
from finsync_pipeline.statements.validate import (
    check_columns,
    failing,
    row_schema,
)

MAPPING = mapping_of(
    months={"column": "length"},
    currency={"column": "money"},
    scale={"column": "unit", "values": {"ones": 1, "k": 1000}},
    known_since="filed",
    numbers={"null_words": ["-"]},
    items={"revenue": "sales", "cash": "cash", "sector": "branch"},
)
GOOD = {"length": "12", "money": "USD", "unit": "ones", "sales": "1", "cash": "2", "branch": "Steel"}

ROWS = [
    ("repeated_row", [GOOD, GOOD | {"key": "1"}], "1"),
    ("schema:row_key_present", [GOOD | {"key": None}], None),
    ("schema:row_key_present", [GOOD | {"key": " \t"}], " \t"),
    ("schema:row_key_unique", [GOOD, GOOD | {"key": "1", "sales": "3"}], "1"),
    ("schema:company_present", [GOOD | {"who": None}], "1"),
    ("schema:company_present", [GOOD | {"who": " "}], "1"),
    ("length_unknown", [GOOD | {"length": "5"}], "1"),
    ("length_unknown", [GOOD | {"length": None}], "1"),
    ("currency_unknown", [GOOD | {"money": "US$"}], "1"),
    ("currency_unknown", [GOOD | {"money": None}], "1"),
    ("scale_unknown", [GOOD | {"unit": "dozens"}], "1"),
    ("scale_unknown", [GOOD | {"unit": None}], "1"),
    ("known_since_unreadable", [GOOD | {"filed": "soon"}], "1"),
    ("known_since_after_delivery", [GOOD | {"filed": "2099-01-01"}], "1"),
    ("known_since_after_delivery", [GOOD | {"filed": "2026-01-03"}], "1"),
    ("known_since_before_period_end", [GOOD | {"filed": "1900-01-01"}], "1"),
    ("company_unknown", [GOOD | {"who": "Nobody"}], "1"),
    ("company_ambiguous", [GOOD | {"who": "Twin"}], "1"),
    ("company_conflict", [GOOD | {"who": "Odd"}], "1"),
    ("company_rejected", [GOOD | {"who": "Barred"}], "1"),
    ("company_contradicted", [GOOD | {"who": "Acmee Corp"}, GOOD | {"who": "Acme Corp", "sales": "3"}], "1"),
    ("row_without_values", [GOOD | {"sales": None, "cash": " ", "branch": "-"}], "1"),
]
CELLS = [
    ("not_a_number", [{"sales": " n/m "}], "sales", [" n/m "]),
    ("schema:value_within_bounds", [{"sales": "1e18"}], "sales", ["1e18"]),
    ("schema:value_within_bounds", [{"sales": "-1e999"}], "sales", ["-1e999"]),
    ("schema:value_within_bounds", [{"sales": "1e15", "unit": "k"}], "sales", ["1e15"]),
    ("conflict", [{"sales": "1"}, {"sales": "3"}], "sales", ["1", "3"]),
    ("same_value", [{"sales": "1"}, {"sales": " 1.0"}], "sales", [" 1.0"]),
    (
        "older_value",
        [{"sales": "1", "filed": "2010-01-31"}, {"sales": "3", "filed": "2010-02-01"}],
        "sales",
        ["1"],
    ),
    ("conflict", [{"branch": "Steel"}, {"branch": "Iron"}], "branch", ["Steel", "Iron"]),
]


EMPTY = {"sales": None, "cash": None, "branch": None}


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    cases = {f"row {n}": rows for n, (_, rows, _) in enumerate(ROWS)}
    cases |= {f"cell {n}": [GOOD | EMPTY | cell for cell in cells] for n, (_, cells, _, _) in enumerate(CELLS)}
    return run_together(cases, MAPPING)


@pytest.mark.parametrize(
    ("snap_days", "filed", "is_used"), [(0, "2009-12-31", True), (0, "2009-12-30", False), (5, "2009-12-26", True)]
)
def test_a_row_is_known_since_its_period_ended_or_since_a_day_that_is_snapped_to_its_end(
    snap_days: int, filed: str, is_used: bool
) -> None:
    mapping = mapping_of(known_since="filed", period_end={"column": "ends", "snap_days": snap_days})
    run = run_rows([{"sales": "1", "filed": filed}], mapping)
    assert run.reasons == ({} if is_used else {"1": "known_since_before_period_end"})


def test_a_period_that_has_not_ended_is_used_where_the_source_states_no_day() -> None:
    assert run_rows([{"sales": "1", "first_seen": date(2009, 11, 1)}], mapping_of()).values == {"1": 1}


def test_a_cell_that_a_newer_row_leaves_blank_is_withdrawn_where_the_mapping_says_so() -> None:
    rows = [GOOD | {"key": "1", "filed": "2010-01-31"}, GOOD | {"key": "2", "filed": "2010-02-01", "sales": None}]
    assert run_rows(rows, MAPPING).values["1"] == 1
    run = run_rows(rows, MAPPING.model_copy(update={"blank_means": "withdrawn"}))
    (reject,) = frames.to_arrow(run.out.rejects[run.out.rejects["item"] == "revenue"]).to_pylist()
    assert (reject["reason"], reject["row_key"], reject["other_row_key"]) == ("withdrawn", "1", "2")
    assert "1" not in run.out.facts.query("item == 'revenue'")["row_key"].tolist()


@pytest.mark.parametrize("case", range(len(ROWS)), ids=lambda case: f"{case} {ROWS[case][0]}")
def test_a_row_that_cannot_be_used_is_kept_whole_with_the_reason(runs: dict[str, Run], case: int) -> None:
    reason, _, key = ROWS[case]
    run = runs[f"row {case}"]
    assert set(run.out.rejects["reason"]) == {reason}
    assert len(run.out.rejects) == (2 if reason == "schema:row_key_unique" else 1)
    reject = frames.to_arrow(run.out.rejects).to_pylist()[-1]
    assert (reject["stage"], reject["outcome"]) == (REASONS[reason].stage, REASONS[reason].outcome)
    assert (reject["source"], reject["row_key"]) == ("pnl", key)
    assert reject["quarter"] == run.raw["finsync_period_end"][0].replace(month=10, day=1)
    assert (reject["item"], reject["column"]) == (None, None)
    assert reject["cells"] == (0 if reason == "row_without_values" else 3)
    delivered = frames.to_arrow(run.raw[MAPPING.columns]).to_pylist()
    assert json.loads(reject["raw_text"]) == delivered[reject["row_number"]]


@pytest.mark.parametrize("case", range(len(CELLS)), ids=lambda case: f"{case} {CELLS[case][0]}")
def test_a_cell_that_cannot_be_used_is_kept_as_delivered_with_the_reason(runs: dict[str, Run], case: int) -> None:
    reason, cells, column, kept = CELLS[case]
    run = runs[f"cell {case}"]
    rejects = run.out.rejects
    assert rejects["raw_text"].tolist() == kept
    assert rejects["cells"].tolist() == [1] * len(kept)
    assert set(rejects["reason"]) == {reason}
    assert set(rejects["column"]) == {column}
    assert set(rejects["item"]) == {MAPPING.item_of_column[column]}
    assert set(rejects["stage"]) == {REASONS[reason].stage}
    assert set(rejects["outcome"]) == {REASONS[reason].outcome}
    assert len(run.out.facts) + len(run.out.texts) == len(cells) - len(kept)


def test_every_reason_that_rows_or_cells_can_have_is_tried_here() -> None:
    tried = {case[0] for case in (*ROWS, *CELLS)} | {"withdrawn"}
    assert tried == {code for code, reason in REASONS.items() if reason.stage != "inventory"}


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_a_reason_has_a_meaning_and_a_fix(reason: Any) -> None:
    assert reason.meaning.endswith(".")
    assert reason.fix.endswith(".")


def test_a_good_row_has_no_reject() -> None:
    run = run_rows([GOOD | {"filed": "2010-02-01"}], MAPPING)
    assert run.out.rejects.empty
    assert (len(run.out.facts), len(run.out.texts)) == (2, 1)


def test_a_bad_cell_does_not_take_the_others_of_its_row_with_it() -> None:
    run = run_rows([GOOD | {"sales": "n/m"}], MAPPING)
    assert run.out.facts["item"].tolist() == ["cash"]
    assert run.out.texts["text"].tolist() == ["Steel"]
    assert run.reasons == {"1": "not_a_number"}


def test_the_reason_of_a_row_does_not_depend_on_the_number_of_rows() -> None:
    keyless = [{"key": None, "who": None, "sales": str(n)} for n in range(40)]
    nameless = [{"key": str(n), "who": None, "sales": "1"} for n in range(100, 140)]
    twins = [{"key": "7", "who": None, "sales": str(n)} for n in range(40)]
    mapping = mapping_of()
    many = run_rows([*keyless, *nameless, *twins], mapping).out.rejects
    few = run_rows([*keyless[:2], *nameless[:2], *twins[:2]], mapping).out.rejects
    reasons = ["schema:row_key_present", "schema:company_present", "schema:row_key_unique"]
    assert few["reason"].value_counts().to_dict() == dict.fromkeys(reasons, 2)
    assert many["reason"].value_counts().to_dict() == dict.fromkeys(reasons, 40)


def test_keys_are_unique_within_a_quarter_and_may_come_again_in_another() -> None:
    rows = [{"key": "1", "sales": "1"}, {"key": "1", "sales": "2", "period_end": date(2010, 3, 31)}]
    run = run_rows(rows, mapping_of())
    assert run.out.rejects.empty
    assert sorted(run.out.facts["value"]) == [1.0, 2.0]


def test_the_first_reason_in_the_order_of_the_stages_counts() -> None:
    bad = GOOD | {"who": "Nobody", "length": "5", "money": "?", "unit": "?", "filed": "?", "sales": "n/m"}
    assert run_rows([bad], MAPPING).reasons == {"1": "length_unknown"}
    assert run_rows([bad | {"who": None}], MAPPING).reasons == {"1": "schema:company_present"}


def test_a_company_that_was_never_decided_is_an_error_of_the_tables() -> None:
    mapping = mapping_of()
    raw = raw_frame([{"key": "1", "who": "Acme", "sales": "1"}], mapping)
    with pytest.raises(DataError, match=r"^pnl/company_ids: made of other rows"):
        standardize(raw, decided_companies(raw, mapping).head(0), mapping)


def test_a_decision_counts_for_its_supporting_columns_and_period() -> None:
    mapping = mapping_of(company={"column": "who", "supporting_columns": {"name": "long"}})
    rows = [
        {"key": "1", "who": "Acme", "long": "Acme Corp", "sales": "1"},
        {"key": "2", "who": "Acme", "long": None, "sales": "1"},
        {"key": "3", "who": "Acme", "long": "Acme Corp", "sales": "1", "period_end": date(2008, 12, 31)},
    ]
    raw = raw_frame(rows, mapping)
    company_ids = decided_companies(raw, mapping)
    assert [json.loads(text) for text in company_ids["supporting_columns"]] == [
        {"name": "Acme Corp"},
        {"name": "Acme Corp"},
        {"name": None},
    ]
    is_meant = company_ids["period_end"] == date(2008, 12, 31)
    only_one = company_ids.assign(status=company_ids["status"].where(is_meant, "unknown"))
    standardized = standardize(raw, only_one, mapping)
    assert standardized.facts["row_key"].tolist() == ["3"]
    assert standardized.rejects["reason"].tolist() == ["company_unknown"] * 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.drop(columns="sales"),
        lambda raw: raw.assign(surprise=raw["sales"]),
        lambda raw: raw.assign(sales=pd.Series([1.0], dtype=pd.ArrowDtype(pa.float64()))),
        lambda raw: raw.assign(finsync_period_end=pd.Series([None], dtype=pd.ArrowDtype(pa.date32()))),
        lambda raw: raw.assign(finsync_data_version=pd.Series([None], dtype=frames.STRING)),
    ],
    ids=["column missing", "column too many", "not text", "no period end", "no version"],
)
def test_a_frame_of_another_shape_fails_as_a_whole(spoil: Any) -> None:
    mapping = mapping_of()
    raw = raw_frame([{"key": "1", "who": "Acme", "sales": "1"}], mapping)
    schema = row_schema(mapping)
    assert failing(schema, raw).empty
    with pytest.raises(SchemaErrors):
        failing(schema, spoil(raw))


def test_columns_that_the_mapping_does_not_name_are_returned() -> None:
    delivered = ["x", "key", "who", "ends", "sales", "Key"]
    assert check_columns(mapping_of(), delivered) == ["x", "Key"]


def test_a_column_that_is_gone_is_named_with_what_it_may_be_called_now() -> None:
    with pytest.raises(SourceInvalid) as raised:
        check_columns(mapping_of(), ["key", "who", "ends", "sales_total"])
    said = str(raised.value)
    assert "pnl: column 'sales' of table 'pnl' is not delivered" in said
    assert "'sales_total'" in said
    assert "defs/sources/pnl/defs.yaml" in said
