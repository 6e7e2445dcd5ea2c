"""The real statements of each filing: what was known on either side of every filing date, and as first filed."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from finsync_pipeline.quality.history import history, make_macros

KEYS = ["company_id", "item", "period_end", "months", "currency"]
_VERSIONS = """
    SELECT DISTINCT
        cik::VARCHAR AS company_id, item::VARCHAR AS item, period_end::DATE AS period_end,
        (quarters * 3)::BIGINT AS months, left(unit::VARCHAR, 3) AS currency, value, 'sec' AS source,
        accession AS row_key, 'v1' AS data_version, filed::DATE AS known_since, DATE '2026-01-02' AS first_seen,
        NULL::DATE AS replaced_on
    FROM read_parquet('{file}')
    WHERE quarters < 5 AND unit NOT LIKE 'sh%' AND value IS NOT NULL
"""


@pytest.fixture(scope="module")
def filed(shared_data: Path):
    """A connection with every vintage of the real facts as the table `versions`, and their history."""
    with duckdb.connect() as connection:
        connection.sql(_VERSIONS.format(file=shared_data / "facts_long.parquet")).create("versions")
        history(connection, connection.table("versions")).create("history")
        make_macros(connection)
        yield connection


def by_hand(versions: pd.DataFrame, day: date) -> pd.DataFrame:
    """The values of each cell on the last day, up to this one, on which it was filed; null where these differ."""
    known = versions[versions["known_since"] <= pd.Timestamp(day)]
    newest = known[known["known_since"] == known.groupby(KEYS)["known_since"].transform("max")]
    found = newest.groupby(KEYS)["value"].agg(["min", "max"]).reset_index()
    return found.assign(value=found["min"].where(found["min"] == found["max"]))[[*KEYS, "value"]]


@pytest.mark.long
def test_on_either_side_of_every_filing_date_there_is_exactly_what_was_filed_by_then(filed):
    versions = filed.sql("SELECT * FROM versions").df()
    days = [day for (day,) in filed.sql("SELECT DISTINCT known_since FROM versions ORDER BY 1").fetchall()]
    assert len(days) > 100
    # Each day once: the day before a filing date is the day after the one before it, as far as filings go
    for day in (days[0] - timedelta(days=1), *days):
        expected = by_hand(versions, day)
        filed.register("expected", expected)
        names = ", ".join([*KEYS, "value"])
        found = f"SELECT {names} FROM as_of(DATE '{day}', suspects := 'as filed')"
        wanted = "SELECT * REPLACE (period_end::DATE AS period_end) FROM expected"
        assert filed.sql(f"({found} EXCEPT {wanted}) UNION ALL ({wanted} EXCEPT {found})").fetchall() == [], day


@pytest.mark.long
def test_without_suspects_the_table_differs_in_these_alone(filed):
    [(last,)] = filed.sql("SELECT max(known_since) FROM versions").fetchall()
    names = ", ".join([*KEYS, "value"])
    other = filed.sql(
        f"""
        SELECT {names} FROM as_of(DATE '{last}', suspects := 'as filed') EXCEPT SELECT {names} FROM as_of(DATE '{last}')
        """
    )
    assert len(other) > 0
    suspect = filed.sql(
        "SELECT DISTINCT company_id, item, period_end, months, currency FROM history WHERE why IS NOT NULL"
    )
    assert other.join(suspect, ", ".join(KEYS), how="anti").fetchall() == []


@pytest.mark.long
def test_a_value_is_absent_before_its_first_filing_and_the_original_one_from_then_on(shared_data: Path):
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            CREATE TABLE history AS
            SELECT
                ticker AS company_id, concept AS item, period_end::DATE AS period_end, 12::BIGINT AS months,
                'USD' AS currency, 'pit' AS source, original_value AS value, fiscal_year::VARCHAR AS row_key,
                'v1' AS data_version, first_filed::DATE AS known_since, DATE '2026-10-01' AS first_seen,
                NULL::DATE AS replaced_on, NULL::DOUBLE AS factor, NULL::VARCHAR AS why
            FROM read_csv('{shared_data}/pit/pit_fundamentals_history.csv.gz')
            WHERE original_value IS NOT NULL AND first_filed::DATE < DATE '2026-09-30'
            QUALIFY row_number() OVER (PARTITION BY ticker, concept, period_end ORDER BY first_filed) = 1
            """
        )
        # The value of today, known since the day on which it was first seen
        connection.execute(
            f"""
            INSERT INTO history
            SELECT history.* REPLACE (latest_value AS value, first_seen AS known_since)
            FROM history JOIN read_csv('{shared_data}/pit/pit_fundamentals_history.csv.gz') AS filed
                ON company_id = ticker AND item = concept AND history.period_end = filed.period_end::DATE
                    AND known_since = first_filed::DATE
            WHERE restated
            """
        )
        make_macros(connection)
        rows = connection.sql("SELECT DISTINCT known_since FROM history WHERE known_since < first_seen").fetchall()
        assert len(rows) > 300
        for (day,) in rows[::10]:
            wrong = connection.execute(
                """
                SELECT * FROM (SELECT * FROM history WHERE known_since < first_seen) AS filed
                FULL JOIN as_of($day) AS known USING (company_id, item, period_end)
                WHERE (filed.known_since <= $day) IS DISTINCT FROM coalesce(known.value = filed.value, FALSE)
                """,
                {"day": day},
            ).fetchall()
            assert wrong == [], day
