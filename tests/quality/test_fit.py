"""Whether a mapping fits what is delivered: too much that cannot be read stops the source, with examples."""

import json
from datetime import date
from typing import Any

import pandas as pd
import pytest
from factories import mapping_of

from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.quality.fit import check_cells, check_dates
from finsync_pipeline.statements.tables import REJECTS

MAPPING = mapping_of(
    months={"column": "span"}, items={"revenue": "sales", "net_income": "profit"}, expect={"required": ["net_income"]}
)


def rejects(count: int, reason: str, item: str | None = None, text: str = "n/m", **cells: Any) -> pd.DataFrame:
    """Entries of rejected rows, or of rejected cells of an item."""
    column = MAPPING.items[item].column if item else None
    raw_text = text if item else json.dumps({"key": "1", "ends": text, "span": text})
    row = {"source": "pnl", "quarter": date(2009, 10, 1), "outcome": "rejected", "stage": "cells", "cells": 1, **cells}
    return REJECTS.frame(
        {
            **row,
            "row_key": str(n),
            "row_number": n,
            "reason": reason,
            "item": item,
            "column": column,
            "raw_text": raw_text,
        }
        for n in range(count)
    )


@pytest.mark.parametrize(
    ("unreadable", "rows", "is_stopped"),
    [(0, 10, False), (2, 20, False), (3, 100, False), (5, 100, False), (6, 100, True), (3, 20, True), (1, 1, True)],
)
def test_period_ends_that_cannot_be_read_stop_a_source_beyond_the_limit(
    unreadable: int, rows: int, is_stopped: bool
) -> None:
    unassigned = rejects(unreadable, "date_unreadable", text="31-12-09")
    if not is_stopped:
        check_dates(MAPPING, unassigned, rows)
        return
    with pytest.raises(SourceInvalid) as error:
        check_dates(MAPPING, unassigned, rows)
    assert f"Source 'pnl': {unreadable} of {rows} period ends in column 'ends' could not be read" in str(error.value)
    assert "row 0, column 'ends': '31-12-09'" in str(error.value)
    assert "defs/sources/pnl/defs.yaml" in str(error.value)


def test_periods_outside_the_quarters_are_not_unreadable() -> None:
    check_dates(MAPPING, rejects(50, "outside_quarters"), 60)


def test_a_higher_limit_holds_but_never_for_most_of_a_column() -> None:
    lenient = mapping_of(months={"column": "span"}, expect={"unreadable": 0.4})
    check_dates(lenient, rejects(40, "date_unreadable"), 100)
    most = mapping_of(months={"column": "span"}, expect={"unreadable": 1.0})
    check_dates(most, rejects(50, "date_unreadable"), 100)
    with pytest.raises(SourceInvalid, match="more than 50%"):
        check_dates(most, rejects(51, "date_unreadable"), 100)


@pytest.mark.parametrize("reason", ["length_unknown", "currency_unknown", "scale_unknown", "known_since_unreadable"])
def test_rows_whose_context_cannot_be_read_stop_a_quarter(reason: str) -> None:
    with pytest.raises(SourceInvalid, match="8 of 100 rows could not be read in 2009-Q4"):
        check_cells(MAPPING, "2009-Q4", 100, ["net_income"] * 92, rejects(8, reason, text="twelve"))


def test_the_example_of_a_row_names_the_column_that_could_not_be_read() -> None:
    with pytest.raises(SourceInvalid, match="row 0, column 'span': 'twelve'; row 1, column 'span': 'twelve'; row 2"):
        check_cells(MAPPING, "2009-Q4", 10, ["net_income"], rejects(9, "length_unknown", text="twelve"))


def test_companies_that_are_not_listed_are_not_unreadable() -> None:
    check_cells(MAPPING, "2009-Q4", 100, ["net_income"] * 2, rejects(98, "company_unknown"))


def test_cells_that_are_no_numbers_stop_a_quarter_beyond_the_limit() -> None:
    used = ["revenue"] * 50 + ["net_income"] * 44
    check_cells(MAPPING, "2009-Q4", 50, used, rejects(4, "not_a_number", "net_income"))
    with pytest.raises(SourceInvalid, match="6 of 100 cells could not be read in 2009-Q4"):
        check_cells(MAPPING, "2009-Q4", 50, used, rejects(6, "not_a_number", "net_income"))


def test_a_column_of_which_most_cannot_be_read_stops_a_quarter_though_it_is_a_small_share_of_all_cells() -> None:
    used = ["revenue"] * 900 + ["net_income"] * 10
    with pytest.raises(SourceInvalid, match="20 of 30 cells of column 'profit' could not be read"):
        check_cells(MAPPING, "2009-Q4", 900, used, rejects(20, "not_a_number", "net_income", "1.234,5"))


def test_a_few_rows_do_not_stop_a_small_quarter() -> None:
    check_cells(MAPPING, "2009-Q4", 2, [], rejects(2, "length_unknown"))
    check_cells(MAPPING, "2009-Q4", 5, ["net_income"] * 3, rejects(2, "length_unknown"))


def test_a_required_item_without_a_value_stops_a_quarter() -> None:
    with pytest.raises(SourceInvalid) as error:
        check_cells(MAPPING, "2009-Q4", 10, ["revenue"] * 10, REJECTS.frame())
    assert "no row of 2009-Q4 has a value of net_income (column 'profit')" in str(error.value)
    check_cells(MAPPING, "2009-Q4", 10, ["revenue"] * 10, rejects(1, "same_value", "net_income"))
    check_cells(MAPPING, "2009-Q4", 0, [], REJECTS.frame())


def test_a_required_item_must_be_mapped() -> None:
    with pytest.raises(ValueError, match=r"expect\.required: cash is not one of the items"):
        mapping_of(expect={"required": ["cash"]})


def test_rows_of_companies_that_are_not_listed_do_not_make_a_required_item_empty() -> None:
    check_cells(MAPPING, "2009-Q4", 5, [], rejects(5, "company_unknown"))
