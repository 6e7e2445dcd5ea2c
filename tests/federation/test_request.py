"""A query without SQL: the SELECT that it stands for, its rows, and what does not fit."""

from datetime import date
from typing import Any

import pytest

from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.query import query
from finsync_pipeline.federation.request import Filter, Request, read_request

DAY = date(2009, 12, 31)


def test_a_request_is_one_select_that_can_be_read():
    request = Request(
        view="income_statement",
        items=["revenue"],
        companies=["A'1"],
        periods=(date(2009, 1, 1), DAY),
        months=12,
        where=[Filter(item="revenue", op=">=", value=1e9)],
        order_by="revenue",
        descending=True,
        limit=10,
    )

    assert " ".join(request.statement().sql.split()) == (
        'SELECT "source", "company_id", "period_end", "months", "currency", "revenue" FROM income_statement '
        "WHERE \"company_id\" IN ('A''1') AND "
        "\"period_end\" BETWEEN CAST('2009-01-01' AS DATE) AND CAST('2009-12-31' AS DATE) "
        'AND "months" = 12 AND "revenue" >= 1000000000.0 '
        'ORDER BY "revenue" DESC, "source" ASC, "company_id" ASC, "period_end" ASC, "months" ASC, "currency" ASC '
        "LIMIT 10"
    )


@pytest.mark.parametrize(
    ("parts", "values"),
    [
        ({"items": ["revenue"]}, [105, 9, 70, 25, 100, 0.1]),
        ({"items": ["revenue"], "companies": ["c2"]}, [9, 0.1]),
        ({"items": ["revenue"], "sources": ["other"], "periods": [DAY]}, [105, 9]),
        ({"items": ["revenue"], "periods": [date(2009, 9, 30)]}, [70]),
        ({"items": ["revenue"], "periods": {"first": "2009-12-01", "last": "2009-12-31"}, "months": 3}, [25]),
        ({"items": ["revenue"], "currency": "EUR"}, []),
        ({"items": ["revenue"], "order_by": "revenue", "descending": True, "limit": 2}, [105, 100]),
        ({"items": ["revenue"], "where": [{"item": "revenue", "op": "between", "value": [9, "25"]}]}, [9, 25]),
        ({"items": ["revenue"], "where": [{"item": "revenue", "op": "in", "value": [0.1, 70]}]}, [70, 0.1]),
        ({"items": ["revenue"], "where": [{"item": "net_income", "op": "is_not_null"}]}, [100]),
        ({"items": ["revenue"], "where": [{"item": "source", "op": "like", "value": "o%"}]}, [105, 9]),
        ({"items": ["revenue"], "where": [{"item": "source", "op": "=", "value": "' OR 1=1 --"}]}, []),
        ({"items": ["revenue"], "where": [{"item": "period_end", "op": "<", "value": "2009-10-01"}]}, [70]),
    ],
)
def test_rows_are_those_that_fit_in_the_order_of_the_keys(
    deployment: Deployment, parts: dict[str, Any], values: list[float]
):
    found = query(read_request(view="income_statement", **parts), deployment, release="current").to_arrow()

    assert found["revenue"].to_pylist() == values


def test_of_facts_the_items_are_rows(deployment: Deployment):
    found = query(Request(view="facts", items=["net_income", "total_assets"]), deployment, release="current").to_arrow()

    assert found["value"].to_pylist() == [11.0, 500.0]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"view": "balance"}, "no view balance; did you mean balance_sheet?"),
        ({"view": "income_statement", "items": ["revenu"]}, "no revenu in income_statement; did you mean revenue?"),
        ({"view": "facts", "items": ["revenu"]}, "no revenu in facts; did you mean revenue?"),
        ({"view": "facts", "items": ["sector"]}, "no sector in facts"),
        ({"view": "income_statement", "items": ["total_assets"]}, "it is in balance_sheet, financials"),
        ({"view": "companies", "months": 12}, "no months in companies; it is in income_statement"),
        ({"view": "financials", "sources": ["pnl"]}, "no source in financials"),
        ({"order_by": "revenue; DROP TABLE facts"}, "no revenue; DROP TABLE facts in financials"),
        (
            {"where": [{"item": "revenue", "value": "much"}]},
            "'much' is not a number; revenue of financials is compared",
        ),
        ({"where": [{"item": "revenue", "value": "inf"}]}, "'inf' is not a number"),
        ({"where": [{"item": "period_end", "value": "2009"}]}, "'2009' is not a day, such as 2009-12-31"),
        ({"where": [{"item": "revenue", "op": "between", "value": [1]}]}, "between takes a list of two values"),
        ({"where": [{"item": "revenue", "op": "in", "value": []}]}, "in takes a list of values"),
        ({"where": [{"item": "revenue"}]}, "= takes one value; is_null asks for those without"),
        ({"where": [{"item": "revenue", "op": "is_null", "value": 1}]}, "is_null takes no value"),
        ({"where": [{"item": "revenue", "op": "~", "value": 1}]}, "'~' is not possible; use '=', '!='"),
        ({"itmes": ["revenue"]}, "itmes: no such key; did you mean items?"),
        ({"companies": "c1"}, "companies: 'c1' is a text; write a list, ['c1']"),
        ({"limit": 0}, "limit: it should be greater than or equal to 1; correct the request"),
        ({"periods": ["2009"]}, "periods: '2009' is not a day, such as 2009-12-31; correct the request"),
        ({"periods": ("2009-01-01", "x")}, "'x' is not a day, such as 2009-12-31"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_nearest_that_does(parts: dict[str, Any], message: str):
    with pytest.raises(QueryError) as refused:
        read_request(**parts).statement()

    assert message in str(refused.value)
    with pytest.raises(QueryError) as made:
        Request(**parts).statement()
    assert str(made.value) == str(refused.value)


def test_a_condition_that_does_not_fit_is_refused_as_soon_as_it_is_made():
    with pytest.raises(QueryError, match="between takes a list of two values"):
        Filter(item="revenue", op="between", value=1)
    with pytest.raises(QueryError, match=r"where\.0.*between takes a list of two values"):
        Request(where=[{"item": "revenue", "op": "between", "value": 1}])
