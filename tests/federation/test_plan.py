"""What DuckDB's explanation of a query is read as: for each shape the scans, their columns and conditions.

The text of an explanation is no interface of DuckDB. With another version these tests show what is read otherwise.
"""

import json
from typing import Any

import pytest
from sqlglot import exp

from finsync_pipeline.federation import plan
from finsync_pipeline.federation.plan import Scan, scans_of
from finsync_pipeline.federation.schema import VIEWS

JOINED = "income_statement AS i {} JOIN balance_sheet AS b USING (company_id, period_end)"
SHAPES = {
    "SELECT company_id FROM facts WHERE company_id = '1002' AND value > 5": [
        "facts company_id value: company_id = '1002' & value > 5.0"
    ],
    "SELECT count(*) FROM facts": ["facts company_id"],
    "SELECT source FROM income_statement WHERE revenue > 1e6 OR net_income IS NULL": [
        "income_statement net_income revenue source: (net_income IS NULL) OR (revenue > 1000000.0)"
    ],
    "SELECT revenue FROM income_statement WHERE NOT (revenue > 5 AND net_income < 3)": [
        "income_statement net_income revenue: (revenue <= 5.0) OR (net_income >= 3.0)"
    ],
    "SELECT revenue FROM income_statement WHERE year(period_end) = 2009": [
        "income_statement period_end revenue: "
        "period_end BETWEEN CAST('2009-01-01' AS DATE) AND CAST('2009-12-31' AS DATE)"
    ],
    "SELECT revenue FROM income_statement WHERE company_id LIKE 'A%' AND source NOT LIKE '%x'": [
        "income_statement company_id revenue source: NOT SUFFIX(source, 'x') & PREFIX(company_id, 'A')"
    ],
    "SELECT revenue FROM income_statement WHERE company_id ILIKE 'a%'": [
        "income_statement company_id revenue: company_id ILIKE 'a%'"
    ],
    "SELECT revenue FROM income_statement WHERE currency IN ('USD', 'EUR') AND months NOT IN (3, 6)": [
        "income_statement currency months revenue: NOT (months IN (3, 6)) & currency IN ('USD', 'EUR')"
    ],
    "SELECT revenue FROM income_statement WHERE revenue / 2 > 10": ["income_statement revenue: (revenue / 2.0) > 10.0"],
    "SELECT revenue FROM income_statement WHERE revenue > random()": ["income_statement revenue"],
    "SELECT company_id FROM facts WHERE company_id || uuid() > 'a' AND currency = 'USD'": [
        "facts company_id currency: currency = 'USD'"
    ],
    f"SELECT revenue, equity FROM {JOINED.format('')} WHERE company_id = '1002'": [
        "income_statement company_id period_end revenue: company_id = '1002'",
        "balance_sheet company_id equity period_end: company_id = '1002'",
    ],
    f"SELECT revenue, equity FROM {JOINED.format('FULL')} WHERE company_id = '1002'": [
        "income_statement company_id period_end revenue: company_id = '1002'",
        "balance_sheet company_id equity period_end: company_id = '1002'",
    ],
    f"SELECT i.company_id, equity FROM {JOINED.format('FULL')} WHERE equity > 7 AND i.currency = 'USD'": [
        "income_statement company_id currency period_end: currency = 'USD'",
        "balance_sheet company_id equity period_end: equity > 7.0",
    ],
    "SELECT revenue FROM income_statement i LEFT JOIN balance_sheet b ON i.source = b.source AND equity > 7": [
        "balance_sheet equity source: equity > 7.0",
        "income_statement revenue source",
    ],
    "SELECT name FROM companies WHERE company_id IN (SELECT company_id FROM facts WHERE item = 'revenue')": [
        "facts company_id item: item = 'revenue'",
        "companies company_id name",
    ],
    "SELECT name FROM companies c WHERE NOT EXISTS (FROM facts f WHERE f.company_id = c.company_id AND value < 0)": [
        "facts company_id value: NOT company_id IS NULL & value < 0.0",
        "companies company_id name",
    ],
    "SELECT company_id AS currency FROM facts WHERE company_id = 'USD'": ["facts company_id: company_id = 'USD'"],
    "SELECT * FROM (SELECT source, item FROM facts UNION ALL SELECT item, source FROM facts) WHERE source = 'feed'": [
        "facts item source: source = 'feed'",
        "facts item source: item = 'feed'",
    ],
    "WITH t AS (SELECT company_id, value FROM facts WHERE item = 'cash') FROM t a JOIN t b USING (company_id)": [
        "facts company_id item value: item = 'cash'"
    ],
    "SELECT company_id, max(value) FROM facts GROUP BY 1 HAVING company_id = '1002' AND max(value) > 5": [
        "facts company_id value: company_id = '1002'"
    ],
    "SELECT company_id, rank() OVER (PARTITION BY company_id ORDER BY value) r FROM facts QUALIFY company_id = '1'": [
        "facts company_id value: company_id = '1'"
    ],
    "SELECT company_id FROM facts ORDER BY value DESC LIMIT 3": ["facts company_id value"],
    "SELECT a.value FROM facts a JOIN facts b ON a.source = b.source WHERE a.item = 'cash' AND b.item = 'equity'": [
        "facts item source value: item = 'cash'",
        "facts item source: item = 'equity'",
    ],
    "SELECT * FROM (SELECT item AS source, source AS item FROM facts) WHERE source = 'cash'": [
        "facts item source: item = 'cash'"
    ],
    "SELECT company_id FROM facts WHERE 1 = 0": [],
}


def shown(scan: Scan) -> str:
    """`facts company_id value: value > 5.0`"""
    columns = " ".join(sorted(scan.columns)) if scan.columns is not None else "all"
    conditions = sorted(each.sql(dialect="duckdb").replace('"', "") for each in scan.conditions)
    return f"{scan.view} {columns}" + (f": {' & '.join(conditions)}" if conditions else "")


@pytest.mark.parametrize("sql", SHAPES)
def test_columns_and_conditions_of_each_scan(sql: str) -> None:
    assert [shown(scan) for scan in scans_of(sql)] == SHAPES[sql]


def explained_as(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Change each node that DuckDB explains."""

    def changed(text: str) -> Any:
        return [_each_changed(root, change) for root in json.loads(text)]

    monkeypatch.setattr(plan, "json", type("Json", (), {"loads": staticmethod(changed)}))


def _each_changed(node: dict[str, Any], change: Any) -> dict[str, Any]:
    return change({**node, "children": [_each_changed(child, change) for child in node["children"]]})


def test_scans_without_names_of_columns_read_every_view_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    explained_as(monkeypatch, lambda node: node | {"extra_info": {}})
    assert scans_of("SELECT value FROM facts WHERE value > 5") == [Scan(view, None) for view in VIEWS]


def test_a_filter_that_cannot_be_read_is_no_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    garbled = {"extra_info": {"Expression": ["<<value>> ~~ 5", "(value > 'a", "other > 5", "(value > 5.0)"]}}
    explained_as(monkeypatch, lambda node: node | garbled if node["name"].strip() == "FILTER" else node)
    assert [shown(scan) for scan in scans_of("SELECT value FROM facts WHERE value > 7")] == ["facts value: value > 5.0"]


def test_a_filter_that_stands_elsewhere_is_no_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    explained_as(monkeypatch, lambda node: node | {"name": node["name"].replace("FILTER", "SIEVE")})
    assert [shown(scan) for scan in scans_of("SELECT value FROM facts WHERE value > 7")] == ["facts value"]


def test_a_name_is_not_taken_for_a_column_where_the_query_renames_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    unmarked = {"extra_info": {"Expression": "(source = 'cash')"}}
    explained_as(monkeypatch, lambda node: node | unmarked if node["name"].strip() == "FILTER" else node)
    sql = "SELECT * FROM (SELECT item AS source, source AS item FROM facts) WHERE source = 'cash'"
    assert [scan.conditions for scan in scans_of(sql)] == [()]


def test_conditions_are_over_the_columns_of_the_view() -> None:
    [scan] = scans_of("SELECT t.value FROM facts AS t WHERE t.value > 5")
    assert [column.sql() for condition in scan.conditions for column in condition.find_all(exp.Column)] == ['"value"']
