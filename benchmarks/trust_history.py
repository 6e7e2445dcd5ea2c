"""Unit errors that a later filing corrected: how many are suspect when they arrive, before the correction is known.

The versions are the raw facts of `scale/fsds_num.parquet`, by tag, without those of segments and subsidiaries; which of
them are wrong is in `revisions.csv.gz`; in four cases the later one is. Of the 30 outside the large filing, 27
are numbers of shares, of which the standard items have none. Numbers of shares and amounts per share are no money.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from benchmarks.figure import Figure
from finsync_pipeline.quality.history import history

LARGE_FILING = "0000055785-10-000019"
"""It has 123 of the 153 unit errors."""
_VERSIONS = """
    CREATE TABLE versions AS
    SELECT
        cik::VARCHAR AS company_id, tag || CASE WHEN uom SIMILAR TO '[A-Z]{{3}}' THEN '' ELSE ' ' || uom END AS item,
        tag, strptime(ddate::VARCHAR, '%Y%m%d')::DATE AS period_end, (qtrs * 3)::BIGINT AS months, uom AS currency,
        any_value(value) AS value, 'sec' AS source, adsh AS row_key, 'v1' AS data_version,
        strptime(filed::VARCHAR, '%Y%m%d')::DATE AS known_since, known_since AS first_seen, NULL::DATE AS replaced_on
    FROM read_parquet('{shared}/scale/fsds_num.parquet') AS facts
    JOIN read_parquet('{shared}/scale/fsds_sub.parquet') AS filings USING (adsh)
    WHERE value IS NOT NULL AND qtrs <= 4 AND coalesce(segments, '') = '' AND coalesce(coreg, '') = ''
    GROUP BY ALL
"""
_FLAGGED = """
    CREATE TABLE flagged AS
    SELECT
        kind, first_acc AS filing,
        -- The later version is the wrong one if it has more shares than any of these companies
        CASE WHEN unit = 'shares' AND last.value > greatest(1e11, first.value) THEN last.why ELSE first.why END
        IS NOT NULL AS is_flagged
    FROM read_csv('{shared}/revisions.csv.gz') AS revised
    JOIN history AS first
        ON first.row_key = first_acc AND first.company_id = cik::VARCHAR AND first.tag = revised.tag
        AND first.period_end = revised.period_end AND first.months = quarters * 3 AND first.currency = unit
    JOIN history AS last
        ON last.row_key = last_acc AND last.company_id = cik::VARCHAR AND last.tag = revised.tag
        AND last.period_end = revised.period_end AND last.months = quarters * 3 AND last.currency = unit
"""
_ALARMS = """
    SELECT 100 * avg((why IS NOT NULL)::INT) FROM history ANTI JOIN (
        SELECT
            cik::VARCHAR AS company_id, tag, period_end, quarters * 3 AS months, unit AS currency, first_acc AS row_key
        FROM read_csv('{shared}/revisions.csv.gz') WHERE kind <> 'restated'
    ) USING (company_id, tag, period_end, months, currency, row_key)
"""


def figures(shared: Path) -> Iterator[Figure]:
    """The share of the unit errors that were suspect before their correction, against all other facts that were."""
    with duckdb.connect() as connection:
        connection.execute(_VERSIONS.format(shared=shared))
        items = connection.sql("SELECT DISTINCT item, item NOT LIKE '% %' AS is_money FROM versions").df()
        history(connection, connection.table("versions"), items).create("history")
        connection.execute(_FLAGGED.format(shared=shared))

        def number(sql: str) -> float:
            return float(connection.sql(sql).fetchall()[0][0])

        def share(where: str) -> float:
            return number(f"SELECT 100 * avg(is_flagged::INT) FROM flagged WHERE {where}")

        yield Figure(
            "trust, history: unit errors flagged before the correction", share("kind = 'unit_scale'"), ">=", 85, "%"
        )
        others = f"kind = 'unit_scale' AND filing <> '{LARGE_FILING}'"
        yield Figure("trust, history: those of the 30 other filings", share(others), ">=", 50, "%")
        yield Figure("trust, history: signs", share("kind = 'sign_flip'"), unit="%")
        yield Figure("trust, history: other facts flagged", number(_ALARMS.format(shared=shared)), "<=", 0.3, "%")
