"""Numbers and results as pages show them: as the locale writes them, cells of any type, series of a chart."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from babel.numbers import format_decimal

from finsync_pipeline.serving.explorer.numbers import Numbers, written
from finsync_pipeline.serving.explorer.query_result import ChartChoice, chart_of, table_of

NUMBERS = Numbers("auto", "en")
NOT_CHOSEN = ChartChoice("", [], "", "")


@pytest.mark.parametrize("locale", ["en", "de", "fr", "es", "pl", "pt_PT", "ja", "hi", "en_IN"])
@pytest.mark.parametrize("value", [1234567.891, 0.125, 2.675, -1234.5, 1e20, 12.0, 0.00004, 999.995])
def test_numbers_are_written_as_the_locale_does(locale, value):
    pattern = "#,##,##0.######" if locale in ("hi", "en_IN") else "#,##0.######"
    assert written(value, locale, 6) == format_decimal(value, pattern, locale=locale)


def test_zero_has_no_sign():
    assert [written(value, "en") for value in (0.0, -0.0, -1e-9)] == ["0", "0", "0"]


def test_cells_of_any_type_are_shown_and_only_money_is_scaled():
    result = pa.table(
        {
            "revenue": [2.5e9, None],
            "margin": [0.25, float("inf")],
            "year": [2009, 12_345],
            "day": [date(2009, 12, 31), None],
            "parts": [[1, 2], None],
            "is_large": [True, False],
            "exact": [Decimal("1.50"), Decimal("2")],
        }
    )
    table = table_of(result, NUMBERS)
    assert [cell.text for cell in table.rows[0]] == ["2,500", "0.25", "2009", "2009-12-31", "[1, 2]", "true", "1.5"]
    assert [cell.text for cell in table.rows[1]] == ["\u2013", "inf", "12,345", "\u2013", "\u2013", "false", "2"]
    assert [column.unit for column in table.columns] == ["millions", *[""] * 6]
    assert table.rows[0][0].full == "2,500,000,000"


def test_only_the_first_rows_are_cells_and_all_are_counted():
    table = table_of(pa.table({"a": list(range(2_000))}), NUMBERS)
    assert (len(table.rows), table.count) == (500, 2_000)


def test_a_chart_has_a_series_for_each_text_and_a_gap_where_a_value_is_missing():
    result = pa.table(
        {
            "company": ["A", "B", "A", "B"],
            "day": [date(2010, 1, 1), date(2009, 1, 1), date(2009, 1, 1), date(2010, 1, 1)],
            "cash": [2.0, 5.0, None, 6.0],
            "parts": [[1]] * 4,
        }
    )
    chart = chart_of(result, ChartChoice("day", ["cash"], "company", ""))
    assert chart.choice.kind == "lines"
    assert chart.data["x"] == ["2009-01-01", "2010-01-01"]
    assert chart.data["series"] == [
        {"name": "A", "data": [(0, None), (1, 2.0)]},
        {"name": "B", "data": [(0, 5.0), (1, 6.0)]},
    ]
    assert "parts" not in chart.columns
    assert "the last one is drawn" in chart_of(result, NOT_CHOSEN).notes[0]


def test_without_numbers_there_is_no_chart():
    assert chart_of(pa.table({"name": ["A"]}), NOT_CHOSEN) is None
    assert chart_of(pa.table({"parts": [[1]]}), NOT_CHOSEN) is None
