"""What the cells of usable rows become: facts and texts in the tables' schemas, whatever they are called."""

import json
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from factories import FIRST_SEEN, decided_companies, mapping_of, raw_frame
from statements.standardized_rows import in_key_order, run_frame, run_rows

from finsync_pipeline import frames
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.items import NUMERIC_ITEMS
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import standardize
from finsync_pipeline.statements.tables import COMPANY_IDS, FACTS, REJECTS, TEXTS

UNIT = {"column": "unit", "values": {"USD k": "thousands", "USD m": "millions", "USD": 1}}


def facts_of(rows: list[dict[str, Any]], mapping: SourceMapping) -> list[dict[str, Any]]:
    return frames.to_arrow(run_rows(rows, mapping).out.facts).to_pylist()


def test_a_fact_names_the_row_that_it_comes_from() -> None:
    mapping = mapping_of(known_since={"column": "filed", "formats": ["%d.%m.%Y"]}, scale="millions")
    (fact,) = facts_of([{"key": "r7", "sales": "3606.314", "filed": "1.2.2010"}], mapping)
    assert fact == {
        "company_id": "ACME",
        "item": "revenue",
        "period_end": date(2009, 12, 31),
        "months": 12,
        "currency": "USD",
        "value": 3606314000.0,
        "source": "pnl",
        "row_key": "r7",
        "data_version": "v1",
        "known_since": date(2010, 2, 1),
        "first_seen": FIRST_SEEN,
    }


def test_the_scale_of_a_row_comes_from_its_column() -> None:
    rows = [
        {"key": "1", "who": "Acme", "unit": "USD k", "sales": "1.5"},
        {"key": "2", "who": "Bolt", "unit": " USD m ", "sales": "1.5"},
    ]
    assert run_rows(rows, mapping_of(scale=UNIT)).values == {"1": 1500.0, "2": 1500000.0}


def test_one_column_may_say_currency_and_scale() -> None:
    mapping = mapping_of(
        scale=UNIT, currency={"column": "unit", "values": {"USD k": "USD", "USD m": "USD", "USD": "USD"}}
    )
    (fact,) = facts_of([{"unit": "USD m", "sales": "2"}], mapping)
    assert (fact["currency"], fact["value"]) == ("USD", 2000000.0)


def test_an_amount_per_share_is_not_scaled_unless_declared() -> None:
    items = {
        "revenue": {"column": "a"},
        "cost_of_revenue": {"column": "b", "sign": -1},
        "gross_profit": {"column": "c", "scale": "thousands"},
        "net_income": {"column": "d", "scale": 1},
        "eps_basic": {"column": "e"},
        "eps_diluted": {"column": "f", "scale": 0.01, "sign": -1},
    }
    for scale in ("millions", UNIT):
        facts = facts_of([dict.fromkeys("abcdef", "2.5") | {"unit": "USD m"}], mapping_of(scale=scale, items=items))
        assert {fact["item"]: fact["value"] for fact in facts} == {
            "revenue": 2500000.0,
            "cost_of_revenue": -2500000.0,
            "gross_profit": 2500.0,
            "net_income": 2.5,
            "eps_basic": 2.5,
            "eps_diluted": -0.025,
        }


def test_durations_have_the_rows_length_and_instants_none() -> None:
    mapping = mapping_of(months={"column": "q", "unit": "quarters"}, items={"revenue": "s", "cash": "c"})
    facts = facts_of([{"q": "2", "s": "1", "c": "1"}], mapping)
    assert {fact["item"]: fact["months"] for fact in facts} == {"revenue": 6, "cash": 0}


def test_instants_need_no_length() -> None:
    (fact,) = facts_of([{"c": "1"}], mapping_of(months=None, items={"cash": "c"}))
    assert fact["months"] == 0


def test_a_text_is_kept_as_it_is_without_blanks_around_it() -> None:
    mapping = mapping_of(items={"sector": "s", "auditor": "a", "form": "f"}, numbers={"null_words": ["n/a"]})
    run = run_rows([{"s": " Oil & \u201cGas\u201d\u00a0", "a": "n/a", "f": "10-K"}], mapping)
    texts = run.out.texts
    assert dict(zip(texts["item"], texts["text"], strict=True)) == {
        "sector": "Oil & \u201cGas\u201d",
        "form": "10-K",
    }
    assert run.out.rejects.empty


def test_nothing_blanks_and_null_words_hold_no_value() -> None:
    words = ["-", "n/a", "None"]
    mapping = mapping_of(items={"revenue": "s", "cash": "c"}, numbers={"null_words": words})
    cells = [None, "", " ", "\t\r\n", "\u00a0 \u00a0", *words, " n/a "]
    run = run_rows([{"s": cell, "c": "1"} for cell in cells], mapping)
    assert run.out.facts["item"].tolist() == ["cash"]
    assert run.out.rejects["reason"].tolist() == ["same_value"] * (len(cells) - 1)  # of cash
    assert run.out.rejects["item"].unique().tolist() == ["cash"]


def test_a_null_word_counts_as_it_is_written() -> None:
    mapping = mapping_of(items={"revenue": "s"}, numbers={"null_words": ["None"]})
    assert run_rows([{"s": "none"}], mapping).reasons == {"1": "not_a_number"}


def test_blanks_around_a_number_do_no_harm() -> None:
    assert run_rows([{"sales": "\u00a0\t 5\r\n"}], mapping_of()).values == {"1": 5.0}


# fmt: off
NAMES = [
    "text", "value", "reason", "period_end", "item", "source_column", "raw_text", "cells", "rows",
    "raw", "kept", "decided", "declared", "index", "months", "exponent", "sign", "kind", "is_text",
    "company_id", "row_key", "p", "source_name", "supporting_columns", "quarter", "places", "select", "FROM",
    "Total Revenue", "lines.Net income", "0", "1", " ", 'a "quoted" one', "it's",
    "x; DROP TABLE rows --", "*", "COLUMNS('x')", "{x} %s $1 ?", "a\\b", "\u00dcber\n", "R&D", "(net)",
    "level_0", "status",
]
# fmt: on


@pytest.mark.parametrize("names", [NAMES[n : n + 5] for n in range(0, len(NAMES), 5)], ids=lambda names: names[0])
def test_the_names_of_columns_do_no_harm(names: list[str]) -> None:
    row_key, company, ends, length, money = names
    others = [name for name in NAMES if name not in names]
    items = dict(zip(NUMERIC_ITEMS, others, strict=False))
    mapping = mapping_of(
        row_key=row_key,
        company=company,
        period_end=ends,
        months={"column": length},
        currency={"column": money},
        items=items,
    )
    cells = {column: str(n) for n, column in enumerate(others)} | {length: "6", money: "EUR"}
    rows = [
        {**cells, row_key: "1", company: "Acme"},
        {**cells, row_key: "2", company: "Bolt", others[0]: "n/m"},
        {**cells, row_key: "3", company: None},
    ]
    raw = frames.frame_of(rows, pa.schema([(name, pa.string()) for name in mapping.columns])).assign(
        finsync_period_end=pd.Series([date(2009, 12, 31)] * 3, dtype=pd.ArrowDtype(pa.date32())),
        finsync_data_version=pd.Series(["v"] * 3, dtype=frames.STRING),
        finsync_first_seen=pd.Series([FIRST_SEEN] * 3, dtype=pd.ArrowDtype(pa.date32())),
    )
    run = run_frame(raw, mapping)
    facts = run.out.facts
    assert set(zip(facts["row_key"], facts["item"], facts["value"], strict=True)) == {
        (key, item, float(cells[column]))
        for key in "12"
        for item, column in items.items()
        if (key, column) != ("2", others[0])
    }
    refused_cell, refused_row = frames.to_arrow(run.out.rejects).to_pylist()
    assert (refused_cell["column"], refused_cell["reason"]) == (others[0], "not_a_number")
    assert (refused_row["reason"], refused_row["cells"]) == ("schema:company_present", len(others))
    assert json.loads(refused_row["raw_text"]) == {**cells, row_key: "3", company: None, ends: None}
    assert set(facts["months"]) <= {0, 6}
    assert set(facts["currency"]) == {"EUR"}


@pytest.mark.parametrize("rows", [[], [{"s": None}], [{"s": "1", "b": "x"}, {"s": "n/m", "b": "x"}]])
def test_every_frame_is_arrow_backed_and_in_the_schema_of_its_table(rows: list[dict[str, Any]]) -> None:
    mapping = mapping_of(
        company={"column": "who", "supporting_columns": {"name": "long"}},
        months={"column": "m"},
        currency={"column": "c"},
        scale=UNIT,
        known_since="filed",
        items={"revenue": "s", "sector": "b"},
    )
    run = run_rows([{"m": "12", "c": "USD", "unit": "USD"} | row for row in rows], mapping)
    out = run.out
    for frame, table in [(out.facts, FACTS), (out.texts, TEXTS), (out.rejects, REJECTS)]:
        assert all(isinstance(dtype, pd.ArrowDtype) for dtype in frame.dtypes)
        assert frames.to_arrow(frame).schema == table.arrow
        assert frame.index.equals(pd.RangeIndex(len(frame)))


def test_supporting_columns_are_the_declared_cells_as_json() -> None:
    mapping = mapping_of(company={"column": "who", "supporting_columns": {"name": "long", "country": "land"}})
    rows = [{"key": str(n), "who": "A", "long": '\u00c9lan "Q" SA', "land": None, "sales": "1"} for n in range(3)]
    said = frames.to_arrow(source_names(raw_frame(rows, mapping), mapping)).to_pylist()
    assert said == [
        {
            "source_name": "A",
            "supporting_columns": '{"name": "\u00c9lan \\"Q\\" SA", "country": null}',
            "period_end": date(2009, 12, 31),
            "row_count": 3,
            "kind": None,
        }
    ]


def test_without_declared_supporting_columns_there_are_none() -> None:
    mapping = mapping_of()
    raw = raw_frame([{"key": "1", "who": None, "sales": "1"}, {"key": "2", "who": "", "sales": "1"}], mapping)
    said = frames.to_arrow(source_names(raw, mapping)).to_pylist()
    assert [(line["source_name"], line["supporting_columns"]) for line in said] == [("", None), (None, None)]


@pytest.mark.parametrize("kind", ["ticker", "cik", "lei", "isin", "cusip", "name", "id", None])
def test_each_source_name_has_the_declared_kind(kind: str | None) -> None:
    mapping = mapping_of(company={"column": "who", "kind": kind})
    raw = raw_frame([{"key": "1", "who": "AB", "sales": "1"}, {"key": "2", "who": "CD", "sales": "1"}], mapping)
    said = source_names(raw, mapping)
    assert frames.to_arrow(said)["kind"].to_pylist() == [kind, kind]
    assert frames.to_arrow(COMPANY_IDS.conform(decided_companies(raw, mapping)))["kind"].to_pylist() == [kind, kind]


def test_no_rows_say_nothing_of_companies() -> None:
    mapping = mapping_of(company={"column": "who", "supporting_columns": {"name": "long"}})
    said = source_names(raw_frame([], mapping), mapping)
    assert len(COMPANY_IDS.conform(said)) == 0


QUARTER_ENDS = [date(2009, 9, 30), date(2009, 12, 31), date(2009, 11, 30), date(2010, 3, 31)]


def test_a_range_of_quarters_gives_what_each_quarter_alone_gives() -> None:
    mapping = mapping_of(known_since="filed", items={"revenue": "s", "cash": "c", "sector": "b"})
    cells = ["1", "2", "n/m", None, "1e18", "2"]
    rows = [
        {
            "key": str(n % 9) if n % 11 else None,
            "who": ("Acme", "Bolt", "Nobody", None)[n % 4],
            "ends": end.isoformat(),
            "filed": (None, "2010-02-01", "2010-05-01")[n % 3],
            "s": cells[n % 6],
            "c": cells[(n + 1) % 6],
            "b": "x",
            "period_end": end,
        }
        for end in QUARTER_ENDS
        for n in range(14)
    ]
    raw = in_key_order(raw_frame(rows, mapping), mapping)
    company_ids = decided_companies(raw, mapping)
    together = standardize(raw, company_ids, mapping)
    quarters = raw["finsync_period_end"].map(quarter_of)
    alone = [standardize(part, company_ids, mapping) for _, part in raw.groupby(quarters)]
    assert len(alone) == 3
    for name in ("facts", "texts", "rejects"):
        parts = [frames.to_arrow(getattr(one, name)) for one in alone]
        expected = pa.concat_tables(parts).to_pylist()
        found = frames.to_arrow(getattr(together, name)).to_pylist()
        assert len(found) > 3
        if name == "rejects":
            assert found == expected
        else:  # of a range, facts come by company: each quarter's are in their order
            for end in set(QUARTER_ENDS):
                assert [f for f in found if f["period_end"] == end] == [f for f in expected if f["period_end"] == end]


def test_the_index_of_the_frame_does_not_matter() -> None:
    mapping = mapping_of()
    rows: list[dict[str, Any]] = [
        {"key": "1", "who": "Acme", "sales": "n/m"},
        {"key": "2", "who": None, "sales": "1"},
        {"key": "2", "who": "Acme", "sales": "2"},
        {"key": "2", "who": "Acme", "sales": "2"},
        {"key": "4", "who": "Acme", "sales": "6"},
    ]
    raw = raw_frame(rows, mapping)
    company_ids = decided_companies(raw, mapping)
    expected = standardize(raw, company_ids, mapping)
    assert len(expected.rejects) == 4
    for index in ([9, 8, 7, 6, 5], [0, 0, 1, 1, 1]):
        out = standardize(raw.set_axis(index), company_ids, mapping)
        pd.testing.assert_frame_equal(out.rejects, expected.rejects)
        pd.testing.assert_frame_equal(out.facts, expected.facts)


def test_rows_that_come_in_pieces_are_read_like_rows_in_one() -> None:
    mapping = mapping_of(months={"column": "m"}, currency={"column": "c"})
    pieces = [
        raw_frame([{"key": str(n), "who": "Acme", "m": m, "c": c, "sales": "1"}], mapping)
        for n, (m, c) in enumerate([("3", "USD"), ("6", "EUR"), ("3", "EUR"), (None, "USD")])
    ]
    run = run_frame(pd.concat(pieces), mapping)
    assert set(zip(run.out.facts["row_key"], run.out.facts["months"], run.out.facts["currency"], strict=True)) == {
        ("0", 3, "USD"),
        ("1", 6, "EUR"),
        ("2", 3, "EUR"),
    }
    assert run.reasons == {"3": "length_unknown"}
