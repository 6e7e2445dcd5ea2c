"""Derived values of real statements: against quarters that are published, and against the SEC's fiscal quarters."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from finsync_pipeline.aggregation.derived import derived_sql
from finsync_pipeline.aggregation.fiscal_years import fiscal_years_sql
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS

KEYS = "company_id, period_end, months, currency"
FILED = """
    SELECT
        cik::VARCHAR AS company_id, item::VARCHAR AS item, period_end::DATE AS period_end,
        (quarters * 3)::BIGINT AS months, left(unit::VARCHAR, 3) AS currency,
        arg_max(value, (filed, accession)) AS value
    FROM '{folder}/facts_long.parquet'
    WHERE quarters < 5 AND unit NOT LIKE 'sh%' AND value IS NOT NULL
    GROUP BY ALL
"""
FIRST_FILED = """
    WITH facts AS (
        SELECT
            ticker AS company_id, item, rank, left(unit, 3) AS currency, val AS value, filed, "end"::DATE AS day,
            round(("end"::DATE - nullif(start, '')::DATE + 1) / 91.3)::BIGINT * 3 AS months
        FROM '{folder}/scale/companyfacts_6.parquet' JOIN items USING (tag)
        WHERE form IN ('10-Q', '10-K') AND unit NOT LIKE '%share%'
    )
    SELECT
        company_id, item, last_day(day - 10) AS period_end, months, currency, arg_min(value, (filed, rank)) AS value
    FROM facts
    WHERE months IN (3, 6, 9, 12)
    GROUP BY ALL
"""
"""A year of 52 weeks ends in the last days of a month, or in the first of the next: all count to the same month end."""
CLOSE = "abs(derived.value - cells.value) <= 0.001 * greatest(abs(derived.value), abs(cells.value))"


@pytest.fixture
def connection(shared_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    tags = [(tag, item.name, rank) for item in ITEMS.values() for rank, tag in enumerate(item.us_gaap)]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE items (tag VARCHAR, item VARCHAR, rank INT)")
        connection.executemany("INSERT INTO items VALUES (?, ?, ?)", tags)
        yield connection


def wide(condition: str) -> str:
    """The table `cells` under this condition as a wide table FINANCIALS."""
    columns = ", ".join(f"max(value) FILTER (item = '{item}') AS {item}" for item in NUMERIC_ITEMS)
    return f"(SELECT {KEYS}, 0 AS disputed, 0 AS withheld, {columns} FROM cells WHERE {condition} GROUP BY {KEYS})"


@pytest.mark.parametrize(
    ("statements", "at_least", "equal_at_least", "close_at_least"),
    [
        # The first quarters are known from the reports of the next year alone, many of them restated
        pytest.param(FILED, 4000, 0.82, 0.87, id="532 companies, latest value"),
        pytest.param(FIRST_FILED, 1000, 0.90, 0.93, id="5 companies until 2026, first value"),
    ],
)
def test_quarters_that_are_published_are_what_would_be_derived(
    connection: duckdb.DuckDBPyConnection,
    shared_data: Path,
    record_property: Callable[[str, object], None],
    request: pytest.FixtureRequest,
    statements: str,
    at_least: int,
    equal_at_least: float,
    close_at_least: float,
) -> None:
    connection.sql(statements.format(folder=shared_data)).create("cells")
    longer = "SELECT company_id, item, currency, period_end FROM cells WHERE months > 3"
    hidden = f"months = 3 AND (company_id, item, currency, period_end) IN ({longer})"
    [(count, equal, close)] = connection.sql(
        f"""
        SELECT count(*), count(*) FILTER (derived.value = cells.value), count(*) FILTER ({CLOSE})
        FROM ({derived_sql(wide(f"NOT ({hidden})"))}) AS derived
        JOIN cells USING (company_id, item, period_end, months, currency)
        WHERE kind = 'quarter'
        """
    ).fetchall()
    figures = f"{count:,} published quarters derived: {equal / count:.1%} equal, {close / count:.1%} within 0.1 %"
    record_property("figures", f"{request.node.callspec.id}: {figures}")

    assert count > at_least
    assert equal / count > equal_at_least
    assert close / count > close_at_least


def test_fiscal_quarters_are_those_that_the_filings_state(
    connection: duckdb.DuckDBPyConnection, shared_data: Path, record_property: Callable[[str, object], None]
) -> None:
    connection.sql(FILED.format(folder=shared_data)).create("cells")
    counts = connection.sql(
        f"""
        WITH stated AS (
            SELECT DISTINCT
                cik::VARCHAR AS company_id, last_day(strptime(period, '%Y%m%d')::DATE) AS period_end,
                left(fye, 2) <= '03' AS ends_in_first_months, fy::INT AS year,
                CASE WHEN fp = 'FY' THEN 4 ELSE fp[2]::INT END AS quarter
            FROM '{shared_data}/scale/fsds_sub.parquet'
            WHERE form IN ('10-K', '10-Q') AND fy <> ''
        )
        SELECT
            ends_in_first_months, count(*), count(*) FILTER (quarter = fiscal_quarter),
            count(*) FILTER (year = fiscal_year - ends_in_first_months::INT)
        FROM stated JOIN ({fiscal_years_sql("cells")}) USING (company_id, period_end)
        WHERE NOT is_year_end_assumed
        GROUP BY ALL
        """
    ).fetchall()
    count, same_quarter, same_year = (sum(column) for column in list(zip(*counts, strict=True))[1:])
    figures = f"{same_quarter:,} fiscal quarters and {same_year:,} fiscal years are those stated"
    record_property(
        "figures", f"of {count:,} filings {figures}; a year that ends until March is stated as the year before"
    )

    assert len(counts) == 2
    assert count > 1000
    assert same_quarter / count > 0.99
    assert same_year / count > 0.99
