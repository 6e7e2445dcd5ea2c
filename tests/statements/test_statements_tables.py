"""The standard items, and the tables that are derived from them."""

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pandera.errors import SchemaErrors

from finsync_pipeline import frames
from finsync_pipeline.statements import tables
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS, TEXT_ITEMS, Item
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, SUMMARY, TEXTS, Table

ALL_TABLES = [table for table in vars(tables).values() if isinstance(table, Table)]

FACT = {
    "company_id": "ACME",
    "item": "revenue",
    "period_end": date(2009, 12, 31),
    "months": 12,
    "currency": "USD",
    "value": 1.0,
    "source": "pnl",
    "row_key": "1",
    "data_version": "v1",
    "known_since": None,
    "first_seen": date(2010, 2, 1),
}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS.keys())
def test_an_item_is_described_and_of_one_kind(item: Item) -> None:
    assert item.name.isidentifier()
    assert item.name.islower()
    assert len(item.description.split()) > 0
    assert item.description[0].isupper()
    assert item.statement in ("income", "balance", "cash_flow", "company")
    assert item.kind == {"balance": "instant", "company": "text"}.get(item.statement, "duration")
    assert (item.unit == "text") == (item.kind == "text")
    assert item.unit in ("money", "per_share", "text")


def test_a_tag_stands_for_one_item() -> None:
    tags = [tag for item in ITEMS.values() for tag in item.us_gaap]
    assert len(tags) == len(set(tags))
    assert all(tag.isalnum() and tag[0].isupper() for tag in tags)


def test_every_item_is_a_number_or_a_text() -> None:
    assert set(NUMERIC_ITEMS) | set(TEXT_ITEMS) == set(ITEMS)
    assert not set(NUMERIC_ITEMS) & set(TEXT_ITEMS)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_column_is_described_and_named_once(table: Table) -> None:
    assert len(set(table.arrow.names)) == len(table.fields)
    assert all(field.description for field in table.fields)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_an_empty_frame_of_a_table_is_valid_and_arrow_backed(table: Table) -> None:
    frame = table.validate(table.frame())
    assert all(isinstance(dtype, pd.ArrowDtype) for dtype in frame.dtypes)
    assert frames.to_arrow(frame).schema == table.arrow


def test_the_wide_columns_follow_the_items() -> None:
    in_financials = [name for item in NUMERIC_ITEMS for name in (item, f"{item}_sources")]
    keys = ["company_id", "period_end", "months", "currency", "facts_version", "disputed", "withheld"]
    assert FINANCIALS.arrow.names == [*keys, *in_financials]
    in_summary = [f"{item}{end}" for item in NUMERIC_ITEMS for end in ("", "_n", "_first", "_last")]
    keys = ["company_id", "company_name", "basis", "currency", "periods", "first_period", "last_period"]
    assert SUMMARY.arrow.names == [*keys, "disputed", "withheld", *TEXT_ITEMS, *in_summary]


@pytest.mark.parametrize(("table", "column", "item"), [(FINANCIALS, "revenue", "revenue"), (SUMMARY, "cash", "cash")])
def test_a_wide_column_is_described_as_its_item(table: Table, column: str, item: str) -> None:
    (field,) = [field for field in table.fields if field.name == column]
    assert field.description.startswith(ITEMS[item].description)


@pytest.mark.parametrize(
    ("cell", "check"),
    [
        ({"item": "revenu"}, "item_is_known"),
        ({"item": "sector"}, "item_is_known"),
        ({"months": 7}, "months_is_known"),
        ({"months": -3}, "months_is_known"),
        ({"currency": "usd"}, "currency_is_well_formed"),
        ({"currency": "USDT"}, "currency_is_well_formed"),
        ({"currency": "USD\n"}, "currency_is_well_formed"),
        ({"value": 1e18}, "value_within_bounds"),
        ({"value": -1e18}, "value_within_bounds"),
        ({"value": float("inf")}, "value_within_bounds"),
        ({"value": None}, "not_nullable"),
        ({"company_id": None}, "not_nullable"),
        ({"period_end": None}, "not_nullable"),
        ({"source": None}, "not_nullable"),
        ({"row_key": None}, "not_nullable"),
    ],
)
def test_a_fact_that_breaks_a_check_is_rejected_by_its_name(cell: dict[str, Any], check: str) -> None:
    FACTS.conform(FACTS.frame([FACT]))
    with pytest.raises(SchemaErrors) as raised:
        FACTS.conform(FACTS.frame([FACT, FACT | cell]))
    (broken,) = raised.value.failure_cases.itertuples()
    assert (broken.check, broken.column) == (check, next(iter(cell)))


def test_the_largest_value_in_bounds_is_a_fact() -> None:
    assert FACTS.conform(FACTS.frame([FACT | {"value": 9.99e17}]))["value"].tolist() == [9.99e17]


def test_a_numeric_item_is_not_a_text() -> None:
    text = {key: value for key, value in FACT.items() if key not in ("currency", "value")} | {"text": "x"}
    assert len(TEXTS.conform(TEXTS.frame([text | {"item": "sector"}]))) == 1
    with pytest.raises(SchemaErrors, match="item_is_known"):
        TEXTS.conform(TEXTS.frame([text]))


def test_conform_orders_columns_drops_others_and_casts_types() -> None:
    loose = pd.DataFrame([FACT]).assign(other=1, months=12.0)[["other", *reversed(list(FACT))]]
    conformed = FACTS.conform(loose)
    assert frames.to_arrow(conformed).schema == FACTS.arrow
    assert frames.to_arrow(conformed).to_pylist() == [FACT]


def test_conform_makes_a_missing_column_null_of_whatever_type() -> None:
    conformed = FACTS.conform(FACTS.frame([FACT]).drop(columns="known_since"))
    assert frames.to_arrow(conformed).to_pylist() == [FACT]


def test_conform_refuses_a_missing_column_that_must_have_values() -> None:
    with pytest.raises(SchemaErrors, match="not_nullable"):
        FACTS.conform(FACTS.frame([FACT]).drop(columns="row_key"))


def test_conform_does_not_cut_a_number_to_an_integer() -> None:
    with pytest.raises(pa.ArrowInvalid):
        FACTS.conform(FACTS.frame([FACT]).assign(months=12.5))


@pytest.mark.parametrize("change", [{"value": pa.string()}, {"months": pa.float64()}])
def test_validate_refuses_another_type(change: dict[str, pa.DataType]) -> None:
    frame = FACTS.frame([FACT]).astype({name: pd.ArrowDtype(kind) for name, kind in change.items()})
    with pytest.raises(SchemaErrors, match="dtype"):
        FACTS.validate(frame)
