"""Whatever a source delivers, every row and every cell is accounted for once, and the ledger says so."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from factories import decided_companies, mapping_of, raw_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from statements.standardized_rows import Run, run_frame

from finsync_pipeline import frames
from finsync_pipeline.quality.reconciliation import Imbalance, imbalances, make_ledger
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.standardize import StandardizedTables
from finsync_pipeline.statements.tables import LEDGER

MAPPING = mapping_of(
    company={"column": "who", "supporting_columns": {"name": "branch"}},
    months={"column": "length"},
    currency={"column": "money"},
    scale={"column": "unit", "values": {"ones": 1, "k": 1000}},
    known_since="filed",
    numbers={"thousands": ",", "brackets_are_negative": True, "null_words": ["-"]},
    items={
        "revenue": "sales",
        "cash": "cash",
        "eps_basic": {"column": "eps", "sign": -1},
        "sector": "branch",
    },
)
QUARTERS = [date(2009, 7, 1), date(2009, 10, 1), date(2010, 1, 1)]
ENDS = [date(2009, 9, 30), date(2009, 12, 31), date(2009, 11, 30)]  # the last quarter has no rows


def mostly(usual: str, *others: str | None) -> st.SearchStrategy[str | None]:
    """The usual text six times as often as all the others, so that many rows can be used."""
    return st.one_of(*[st.just(usual)] * 6, st.sampled_from(others))


CELL = st.sampled_from([None, "", " ", "-", "1", "1.0", "2", "(3)", "1,000", "12,34", "n/m", "1e18", "-0"])
ROW = st.fixed_dictionaries(
    {
        "key": st.sampled_from([None, "", " ", *map(str, range(14))]),
        "who": mostly("Acme", "Bolt", "Twin", "Odd", "Barred", "Nobody", " ", None),
        "length": mostly("12", "3", "5", "", None),
        "money": mostly("USD", "eur", "$", None),
        "unit": mostly("ones", "k", "dozen", None),
        "filed": mostly("2010-02-01", "2010-05-01", None, "", "soon"),
        "sales": CELL,
        "cash": CELL,
        "eps": CELL,
        "branch": st.sampled_from([None, "", "-", "Steel", " Steel", "Iron"]),
        "period_end": st.sampled_from(ENDS),
    }
)


@st.composite
def deliveries(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of several quarters, some of them repeated, most of them with a key of their own."""
    rows = draw(st.lists(ROW, max_size=40))
    if draw(st.booleans()):
        rows = [row | {"key": str(n)} for n, row in enumerate(rows)]
    copies = draw(st.lists(st.sampled_from(rows), max_size=6)) if rows else []
    return [row | {"ends": row["period_end"].isoformat()} for row in [*rows, *copies]]


def run_delivery(rows: list[dict[str, Any]]) -> Run:
    return run_frame(raw_frame(rows, MAPPING), MAPPING)


def ledger_of(run: Run, out: StandardizedTables | None = None) -> pd.DataFrame:
    return make_ledger(run.raw, out or run.out, MAPPING, QUARTERS, decided_companies(run.raw, MAPPING))


def delivered_rows(rows: list[dict[str, Any]]) -> dict[date, int]:
    return Counter(quarter_of(row["period_end"]) for row in rows)


def cells_with_a_value(run: Run) -> Counter[tuple[date, int, str]]:
    """(quarter, number of the row in it, column) of each cell that holds a value, counted in plain Python."""
    cells: Counter[tuple[date, int, str]] = Counter()
    for quarter, number, row in numbered_rows(run):
        cells.update((quarter, number, c) for c in MAPPING.item_of_column if (row[c] or "").strip() not in ("", "-"))
    return cells


def numbered_rows(run: Run) -> list[tuple[date, int, dict[str, Any]]]:
    seen: Counter[date] = Counter()
    rows = []
    for row in frames.to_arrow(run.raw).to_pylist():
        quarter = quarter_of(row["finsync_period_end"])
        rows.append((quarter, seen[quarter], row))
        seen[quarter] += 1
    return rows


def cells_accounted_for(run: Run) -> Counter[tuple[date, int, str]]:
    """The same from facts, texts and rejects: a refused row stands for all its cells."""
    filled = cells_with_a_value(run)
    columns = {item: column for column, item in MAPPING.item_of_column.items()}
    found: Counter[tuple[date, int, str]] = Counter()
    whole_rows = set()
    for reject in frames.to_arrow(run.out.rejects).to_pylist():
        place = (reject["quarter"], reject["row_number"])
        if reject["item"] is None:
            whole_rows.add(place)
            of_row = [cell for cell in filled if cell[:2] == place]
            assert reject["cells"] == len(of_row)
            found.update(of_row)
        else:
            assert reject["cells"] == 1
            found[*place, columns[reject["item"]]] += 1
    number_of_key = {
        (quarter, row["key"]): number
        for quarter, number, row in numbered_rows(run)
        if (quarter, number) not in whole_rows
    }
    for used in (run.out.facts, run.out.texts):
        for line in frames.to_arrow(used).to_pylist():
            quarter = quarter_of(line["period_end"])
            found[quarter, number_of_key[quarter, line["row_key"]], columns[line["item"]]] += 1
    return found


@settings(max_examples=20, deadline=None)
@given(deliveries())
def test_every_row_and_cell_is_accounted_for_once(rows: list[dict[str, Any]]) -> None:
    run = run_delivery(rows)
    ledger = ledger_of(run)
    assert imbalances(ledger, delivered_rows(rows)) == []
    filled = cells_with_a_value(run)
    assert cells_accounted_for(run) == filled
    assert ledger["quarter"].tolist() == QUARTERS
    assert ledger["rows_in"].sum() == len(rows)
    assert ledger["cells_empty"].sum() == len(rows) * len(MAPPING.items) - len(filled)
    facts = run.out.facts[["company_id", "item", "period_end", "months", "currency"]]
    assert not facts.duplicated().any()


@settings(max_examples=6, deadline=None)
@given(deliveries(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    one, other = run_delivery(rows).out, run_delivery(shuffled).out
    pd.testing.assert_frame_equal(one.facts, other.facts)
    pd.testing.assert_frame_equal(one.texts, other.texts)
    pd.testing.assert_frame_equal(one.rejects, other.rejects)


def row(key: str | None, **cells: Any) -> dict[str, Any]:
    usual = {"who": "Acme", "length": "12", "money": "USD", "unit": "ones", "period_end": date(2009, 12, 31)}
    return usual | {"key": key, "ends": "2009-12-31"} | cells


ROWS = [
    row("1", sales="1", cash="2", branch="Steel"),
    row("1", sales="1", cash="2", branch="Steel"),  # repeated, and the first is used
    row("2", sales="1", cash="n/m"),  # superseded, and a cell refused
    row("3", sales="1"),  # superseded alone
    row("3", sales="1"),  # repeated
    row("4", who="Nobody", sales="1", cash="1"),
    row("5"),  # without values
    row("6", who="Bolt", sales="n/m"),
    row("1", sales="7", period_end=date(2009, 9, 30), ends="2009-09-30"),
]


@pytest.fixture(scope="module")
def run() -> Run:
    return run_delivery(ROWS)


def test_the_ledger_counts_rows_and_cells_by_outcome(run: Run) -> None:
    third, fourth, none = frames.to_arrow(ledger_of(run)).to_pylist()
    assert third == {
        "source": "pnl",
        "quarter": date(2009, 7, 1),
        "data_version": "v1",
        "mapping_hash": MAPPING.hash,
        "rules": MAPPING.RULES,
        "reference_version": "r1",
        "review_version": "v1",
        **{"rows_in": 1, "rows_used": 1, "rows_rejected": 0, "rows_superseded": 0},
        **{"cells_in": 4, "cells_used": 1, "cells_rejected": 0, "cells_superseded": 0, "cells_empty": 3},
    }
    assert fourth == third | {
        "quarter": date(2009, 10, 1),
        **{"rows_in": 8, "rows_used": 1, "rows_rejected": 4, "rows_superseded": 3},
        **{"cells_in": 32, "cells_used": 3, "cells_rejected": 4, "cells_superseded": 6, "cells_empty": 19},
    }
    assert none == dict.fromkeys(third, 0) | {
        "source": "pnl",
        "quarter": date(2010, 1, 1),
        "data_version": "",
        "mapping_hash": MAPPING.hash,
        "rules": MAPPING.RULES,
        "reference_version": "",
        "review_version": "",
    }


def test_the_ledger_is_in_the_schema_of_its_table(run: Run) -> None:
    for quarters in (QUARTERS, []):
        ledger = make_ledger(run.raw, run.out, MAPPING, quarters, decided_companies(run.raw, MAPPING))
        assert frames.to_arrow(ledger).schema == LEDGER.arrow
        assert len(ledger) == len(quarters)


def test_no_rows_reconcile() -> None:
    empty = run_delivery([])
    assert imbalances(ledger_of(empty), {}) == []
    assert len(ledger_of(empty)) == len(QUARTERS)


LAST = date(2009, 10, 1)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(
            lambda out: replace(out, facts=out.facts.iloc[1:]),
            [Imbalance(LAST, "cells in", 32, 31)],
            id="a fact is lost",
        ),
        pytest.param(
            lambda out: replace(out, facts=out.facts[out.facts["value"] != 7.0]),
            [Imbalance(date(2009, 7, 1), "rows in", 1, 0), Imbalance(date(2009, 7, 1), "cells in", 4, 3)],
            id="the only fact of a row is lost",
        ),
        pytest.param(
            lambda out: replace(out, texts=out.texts.head(0)),
            [Imbalance(LAST, "cells in", 32, 31)],
            id="a text is lost",
        ),
        pytest.param(
            lambda out: replace(out, facts=pd.concat([out.facts, out.facts.head(1)])),
            [Imbalance(LAST, "cells in", 32, 33)],
            id="a fact is there twice",
        ),
        pytest.param(
            lambda out: replace(out, facts=pd.concat([out.facts, out.facts.head(1).assign(row_key="99")])),
            [Imbalance(LAST, "rows in", 8, 9), Imbalance(LAST, "cells in", 32, 33)],
            id="a fact is invented",
        ),
        pytest.param(
            lambda out: replace(out, facts=out.facts.assign(period_end=ENDS[1])),
            [
                Imbalance(date(2009, 7, 1), "rows in", 1, 0),
                Imbalance(date(2009, 7, 1), "cells in", 4, 3),
                Imbalance(LAST, "cells in", 32, 33),
            ],
            id="a fact is moved to another quarter",
        ),
        pytest.param(
            lambda out: replace(out, rejects=out.rejects[out.rejects["reason"] != "company_unknown"]),
            [Imbalance(LAST, "rows in", 8, 7), Imbalance(LAST, "cells in", 32, 30)],
            id="a refused row is lost",
        ),
        pytest.param(
            lambda out: replace(out, rejects=out.rejects[out.rejects["reason"] != "row_without_values"]),
            [Imbalance(LAST, "rows in", 8, 7)],
            id="a row without values is lost",
        ),
        pytest.param(
            lambda out: replace(out, rejects=out.rejects.assign(cells=out.rejects["cells"] * 2)),
            [Imbalance(LAST, "cells in", 32, 42)],
            id="a reject counts its cells wrongly",
        ),
    ],
)
def test_what_is_lost_or_added_is_found(run: Run, spoil: Any, expected: list[Imbalance]) -> None:
    assert imbalances(ledger_of(run), delivered_rows(ROWS)) == []
    assert imbalances(ledger_of(run, spoil(run.out)), delivered_rows(ROWS)) == expected


@pytest.mark.parametrize("column", [name for name in LEDGER.arrow.names if name.startswith(("rows_", "cells_"))])
def test_a_ledger_with_one_count_changed_does_not_reconcile(run: Run, column: str) -> None:
    ledger = ledger_of(run)
    found = imbalances(ledger.assign(**{column: ledger[column] + 1}), delivered_rows(ROWS))
    assert {imbalance.quarter for imbalance in found} == set(QUARTERS)
    assert {imbalance.what.split()[0] for imbalance in found} == {column.split("_")[0]}


@pytest.mark.parametrize("rows", [7, 9, 0])
def test_other_rows_than_the_inventory_counts_are_found(run: Run, rows: int) -> None:
    counted = delivered_rows(ROWS) | {LAST: rows}
    assert imbalances(ledger_of(run), counted) == [Imbalance(LAST, "rows delivered", rows, 8)]


def test_rows_of_a_quarter_that_the_inventory_lacks_are_found(run: Run) -> None:
    assert imbalances(ledger_of(run), {LAST: 8}) == [Imbalance(date(2009, 7, 1), "rows delivered", 0, 1)]


def test_an_imbalance_shows_where_and_by_how_much() -> None:
    imbalance = Imbalance(LAST, "cells in", 1200, 1199)
    assert str(imbalance) == "2009-10-01: cells in 1,200, accounted for 1,199"


def test_a_snapped_period_end_is_counted_in_its_quarter() -> None:
    day = date(2010, 1, 1) - timedelta(days=1)
    snapped = run_delivery([row("1", sales="1", period_end=day, ends="2010-01-02")])
    assert ledger_of(snapped)["rows_used"].tolist() == [0, 1, 0]
