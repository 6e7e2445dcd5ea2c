"""Every route of the API: what it answers, and which problem it answers bad requests with."""

import json
from typing import Any

import pytest
from serving.conftest import check_problem

from finsync_pipeline.serving.listings import LISTINGS

ACME = "/companies/A1"
SQL = "SELECT company_id, revenue FROM financials WHERE revenue IS NOT NULL ORDER BY ALL"
ANSWERS: list[tuple[str, dict[str, Any], Any]] = [
    ("/", {}, lambda found: "GET /api/v1/facts" in found["routes"]),
    ("/openapi.json", {}, lambda found: found["openapi"] == "3.1.0"),
    ("/problems", {}, lambda found: found["busy"]["status"] == 503),
    ("/companies", {}, lambda found: [each["company_id"] for each in found["companies"]] == ["A1", "G1"]),
    ("/companies", {"q": "acme"}, lambda found: found["resolution"]["company_id"] == "A1"),
    ("/companies", {"q": "GLBX"}, lambda found: found["matches"][0]["company"]["name"] == "Globex Inc"),
    ("/companies", {"q": "glo"}, lambda found: found["matches"][0]["matched"] == "name"),
    ("/companies", {"q": "nobody"}, lambda found: (found["resolution"]["status"], found["matches"]) == ("unknown", [])),
    (ACME, {}, lambda found: {each["source"] for each in found["coverage"]} >= {"pnl", "balance_sheet"}),
    (f"{ACME}/statements", {}, lambda found: found["company"]["name"] == "Acme Corp" and len(found["rows"]) == 3),
    (f"{ACME}/statements", {"statement": "income_statement", "months": 12}, lambda found: [
        row["items"]["revenue"] for row in found["rows"]] == [1_000_000, 2_000_000]),
    (f"{ACME}/statements", {"source": "pnl"}, lambda found: found["rows"][0]["items"]["revenue"] == 1_000_000),
    (f"{ACME}/statements", {"period_end": "2009-12-31"}, lambda found: {
        row["fiscal_year"] for row in found["rows"]} == {2009}),
    (f"{ACME}/statements", {"fiscal_years": 2010}, lambda found: [
        (row["period_end"], row["fiscal_year"]) for row in found["rows"]] == []),
    (f"{ACME}/statements", {"fiscal_years": 2009, "statement": "balance_sheet", "ends_of": 12}, lambda found: [
        row["items"]["total_assets"] for row in found["rows"]] == [3_000_000]),
    (f"{ACME}/statements", {"statement": "balance_sheet", "ends_of": 3}, lambda found: found["rows"] == []),
    (f"{ACME}/statements", {"currency": "EUR"}, lambda found: found["rows"] == []),
    (f"{ACME}/statements", {"derived": "formula", "statement": "balance_sheet"}, lambda found: all(
        each["operands"] or each["missing"] for each in found["derived"])),
    ("/facts", {"company_id": "A1", "item": "revenue"}, lambda found: [
        row["value"] for row in found["rows"]] == [1_000_000, 2_000_000]),
    ("/facts", {"period_end": "2009-10-01...2009-12-31", "source": "cash_flow"}, lambda found: found["row_count"] == 3),
    ("/facts", {"columns": ["value", "item"], "limit": 1}, lambda found: list(found["rows"][0]) == ["value", "item"]),
    ("/periods", {"company_id": ["A1", "G1"], "months": 12}, lambda found: found["row_count"] == 3),
    ("/summary", {"company_id": "G1"}, lambda found: found["rows"][0]["revenue"] == 7_000_000),
    ("/rejects", {"reason": "not_a_number"}, lambda found: found["rows"][0]["raw_text"] == "n/m"),
    ("/corrections", {"source": "pnl"}, lambda found: found["row_count"] > 0),
    ("/decisions", {"status": "unknown"}, lambda found: found["rows"][0]["source_name"] == "Initech"),
    ("/agreement", {"item": "net_income", "company_id": "A1"}, lambda found: found["row_count"] == 2),
    ("/disputes", {"is_withheld": "false"}, lambda found: all(not row["is_withheld"] for row in found["rows"])),
    ("/accounting-checks", {}, lambda found: "rows" in found),
    ("/grades", {"item": "revenue"}, lambda found: found["row_count"] > 0),
    ("/history", {"item": "revenue"}, lambda found: found["row_count"] == 3),
    ("/revisions", {}, lambda found: found["rows"] == []),
    ("/reconciliation", {"source": "pnl"}, lambda found: sum(row["rows_in"] for row in found["rows"]) == 4),
    ("/texts", {}, lambda found: "rows" in found),
    ("/screen", {"order_by": "revenue"}, lambda found: [row["company_id"] for row in found["rows"]] == ["G1", "A1"]),
    ("/screen", {"where": ["revenue > 2e6"]}, lambda found: [row["company_id"] for row in found["rows"]] == ["G1"]),
    ("/screen", {"where_periods": "revenue >= 2e6", "order_by": "revenue"}, lambda found: [
        row["revenue"] for row in found["rows"]] == [7_000_000, 2_000_000]),
    ("/screen", {"fiscal_years": 2009, "where": "cash is null"}, lambda found: found["row_count"] == 0),
    ("/screen", {"items": "book_value"}, lambda found: any("equity" in each for each in found["notes"])),
    ("/screen", {"where": "revenue > 2 million 5 k"}, lambda found: [
        row["company_id"] for row in found["rows"]] == ["G1"]),
    ("/screen", {"companies": "A1", "items": "revenue"}, lambda found: [
        row["company_id"] for row in found["rows"]] == ["A1"]),
    ("/screen", {"period_end": "2009-09-30", "order_by": "revenue"}, lambda found: [
        (row["revenue"], row["periods"]) for row in found["rows"]] == [(1_000_000, 1)]),
    ("/screen", {"texts": "company_name like %globex%"}, lambda found: [
        row["company_id"] for row in found["rows"]] == ["G1"]),
    ("/screen", {"texts": ["sector is null", "company_name = ACME CORP"]}, lambda found:
        found["rows"][0]["sector"] is None),
    ("/screen/insights", {}, lambda found: found["companies"] == 2 and len(found["disagreements"]) == 1),
    ("/read-text", {"q": "top 5 by cash"}, lambda found: found["parameters"]["order_by"] == ["cash"]),
    ("/read-text", {"q": "ebitda"}, lambda found: found["not_understood"][0]["text"] == "ebitda"),
    ("/trace", {"company_id": "A1", "item": "revenue", "period_end": "2009-09-30"}, lambda found:
        "1,000" in json.dumps(found)),
    ("/trace", {"company_id": "A1", "item": "revenue"}, lambda found: found["means"][0]["count"] == 2),
    ("/releases", {}, lambda found: [each["is_current"] for each in found["releases"]] == [True]),
    ("/releases/current", {}, lambda found: found["sources"]["pnl"]["rows_in"] == 4),
    ("/releases/current/differences", {"against": "current"}, lambda found: found["rows"] == []),
    ("/releases/current/changes", {"against": "current"}, lambda found: found["counts"] + found["largest"] == []),
    ("/as-of", {"day": "2999-01-01", "item": "revenue"}, lambda found: found["row_count"] == 3),
    ("/as-of", {"day": "1999-01-01"}, lambda found: found["row_count"] == 0),
    ("/freshness", {}, lambda found: {each["state"] for each in found["sources"]["pnl"]} == {"current"}),
    ("/coverage", {}, lambda found: {(row["source"], row["quarter"]): row["companies"] for row in found["rows"]}[
        ("pnl", "2009-10-01")] == 2),
    ("/coverage/companies", {"limit": 1}, lambda found: {row["company_id"] for row in found["rows"]} == {"A1"}),
    ("/coverage/companies", {"source": "cash_flow", "order": "company_id", "after": 1}, lambda found: [
        (row["company_id"], row["facts"]) for row in found["rows"]] == [("G1", 1)]),
    ("/verdicts", {}, lambda found: sum(row["compared"] for row in found["rows"] if row["item"] == "net_income") == 1),
    ("/source-pairs", {}, lambda found: [
        (row["source"], row["other_source"], row["cells"]) for row in found["rows"]] == [("cash_flow", "pnl", 1)]),
    ("/methods", {}, lambda found: sum(row["rows"] for row in found["rows"] if row["status"] == "unknown") == 1),
    ("/item-grades", {}, lambda found: "revenue" in {row["item"] for row in found["rows"]}),
    ("/reject-reasons", {}, lambda found: "not_a_number" in {row["reason"] for row in found["rows"]}),
    ("/review", {}, lambda found: [row["source_name"] for row in found["rows"]] == ["Initech"]),
    ("/review", {"waiting": "true"}, lambda found: found["rows"] == []),
    ("/items", {}, lambda found: "revenue" in {each["name"] for each in found["items"]}),
    ("/items", {}, lambda found: {each["name"] for each in found["derived"]} >= {"liquid_assets", "book_value"}),
    ("/query", {"q": SQL, "release": "current"}, lambda found: found["rows"][0]["revenue"] == 1_000_000),
    ("/query", {"q": SQL, "release": "current", "against": "current"}, None),
    ("/views", {}, lambda found: "revenue" in {each["name"] for each in found["views"][0]["columns"]}),
]  # fmt: skip
PROBLEMS: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("/nothing", {}, 404, "not-found", "GET /api/v1"),
    ("/facts", {"limit": 0}, 400, "invalid-parameter", "limit"),
    ("/facts", {"limit": 10_001}, 400, "invalid-parameter", "limit"),
    ("/facts", {"colour": "red"}, 400, "invalid-parameter", "colour"),
    ("/facts", {"period_end": "2009-02-30"}, 400, "invalid-parameter", "2009-02-30"),
    ("/facts", {"months": "twelve"}, 400, "invalid-parameter", "months"),
    ("/facts", {"columns": "revenu"}, 400, "query-invalid", "revenu"),
    ("/facts", {"release": "1999"}, 404, "not-found", "1999"),
    ("/facts", {"format": "xml"}, 400, "invalid-parameter", "format"),
    ("/companies/Z9", {}, 404, "not-found", "companies?q=Z9"),
    ("/companies/Z9/statements", {}, 404, "not-found", "Z9"),
    (f"{ACME}/statements", {"statement": "profit"}, 400, "invalid-parameter", "income_statement"),
    (f"{ACME}/statements", {"months": 4}, 400, "invalid-parameter", "months"),
    ("/companies", {"q": ""}, 400, "invalid-parameter", "q"),
    ("/screen", {"where": "revenu > 1"}, 400, "query-invalid", "revenue"),
    ("/screen", {"where": "revenue"}, 400, "query-invalid", "revenue >= 1e9"),
    ("/screen", {"where": "revenue > much"}, 400, "query-invalid", "much"),
    ("/screen", {"where": "revenue > nan"}, 400, "query-invalid", "nan"),
    ("/screen", {"where": "revenue > 3,5 Mio"}, 400, "query-invalid", "1.5 bn"),
    ("/screen", {"texts": "revenue = 1"}, 400, "query-invalid", "sector"),
    ("/screen", {"texts": "sector > 1"}, 400, "query-invalid", "like"),
    ("/screen", {"period_end": "2009"}, 400, "invalid-parameter", "2009-12-31"),
    ("/screen/insights", {"items": "revenu"}, 400, "query-invalid", "revenue"),
    ("/read-text", {}, 400, "invalid-parameter", "q"),
    ("/screen", {"order_by": "currency"}, 400, "query-invalid", "currency"),
    ("/trace", {"company_id": "A9", "item": "revenue"}, 404, "not-found", "A1"),
    ("/trace", {"company_id": "A1", "item": "revenu"}, 404, "not-found", "revenue"),
    ("/trace", {"company_id": "A1", "item": "revenue", "period_end": "2001-01-01"}, 404, "not-found", "2009-"),
    ("/trace", {"company_id": "A1", "item": "revenue", "months": 7}, 400, "invalid-parameter", "months"),
    ("/releases/1999", {}, 404, "not-found", "1999"),
    ("/releases/current/files/passwd", {}, 404, "not-found", "facts.parquet"),
    ("/releases/current/differences", {}, 400, "invalid-parameter", "against"),
    ("/releases/current/changes", {}, 400, "invalid-parameter", "against"),
    ("/releases/current/changes", {"against": "1999"}, 404, "not-found", "1999"),
    ("/changes", {}, 404, "not-found", "no release before"),
    ("/coverage", {"release": "1999"}, 404, "not-found", "1999"),
    ("/coverage/companies", {"order": "luck"}, 400, "invalid-parameter", "order"),
    ("/review", {"waiting": "perhaps"}, 400, "invalid-parameter", "waiting"),
    ("/as-of", {}, 400, "invalid-parameter", "day"),
    ("/query", {"q": "SELEC 1", "release": "current"}, 400, "query-invalid", "line 1"),
    ("/query", {"q": "DROP TABLE facts", "release": "current"}, 400, "query-invalid", "SELECT"),
    ("/query", {"q": "SELECT * FROM read_csv('/etc/passwd')"}, 400, "query-invalid", "line 1"),
    ("/query", {}, 400, "invalid-parameter", "q"),
    ("/plan", {"q": SQL, "release": "current"}, 400, "invalid-parameter", "release"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "parameters", "holds"), ANSWERS)
def test_a_route_answers(api, release_name, path, parameters, holds):
    if holds is None:
        check_problem(api.get(path, params=parameters), 400, "query-invalid")
        return
    response = api.get("" if path == "/" else path, params=parameters)
    assert response.status_code == 200, response.text
    assert holds(response.json()), response.text
    assert response.headers.get("FinSync-Release", release_name) == release_name


@pytest.mark.parametrize(("path", "parameters", "status", "code", "named"), PROBLEMS)
def test_a_bad_request_is_a_problem_that_names_the_fix(api, path, parameters, status, code, named):
    problem = check_problem(api.get(path, params=parameters), status, code)
    assert named in problem["detail"]


def test_every_route_is_in_the_tables_above(api):
    paths = {path.removeprefix("/api/v1") or "/" for path in api.json("/openapi.json")["paths"]}
    tried = {path.replace(ACME, "/companies/{company_id}").replace("current", "{name}") for path, *_ in ANSWERS}
    elsewhere = {"/releases/{name}/files/{file}", "/plan", "/changes"}
    assert paths - tried == elsewhere & paths
    assert {f"/{name}" for name in LISTINGS} <= paths
