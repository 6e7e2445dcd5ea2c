"""The real statements as tables FACTS: the composed services, the second provider, and two extracts of their cells.

Values are those that the mappings of `defs/sources` and of docs/your_own_source.md make, rounded as each service rounds
them; the companies are known by their CIK. Rejected cells and rows play no part here.
"""

import re
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import yaml

from finsync_pipeline import frames
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import FACTS

DOCS = Path(__file__).resolve().parents[1] / "docs" / "your_own_source.md"
_PIT_ITEMS = {
    "Revenue": "revenue",
    "NetIncome": "net_income",
    "OperatingCashFlow": "cash_from_operations",
    "StockholdersEquity": "equity",
    "Assets": "total_assets",
    "EPSDiluted": "eps_diluted",
}
_FACT = (
    "company_id, item, period_end, months, currency, value, source, row_key, 'v1' AS data_version, "
    "coalesce(known_since, DATE '2026-06-01') AS known_since, DATE '2026-06-01' AS first_seen"
)


def services(shared: Path) -> pd.DataFrame:
    """The composed services pnl, balance_sheet and cash_flow: about 103,000 facts of 2006 to 2010."""
    return _facts(
        f"""
        SELECT {_FACT} FROM (
            SELECT
                cik::VARCHAR AS company_id, item::VARCHAR AS item, period_end::DATE AS period_end,
                (quarters * 3)::BIGINT AS months, 'USD' AS currency, service::VARCHAR AS source,
                "row"::VARCHAR AS row_key, NULL::DATE AS known_since,
                CASE WHEN item LIKE 'eps%' THEN value WHEN service = 'pnl' THEN round(value, -3) ELSE value END AS value
            FROM read_parquet('{shared}/services/truth.parquet')
        )
        """
    )


def sec_extract(shared: Path) -> pd.DataFrame:
    """Another extract of the filings that the services are made of: the latest value of each cell, source `sec`."""
    return _facts(
        f"""
        SELECT {_FACT} FROM (
            SELECT
                cik::VARCHAR AS company_id, item::VARCHAR AS item, period_end::DATE AS period_end,
                (quarters * 3)::BIGINT AS months, unit[:3] AS currency, value, 'sec' AS source,
                accession || period_end::VARCHAR || quarters AS row_key, filed::DATE AS known_since
            FROM (SELECT * REPLACE (unit::VARCHAR AS unit) FROM read_parquet('{shared}/facts_long.parquet'))
            WHERE quarters < 5 AND unit SIMILAR TO '[A-Z]{{3}}'
            QUALIFY row_number() OVER (
                PARTITION BY cik, item, period_end, quarters, unit ORDER BY filed DESC, tag_rank, accession, value
            ) = 1
        )
        """
    )


def nyse(shared: Path) -> pd.DataFrame:
    """The second provider, by the mapping of docs/your_own_source.md: fiscal years 2012 to 2016."""
    mapping = nyse_mapping()
    columns = {declared.column: (item, declared.sign) for item, declared in mapping.items.items()}
    declared = pd.DataFrame([(name, *rest) for name, rest in columns.items()], columns=["name", "item", "sign"])
    names = ", ".join(frames.quoted(name) for name in columns)
    delivered = pd.read_csv(shared / "nyse_fundamentals.csv.gz").rename_axis("row").reset_index()
    return _facts(
        f"""
        SELECT {_FACT} FROM (
            SELECT
                cik::VARCHAR AS company_id, item, last_day("Period Ending" - 7) AS period_end,
                CASE WHEN list_contains({_instants()}, item) THEN 0 ELSE 12 END::BIGINT AS months,
                'USD' AS currency, amount * sign AS value, 'nyse' AS source, "row"::VARCHAR AS row_key,
                NULL::DATE AS known_since
            FROM (
                UNPIVOT (
                    SELECT "row", "Ticker Symbol", "Period Ending"::DATE AS "Period Ending", {names} FROM delivered
                )
                ON {names} INTO NAME name VALUE amount
            )
            JOIN declared USING (name)
            JOIN (
                SELECT "Ticker symbol" AS ticker, any_value(CIK) AS cik
                FROM read_csv('{shared}/nyse_securities.csv') GROUP BY ALL
            ) ON ticker = "Ticker Symbol"
            WHERE amount <> 0
            QUALIFY row_number() OVER (PARTITION BY cik, item, period_end ORDER BY "row") = 1
        )
        """,
        declared=declared,
        delivered=delivered,
    )


def as_first_filed(shared: Path, column: str = "original_value") -> pd.DataFrame:
    """Seven items of 40 companies, fiscal years 2011 to 2026, as first filed: source `pit`."""
    concepts = pd.DataFrame(list(_PIT_ITEMS.items()), columns=["concept", "item"])
    return _facts(
        f"""
        SELECT {_FACT} FROM (
            SELECT
                cik::VARCHAR AS company_id, item, last_day(period_end::DATE - 7) AS period_end,
                CASE WHEN list_contains({_instants()}, item) THEN 0 ELSE 12 END::BIGINT AS months, 'USD' AS currency,
                {column} AS value, 'pit' AS source, ticker || fiscal_year AS row_key, first_filed::DATE AS known_since
            FROM read_csv('{shared}/pit/pit_fundamentals_history.csv.gz') JOIN concepts USING (concept)
            WHERE value IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY cik, item, period_end ORDER BY first_filed, value) = 1
        )
        """,
        concepts=concepts,
    )


def nyse_mapping() -> SourceMapping:
    """The mapping of the second provider that docs/your_own_source.md works out."""
    return SourceMapping.model_validate(nyse_declaration())


def nyse_declaration() -> dict[str, Any]:
    """The attributes in the YAML of that mapping."""
    declaration = re.search(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert declaration is not None
    return dict(yaml.safe_load(declaration[1])["attributes"])


def _instants() -> str:
    return str([name for name, item in ITEMS.items() if item.kind == "instant"])


def _facts(sql: str, **tables: Any) -> pd.DataFrame:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        made = connection.sql(f"SELECT * FROM ({sql}) ORDER BY ALL").to_arrow_table()
    return FACTS.conform(frames.from_arrow(made))
