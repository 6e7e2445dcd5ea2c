"""Queries that a source's SQL answers otherwise than DuckDB, or that DuckDB explains otherwise than it runs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from federation.compared_answers import answer_and_difference, difference, live_answer, right_answer
from federation.random_conditions import VIEW_NAMES
from federation.random_queries import RandomQuery
from federation.small_deployment import Compared, serving_small
from federation.small_sources import small_sources

from finsync_pipeline.clients.responses import Rows
from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.fetch import Fetch
from finsync_pipeline.federation.groups import SourceGroups
from finsync_pipeline.federation.live_plan import LivePlan
from finsync_pipeline.federation.schema import VIEWS

BOTH = "income_statement AS x {} JOIN balance_sheet AS y USING (company_id, period_end)"
QUERIES = {
    "division of whole numbers": [
        "SELECT company_id, months / 5 AS part FROM income_statement WHERE months / 5 > 1.5",
        "SELECT company_id, months // 5 AS part FROM income_statement WHERE months // 5 = 2",
        "SELECT count(*) AS n FROM facts WHERE 7 / 2 = 3.5 AND value > 5",
        "SELECT revenue / 2 AS half FROM income_statement WHERE revenue / 2 > 2.5",
        "SELECT revenue FROM income_statement WHERE CAST(revenue AS BIGINT) / 2 > 2.5",
    ],
    "nothing divided by nothing": [
        "SELECT value / 0 AS x FROM facts WHERE value / 0 > 5",
        "SELECT company_id, value / value AS x FROM facts WHERE NOT (value / value = 1)",
        "SELECT company_id, months % 0 AS x FROM facts",
        "SELECT company_id FROM facts WHERE isnan(value / value)",
        "SELECT value % 7 AS x FROM facts WHERE value % 7 < 0",
        "SELECT company_id FROM balance_sheet WHERE months % 5 = 0 AND months // 0 IS NULL",
    ],
    "aggregates of DuckDB alone": [
        "SELECT mad(revenue) AS x, geomean(abs(revenue)) > 0 AS y FROM income_statement LIMIT 1",
        "SELECT count(*) AS n, round(entropy(source), 6) AS x FROM income_statement",
        "SELECT histogram(months) AS x FROM income_statement LIMIT 1",
    ],
    "errors of a row": [
        "SELECT company_id FROM facts WHERE CAST(item AS INTEGER) > 5 LIMIT 3",
        "SELECT company_id, count(*) AS n FROM income_statement GROUP BY company_id "
        "HAVING CAST(concat('x', company_id) AS INTEGER) > 5",
        "SELECT company_id, revenue FROM income_statement WHERE error(company_id) IS NULL ORDER BY revenue LIMIT 3",
        "SELECT company_id, CAST(concat('x', max(revenue)) AS DATE) AS d FROM income_statement GROUP BY company_id",
        "SELECT sum(CAST(months AS TINYINT) * 100::TINYINT) AS s FROM income_statement GROUP BY company_id",
    ],
    "columns named by the alias of a view": [
        "SELECT net_income FROM income_statement AS t(a, b, c, d, e, net_income) "
        "ORDER BY net_income DESC NULLS LAST, b, c, d LIMIT 3",
    ],
    "patterns": [
        "SELECT name FROM companies WHERE name ILIKE '%ångström%'",
        "SELECT name FROM companies WHERE name LIKE '%ångström%'",
        "SELECT DISTINCT text FROM texts WHERE text ILIKE 'öl%'",
        "SELECT DISTINCT text FROM texts WHERE text LIKE 'öl%' OR text LIKE 'Öl%'",
        "SELECT count(*) AS n FROM texts WHERE text LIKE 'energy'",
        "SELECT count(*) AS n FROM texts WHERE text ILIKE 'energy'",
        "SELECT count(*) AS n FROM texts WHERE text LIKE 'a_b'",
        "SELECT count(*) AS n FROM texts WHERE text LIKE '%\\_%' ESCAPE '\\'",
        "SELECT count(*) AS n FROM texts WHERE text LIKE '50!%%' ESCAPE '!'",
        "SELECT count(*) AS n FROM texts WHERE lower(text) = 'energy' AND upper(text) = 'ENERGY'",
        "SELECT company_id FROM facts WHERE company_id LIKE '0000%' AND item LIKE 'rev_nue'",
        "SELECT company_id FROM facts WHERE company_id NOT LIKE '1%' AND source ILIKE 'LEDGER'",
        "SELECT company_id FROM income_statement WHERE company_id GLOB '00000[23]*'",
        "SELECT company_id FROM income_statement WHERE regexp_matches(company_id, '^10(02|03)$')",
        "SELECT company_id FROM income_statement WHERE company_id SIMILAR TO '100[2-5]'",
    ],
    "texts, numbers and dates compared": [
        "SELECT count(*) AS n FROM facts WHERE '1' = 1 AND value > 1",
        "SELECT company_id, value FROM facts WHERE company_id = 1002",
        "SELECT company_id, value FROM facts WHERE company_id > 1002",
        "SELECT company_id, value FROM facts WHERE value = '5000000'",
        "SELECT company_id FROM facts WHERE CAST(company_id AS INTEGER) = 20",
        "SELECT company_id FROM facts WHERE TRY_CAST(row_key AS INTEGER) = 20 OR value = 5",
        "SELECT company_id FROM texts WHERE CAST(text AS INTEGER) = 20",
        "SELECT company_id FROM texts WHERE TRY_CAST(text AS INTEGER) IS NULL",
        "SELECT company_id FROM facts WHERE CAST(value / 1e6 AS INTEGER) = 12",
        "SELECT company_id FROM facts WHERE CAST(value AS VARCHAR) LIKE '%.0'",
        "SELECT company_id FROM facts WHERE value IN ('5000000', 100000000)",
        "SELECT company_id FROM facts WHERE period_end = '2009-12-31'",
        "SELECT company_id FROM facts WHERE period_end > '2009-12-30' AND period_end < '2010-01-01'",
        "SELECT company_id FROM facts WHERE period_end IN ('2009-12-31', '2010-03-31')",
        "SELECT company_id FROM facts WHERE period_end = '2024-02-30'",
        "SELECT company_id FROM facts WHERE period_end >= TIMESTAMP '2010-12-31 00:00:00'",
        "SELECT company_id FROM facts WHERE period_end + 1 = DATE '2010-01-01'",
        "SELECT company_id FROM facts WHERE strftime(period_end, '%Y') = '2009'",
        "SELECT count(*) AS n FROM facts WHERE 0.1 + 0.2 = 0.3",
        "SELECT company_id FROM income_statement WHERE eps_basic + 0.1 = eps_basic + 0.1 AND eps_basic > 0.3",
    ],
    "nothing": [
        "SELECT revenue FROM income_statement ORDER BY revenue",
        "SELECT revenue, net_income FROM income_statement ORDER BY net_income DESC NULLS FIRST, revenue NULLS LAST",
        "SELECT count(*) AS n FROM income_statement WHERE revenue IN (5000000, NULL)",
        "SELECT count(*) AS n FROM income_statement WHERE revenue NOT IN (5000000, NULL)",
        "SELECT count(*) AS n FROM income_statement WHERE revenue NOT IN (5000000)",
        "SELECT count(*) AS n FROM income_statement WHERE NOT (revenue IN (5000000, NULL))",
        "SELECT count(*) AS n FROM income_statement WHERE revenue = NULL OR net_income IS NULL",
        "SELECT count(*) AS n FROM income_statement WHERE NOT (revenue > 5 AND net_income > 5)",
        "SELECT count(*) AS n FROM income_statement WHERE revenue IS NOT DISTINCT FROM NULL",
        "SELECT count(*) AS n FROM income_statement WHERE coalesce(revenue, net_income) IS NULL",
        "SELECT count(*) AS n FROM income_statement WHERE (revenue > 5) IS NULL",
        "SELECT count(*) AS n FROM income_statement WHERE (revenue > 5) IS NOT TRUE",
        "SELECT company_id FROM income_statement WHERE gross_profit IS NULL AND revenue IS NOT NULL",
        "SELECT company_id FROM income_statement WHERE gross_profit IS NOT NULL",
        "SELECT company_id FROM income_statement WHERE company_id NOT IN "
        "(SELECT company_id FROM texts WHERE text = 'EY')",
        "SELECT company_id FROM companies WHERE company_id NOT IN (SELECT NULL FROM facts)",
    ],
    "between": [
        "SELECT value FROM facts WHERE value BETWEEN 5000000 AND 100000000",
        "SELECT value FROM facts WHERE value BETWEEN 100000000 AND 5000000",
        "SELECT value FROM facts WHERE value BETWEEN SYMMETRIC 100000000 AND 5000000",
        "SELECT value FROM facts WHERE value NOT BETWEEN -7 AND 100000000",
        "SELECT value FROM facts WHERE value BETWEEN value AND 5",
        "SELECT value FROM facts WHERE 5 BETWEEN value AND 100",
    ],
    "numbers at the edge": [
        "SELECT value FROM facts WHERE value = 0",
        "SELECT value FROM facts WHERE value >= 0 AND value <= 0 AND item = 'dividends_paid'",
        "SELECT value FROM facts WHERE value > 1e16",
        "SELECT value FROM facts WHERE abs(value) < 1e-5 AND value <> 0",
        "SELECT value FROM facts WHERE value = 9007199254740993",
        "SELECT value FROM facts WHERE value >= -1e300 AND value <= 1e300",
        "SELECT value FROM facts WHERE value < 'infinity'::DOUBLE AND value > 1e6",
        "SELECT value FROM facts WHERE value < 'nan'::DOUBLE",
        "SELECT total_assets FROM balance_sheet WHERE total_assets = 77500",
        "SELECT dividends_paid FROM cash_flow WHERE dividends_paid > 0",
        "SELECT capital_expenditure FROM cash_flow WHERE capital_expenditure < 0 ORDER BY 1",
    ],
    "joins": [
        f"SELECT company_id, x.revenue, y.equity FROM {BOTH.format('')} WHERE x.revenue > y.equity",
        f"SELECT company_id, x.revenue, y.equity FROM {BOTH.format('FULL')} WHERE y.equity > 7 OR x.revenue < 0",
        f"SELECT company_id, x.revenue, y.equity FROM {BOTH.format('FULL')} WHERE y.equity IS NULL",
        f"SELECT company_id, x.source FROM {BOTH.format('LEFT')} WHERE y.equity IS NULL AND x.currency = 'USD'",
        f"SELECT company_id, y.source FROM {BOTH.format('RIGHT')} WHERE x.revenue > 5",
        "SELECT a.value, b.value AS other FROM facts a JOIN facts b USING (company_id, period_end) "
        "WHERE a.item = 'revenue' AND b.item = 'equity' AND b.value > 5",
        "SELECT a.value FROM facts a JOIN facts b USING (source, row_key) WHERE a.company_id = '1002' AND b.value < 0",
        "SELECT a.company_id FROM facts a, facts b "
        "WHERE a.value = b.value AND a.source = 'ledger' AND b.source = 'feed'",
        "SELECT name, count(value) AS n FROM companies LEFT JOIN facts USING (company_id) GROUP BY ALL",
        "SELECT name FROM companies ANTI JOIN facts USING (company_id)",
        "SELECT name FROM companies SEMI JOIN income_statement USING (company_id)",
        "SELECT revenue, equity FROM income_statement NATURAL JOIN balance_sheet",
        "SELECT i.revenue, b.equity, i.period_end FROM income_statement i ASOF JOIN "
        "(SELECT * FROM balance_sheet WHERE source = 'feed') b ON i.company_id = b.company_id AND "
        "i.period_end > b.period_end WHERE b.equity > 5 AND i.source = 'ledger'",
        "SELECT c.name, l.top FROM companies c, LATERAL (SELECT max(value) AS top FROM facts f "
        "WHERE f.company_id = c.company_id AND f.item = 'revenue') AS l",
        "SELECT * FROM (SELECT company_id FROM companies ORDER BY 1) POSITIONAL JOIN "
        "(SELECT value FROM facts WHERE item = 'equity' ORDER BY ALL)",
    ],
    "names of other columns": [
        "SELECT company_id AS currency, currency AS company_id FROM facts WHERE currency = 'USD'",
        "SELECT * FROM (SELECT company_id AS currency FROM income_statement FULL JOIN balance_sheet "
        "USING (company_id, period_end)) WHERE currency = '1002'",
        f"SELECT * FROM (SELECT company_id AS currency, x.currency AS company_id FROM {BOTH.format('FULL')}) "
        "WHERE currency = '1002' OR company_id = 'USD'",
        f"SELECT * FROM (SELECT x.source AS company_id, y.currency AS source FROM {BOTH.format('FULL')}) "
        "WHERE source = 'USD' AND company_id = 'ledger'",
        "SELECT * FROM (SELECT revenue AS net_income, net_income AS revenue FROM income_statement) WHERE revenue > 5e6",
        "SELECT * FROM (SELECT source, item FROM facts UNION ALL SELECT item, source FROM facts) WHERE source = 'feed'",
        "SELECT * FROM (SELECT source, item FROM facts EXCEPT SELECT item, source FROM facts) WHERE item = 'revenue'",
        "SELECT * FROM (SELECT net_income, revenue FROM income_statement UNION SELECT revenue, net_income FROM "
        "income_statement) WHERE net_income > 1e6 ORDER BY ALL LIMIT 7",
        "SELECT * FROM (SELECT company_id, source FROM facts UNION ALL SELECT x.source, y.currency FROM "
        f"{BOTH.format('FULL')}) WHERE company_id = 'ledger' AND source = 'USD'",
        "SELECT * FROM (SELECT company_id, source FROM facts EXCEPT SELECT x.source, y.currency FROM "
        f"{BOTH.format('FULL')}) WHERE company_id = 'ledger' AND source = 'USD'",
        "SELECT * FROM (SELECT source, company_id FROM facts INTERSECT SELECT y.company_id, x.source FROM "
        f"{BOTH.format('FULL')}) WHERE source = '1002'",
        f"SELECT * FROM (SELECT x.source, y.currency FROM {BOTH.format('FULL')}) AS t(company_id, source) "
        "WHERE source = 'USD' AND company_id = 'ledger'",
        "WITH t(source, item) AS (SELECT item, source FROM facts) SELECT * FROM t WHERE source = 'revenue'",
        "SELECT * FROM facts AS t(item, company_id) WHERE item = '1002' AND company_id = 'revenue'",
        "SELECT * RENAME (source AS item, item AS source) FROM (SELECT source, item FROM facts) WHERE item = 'revenue'",
        "SELECT * REPLACE (-revenue AS revenue) FROM "
        "(SELECT company_id, revenue FROM income_statement) WHERE revenue > 5",
        "SELECT * REPLACE (-revenue AS revenue) FROM income_statement "
        "ORDER BY revenue, company_id, period_end, source LIMIT 5",
        "SELECT company_id, -value AS value FROM facts ORDER BY value, company_id LIMIT 9",
        "SELECT currency: company_id, company_id: currency FROM facts WHERE currency = 'USD'",
        "SELECT source AS item, max(value) AS revenue FROM facts "
        "WHERE item = 'revenue' GROUP BY source HAVING revenue > 5",
    ],
    "subqueries": [
        "SELECT name FROM companies c WHERE (SELECT count(*) FROM facts f WHERE f.company_id = c.company_id) > 90",
        "SELECT company_id, revenue FROM income_statement i WHERE revenue = "
        "(SELECT max(revenue) FROM income_statement j WHERE j.company_id = i.company_id)",
        "SELECT company_id FROM income_statement WHERE revenue > ALL "
        "(SELECT equity FROM balance_sheet WHERE equity < 9e6)",
        "SELECT company_id FROM income_statement WHERE revenue > ANY "
        "(SELECT equity FROM balance_sheet WHERE equity > 9e6)",
        "SELECT (SELECT max(value) FROM facts WHERE item = 'revenue') AS m, count(*) AS n FROM texts",
        "WITH t AS (SELECT company_id, max(value) AS m FROM facts WHERE item = 'equity' GROUP BY 1) "
        "SELECT a.m, b.m AS other FROM t a JOIN t b USING (company_id) WHERE a.m > 5e6 AND company_id < '1010'",
        "WITH t AS MATERIALIZED (SELECT company_id, value FROM facts WHERE value > 5) "
        "SELECT count(*) AS n FROM t WHERE company_id = '1002' "
        "UNION ALL SELECT count(*) FROM t WHERE company_id = '1003'",
        "WITH RECURSIVE r(n, company_id) AS (SELECT 1, company_id FROM companies WHERE company_id < '1003' UNION ALL "
        "SELECT n + 1, r.company_id FROM r JOIN facts f ON f.company_id = r.company_id AND f.item = 'revenue' "
        "WHERE n < 2) SELECT n, company_id, count(*) AS c FROM r GROUP BY ALL",
    ],
    "groups, windows, pivots": [
        "SELECT source, item, count(*) AS n, max(value) AS m FROM facts GROUP BY ALL",
        "SELECT source, count(*) AS n FROM facts GROUP BY ROLLUP (source)",
        "SELECT source, currency, count(*) AS n FROM facts GROUP BY GROUPING SETS ((source), (currency), ())",
        "SELECT company_id, count(*) FILTER (value > 5) AS n FROM facts GROUP BY 1 HAVING n > 30",
        "SELECT max(value) AS m FROM facts WHERE company_id = 'nobody'",
        "SELECT count(*) AS n FROM facts WHERE company_id = 'nobody'",
        "SELECT company_id, period_end FROM income_statement GROUP BY ALL",
        "SELECT count(DISTINCT company_id) AS n FROM balance_sheet",
        "SELECT company_id, value FROM facts WHERE item = 'revenue' QUALIFY row_number() OVER "
        "(PARTITION BY company_id ORDER BY value, source, period_end, months) = 1",
        "SELECT company_id, period_end, revenue - lag(revenue) OVER (PARTITION BY company_id ORDER BY period_end) AS d "
        "FROM income_statement WHERE source = 'ledger'",
        "SELECT * FROM (PIVOT (SELECT source, item, value FROM facts WHERE item IN ('revenue', 'equity')) "
        "ON item IN ('revenue', 'equity') USING max(value) GROUP BY source)",
        "SELECT * FROM (UNPIVOT (SELECT company_id, period_end, source, revenue, net_income FROM income_statement) "
        "ON revenue, net_income INTO NAME item VALUE value) WHERE item = 'revenue' AND value > 5e6",
        "SELECT list(value ORDER BY value) AS values FROM facts WHERE item = 'eps_basic'",
        "SELECT COLUMNS('rev.*|net.*') FROM income_statement WHERE revenue > 5e6",
        "SELECT max(COLUMNS(* EXCLUDE (source, company_id, period_end, currency))) FROM balance_sheet",
    ],
    "groups that sources make": [
        "SELECT count(*) FROM income_statement",
        "SELECT count(*) FROM balance_sheet",
        "SELECT max(revenue), max(revenue) FROM income_statement",
        "SELECT source, min(treasury_stock) AS m FROM balance_sheet GROUP BY source",
        "SELECT max(goodwill) AS a, count(*) AS b FROM balance_sheet",
        "SELECT source, count(*), max(revenue), min(cost_of_revenue) FROM income_statement GROUP BY source",
        "SELECT company_id, count(*) AS c, count(net_income) FROM income_statement GROUP BY company_id",
        "SELECT period_end, max(revenue) - min(revenue) AS d FROM income_statement "
        "GROUP BY period_end HAVING count(*) > 9",
        "SELECT period_end, company_id, max(revenue) AS m FROM income_statement GROUP BY period_end, company_id",
        "SELECT max(revenue) AS m FROM income_statement "
        "WHERE company_id IN ('1002', '1003', '0000020') AND months = 12",
        "SELECT count(eps_basic) AS c FROM income_statement WHERE period_end = '2009-12-31' OR source = 'feed'",
        "SELECT currency, max(revenue) AS m FROM income_statement WHERE year(period_end) = 2009 GROUP BY currency",
        "SELECT count(*) AS c FROM income_statement WHERE company_id = 'nobody'",
        "SELECT company_id, min(revenue) AS m FROM income_statement WHERE source = 'ledger' GROUP BY company_id",
        "SELECT min(total_assets) AS least, max(cash) AS most FROM balance_sheet WHERE company_id > '1010'",
    ],
    "first rows": [
        "SELECT company_id, gross_profit FROM income_statement ORDER BY gross_profit, company_id LIMIT 3",
        "SELECT company_id, revenue FROM income_statement ORDER BY revenue, company_id LIMIT 2000",
        "SELECT company_id, revenue FROM income_statement ORDER BY revenue DESC, company_id LIMIT 2 OFFSET 100",
        "SELECT company_id, revenue FROM income_statement ORDER BY revenue DESC NULLS FIRST, company_id LIMIT 4",
        "SELECT company_id, total_assets FROM balance_sheet ORDER BY total_assets DESC, company_id LIMIT 12",
        "SELECT DISTINCT revenue FROM income_statement ORDER BY revenue LIMIT 20",
        "SELECT company_id, value FROM facts WHERE item = 'dividends_paid' ORDER BY value, company_id, source LIMIT 5",
        "SELECT company_id, value FROM facts WHERE company_id < '1005' ORDER BY value DESC, company_id, item LIMIT 5",
        "SELECT company_id, value FROM facts ORDER BY value DESC, company_id LIMIT 0",
        "SELECT company_id, value FROM facts ORDER BY value DESC, company_id LIMIT 1%",
        "SELECT company_id, revenue FROM income_statement ORDER BY -revenue, company_id LIMIT 5",
        "SELECT company_id, revenue FROM income_statement ORDER BY 2 DESC, 1 LIMIT 5",
        "SELECT company_id, revenue AS r FROM income_statement ORDER BY r DESC, company_id LIMIT 5",
        "SELECT company_id, revenue AS net_income FROM income_statement ORDER BY net_income DESC, company_id LIMIT 5",
        "SELECT company_id, Revenue FROM income_statement AS t ORDER BY t.Revenue DESC, company_id LIMIT 5",
        "SELECT company_id, COLUMNS('(rev).*') AS 'net_income' FROM income_statement ORDER BY net_income, 1 LIMIT 5",
        "SELECT COLUMNS(lambda c: c LIKE 'rev%') FROM income_statement ORDER BY revenue, company_id LIMIT 5",
        "SELECT revenue, name FROM income_statement, companies ORDER BY revenue DESC, 2 LIMIT 5",
        "SELECT t.* REPLACE (abs(revenue) AS revenue) FROM income_statement AS t "
        "ORDER BY revenue, company_id, period_end, source LIMIT 5",
        "SELECT t.* RENAME (revenue AS net_income, net_income AS revenue) FROM income_statement AS t "
        "ORDER BY net_income, company_id LIMIT 5",
        "SELECT company_id, revenue FROM income_statement USING SAMPLE 100% ORDER BY revenue DESC, 1 LIMIT 5",
        "SELECT company_id, revenue FROM (FROM income_statement) ORDER BY revenue DESC, 1 LIMIT 5",
        "FROM income_statement SELECT company_id, revenue ORDER BY revenue DESC, 1 LIMIT 5",
        "SELECT company_id, revenue FROM income_statement ORDER BY revenue DESC, 1 LIMIT 5 OFFSET 395",
        "SELECT company_id, value FROM facts ORDER BY value DESC, company_id LIMIT 1 + 1",
        "SELECT company_id, value FROM facts WHERE value < (SELECT max(value) / 2 FROM facts) "
        "ORDER BY value DESC, company_id, item, source, period_end LIMIT 5",
        "SELECT company_id, value FROM facts WHERE abs(value) < 3000 AND value % 2 = 1 "
        "ORDER BY value, company_id LIMIT 8",
    ],
    "every column": [
        *(f"SELECT count(*) AS n FROM {view}" for view in VIEW_NAMES),
        *(f"SELECT * FROM {view}" for view in VIEW_NAMES),
        "SELECT known_since, first_seen, count(*) AS n FROM facts GROUP BY ALL",
        "SELECT known_since, count(*) AS n FROM facts WHERE source = 'registry' GROUP BY ALL",
        "SELECT item, row_key FROM facts WHERE known_since < '2012-12-31' OR first_seen < '2026-02-01'",
        "SELECT row_key, data_version FROM texts WHERE row_key > 'r5'",
        "SELECT 1 AS one FROM facts WHERE row_key = '52'",
    ],
}
ALWAYS = 2
"""Queries of each kind that are not left to the runs of all tests."""
CASES = [
    pytest.param(sql, id=f"{kind}: {sql}", marks=[pytest.mark.long] if place >= ALWAYS else [])
    for kind, queries in QUERIES.items()
    for place, sql in enumerate(queries)
]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    with serving_small(small_sources(1)[:4], tmp_path_factory.mktemp("directed")) as served:
        yield served


@pytest.mark.parametrize("sql", CASES)
def test_the_answer_is_duckdbs(compared: Compared, sql: str) -> None:
    is_ordered = " ORDER BY " in sql and " LIMIT " in sql
    assert difference(RandomQuery(sql, is_ordered=is_ordered), compared) is None


def test_the_error_of_a_row_shows_the_query_as_it_was_written(compared: Compared) -> None:
    of_a_group = (
        "SELECT company_id, CAST(concat('x', company_id) AS INTEGER) AS n FROM income_statement GROUP BY company_id"
    )
    of_a_row = "SELECT company_id FROM facts WHERE CAST(item AS INTEGER) > 5 LIMIT 3"
    for sql in (of_a_group, of_a_row):
        with pytest.raises(QueryError) as caught:
            live_answer(sql, compared)
        assert "onver" in str(caught.value)
        assert not [name for name in ("partials", "grouped", "bound") if name in str(caught.value)]


def test_random_numbers_are_drawn_for_rows_and_not_for_names(compared: Compared) -> None:
    everything = right_answer("SELECT count(*) AS n FROM facts", compared)["n"][0].as_py()
    statements = right_answer("SELECT count(*) AS n FROM income_statement", compared)["n"][0].as_py()
    sql = "SELECT count(*) AS n FROM income_statement WHERE random() < 0.5"
    assert 0.3 * statements < live_answer(sql, compared).table["n"][0].as_py() < 0.7 * statements
    for condition in ("random() < 0.5", "company_id || '' > CASE WHEN random() < 0.5 THEN '' ELSE 'z' END"):
        counts = {live_answer(f"SELECT count(*) AS n FROM facts WHERE {condition}", compared).table["n"][0].as_py()}
        assert all(0.4 * everything < count < 0.6 * everything for count in counts)


@pytest.mark.parametrize("sample", ["USING SAMPLE 50 ROWS", "USING SAMPLE reservoir(50 ROWS) REPEATABLE (7)"])
def test_a_sample_has_rows_of_the_view(compared: Compared, sample: str) -> None:
    sql = "SELECT company_id, item, value FROM facts"
    assert difference(RandomQuery(f"{sql} {sample}", unlimited=sql), compared) is None


def test_a_sample_is_drawn_from_the_rows_of_all_sources(compared: Compared) -> None:
    answer = live_answer("SELECT source FROM facts USING SAMPLE 400 ROWS LIMIT 400", compared)
    assert set(answer.table["source"].to_pylist()) == {"ledger", "filings", "feed", "registry"}


@pytest.mark.parametrize("kind", ["SELECT", "EXPLAIN SELECT", "FROM"])
def test_a_query_without_a_column_of_a_view(compared: Compared, kind: str) -> None:
    _, found = answer_and_difference(f"{kind} 1 AS one", compared)
    assert kind == "EXPLAIN SELECT" or found is None


def test_conditions_on_companies_dates_and_numbers_are_sent(compared: Compared) -> None:
    conditions = "company_id = '1002' AND period_end = '2009-12-31' AND revenue > -1e12"
    sql = f"SELECT revenue FROM income_statement WHERE {conditions}"
    plan = live_answer(sql, compared).plan
    assert isinstance(plan, LivePlan)
    [sent] = next(report.sent for report in plan.sources if report.source == "ledger")
    assert '"Company" IN (' in sent
    assert "'31.12.2009'" in sent
    assert '"Sales" >= -1000000' in sent
    assert sum(report.rows for report in plan.sources) < 12


def test_no_row_is_moved_of_a_source_that_has_none_of_the_items(compared: Compared) -> None:
    plan = live_answer("SELECT value FROM facts WHERE item = 'goodwill'", compared).plan
    assert isinstance(plan, LivePlan)
    assert [report.source for report in plan.sources if report.sent] == ["registry"]


def test_the_data_has_what_is_tested(compared: Compared) -> None:
    """Each odd thing of the sources is in the right tables: with none of it, no test would show anything."""
    assert all(len(VIEWS[view].columns) > 3 for view in VIEW_NAMES)
    one = compared.reference.execute("SELECT min(value) < 0, max(value) > 1e15, count(*) FROM facts").fetchone()
    assert one is not None
    assert one[:2] == (True, True)
    days = compared.reference.execute("SELECT DISTINCT first_seen FROM facts WHERE source = 'ledger'").fetchall()
    assert (date(2026, 1, 2),) in days
    assert len(days) == 2


BY_PERIOD = (
    "SELECT period_end, count(*) AS number, max(total_assets) AS most FROM balance_sheet "
    "WHERE source = 'feed' GROUP BY period_end"
)
"""Of each group the source is asked for the least name, the period end, the number of rows, and of the item: cells that
are texts, cells, the least and the greatest, as c0, c1 and so on.
"""


@pytest.mark.parametrize(
    ("column", "cell"), [("c1", "1800-01-01"), ("c0", "Nobody Knows"), ("c2", "many"), ("c6", "most"), ("c6", None)]
)
def test_a_group_that_a_source_cannot_have_is_refused(
    compared: Compared, monkeypatch: pytest.MonkeyPatch, column: str, cell: str | None
) -> None:
    _change_groups(monkeypatch, lambda table: _with_cell(_with_cell(table, "c3", 0), column, cell))
    with pytest.raises(SourceInvalid, match=r"its groups are not those of its rows|a number of rows is not one"):
        live_answer(BY_PERIOD, compared)


def test_groups_without_a_column_are_refused(compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    _change_groups(monkeypatch, lambda table: table.drop_columns(["c6"]))
    with pytest.raises(SourceInvalid, match="its groups are not those of its rows"):
        live_answer(BY_PERIOD, compared)


def test_an_error_of_ours_is_not_called_one_of_the_source(compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SourceGroups, "_declared", lambda self: 1 / "two")
    with pytest.raises(TypeError):
        live_answer(BY_PERIOD, compared)


def _with_cell(table: pa.Table, column: str, cell: object) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, pa.array([cell] * len(table)))


def _change_groups(monkeypatch: pytest.MonkeyPatch, change: Callable[[pa.Table], pa.Table]) -> None:
    whole_result = Fetch.whole_result

    def changed(fetch: Fetch, sql: str) -> Rows:
        rows = whole_result(fetch, sql)
        return replace(rows, table=change(rows.table))

    monkeypatch.setattr(Fetch, "whole_result", changed)
