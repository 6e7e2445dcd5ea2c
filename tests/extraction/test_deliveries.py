"""Deliveries over time: when a row was first delivered, and what a source delivers no more."""

from datetime import date
from typing import Any

import pandas as pd
import pytest
from factories import FIRST_SEEN, decided_companies, mapping_of, raw_frame

from finsync_pipeline import frames
from finsync_pipeline.extraction.deliveries import compare_deliveries
from finsync_pipeline.statements.standardize import standardize
from finsync_pipeline.statements.tables import earlier_raw_table, raw_table

MAPPING = mapping_of()
SECOND, THIRD = date(2026, 2, 1), date(2026, 3, 1)
NOTHING = raw_table(MAPPING).frame(), earlier_raw_table(MAPPING).frame()


def rows(*sales: str) -> pd.DataFrame:
    """Rows as a source delivers them: their keys are their places."""
    raw = raw_frame([{"key": str(n), "who": "Acme", "sales": cell} for n, cell in enumerate(sales, 1)], MAPPING)
    return raw.drop(columns="finsync_first_seen")


def deliveries(*delivered: tuple[date, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is stored after these deliveries, one after the other."""
    stored = NOTHING
    for day, frame in delivered:
        stored = compare_deliveries(frame, *stored, day)
    return stored


def cells_of(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return list(frame[["key", "sales", *columns]].itertuples(index=False, name=None))


def test_a_row_keeps_the_day_of_its_first_delivery_and_a_changed_one_has_a_new_day():
    raw, earlier = deliveries((FIRST_SEEN, rows("5", "7")), (SECOND, rows("5", "8")))
    assert cells_of(raw, "finsync_first_seen") == [("1", "5", FIRST_SEEN), ("2", "8", SECOND)]
    assert cells_of(earlier, "finsync_first_seen", "finsync_replaced_on") == [("2", "7", FIRST_SEEN, SECOND)]


def test_what_was_delivered_before_is_kept_through_all_later_deliveries():
    _, earlier = deliveries((FIRST_SEEN, rows("5")), (SECOND, rows("6")), (THIRD, rows()))
    assert cells_of(earlier, "finsync_replaced_on") == [("1", "5", SECOND), ("1", "6", THIRD)]


def test_the_same_delivery_again_changes_nothing():
    once = deliveries((FIRST_SEEN, rows("5", "7")), (SECOND, rows("5", "8")))
    again = compare_deliveries(rows("5", "8"), *once, SECOND)
    assert [frame.equals(before) for frame, before in zip(again, once, strict=True)] == [True, True]


def test_a_row_of_a_run_that_was_killed_between_its_two_tables_is_not_gone():
    before = deliveries((FIRST_SEEN, rows("5")))
    _, earlier = compare_deliveries(rows("6"), *before, SECOND)  # this one was written, and raw was not
    raw, earlier = compare_deliveries(rows("5"), before[0], earlier, THIRD)
    assert cells_of(raw, "finsync_first_seen") == [("1", "5", FIRST_SEEN)]
    assert len(earlier) == 0


def test_a_row_that_comes_back_has_a_new_day_and_its_earlier_time_is_kept():
    raw, earlier = deliveries((FIRST_SEEN, rows("5")), (SECOND, rows()), (THIRD, rows("5")))
    assert cells_of(raw, "finsync_first_seen") == [("1", "5", THIRD)]
    assert cells_of(earlier, "finsync_first_seen", "finsync_replaced_on") == [("1", "5", FIRST_SEEN, SECOND)]


@pytest.mark.parametrize("cell", ["7", "n/a", "-"])
def test_the_facts_have_what_is_delivered_and_the_versions_all_that_ever_was(cell: str):
    raw, earlier = deliveries((FIRST_SEEN, rows("5")), (SECOND, rows(cell)))
    made = standardize(raw, decided_companies(pd.concat([raw, earlier]), MAPPING), MAPPING, earlier)
    versions = frames.to_arrow(made.versions[["value", "known_since", "replaced_on"]]).to_pylist()
    now = [{"value": 7.0, "known_since": SECOND, "replaced_on": None}] if cell == "7" else []
    assert versions == [{"value": 5.0, "known_since": FIRST_SEEN, "replaced_on": SECOND}, *now]
    assert made.facts["value"].tolist() == [line["value"] for line in now]
