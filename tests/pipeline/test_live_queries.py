"""Queries over the services as they are now, and over the release of the same data: `finsync_pipeline.query`."""

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clients.misbehaving_server import misbehaving
from datasette_servers import datasette
from local_services import answering_services

from finsync_pipeline import query
from finsync_pipeline.errors import ConfigurationError, SourceUnavailable
from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.federation.deployment import Deployment as Queried
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.settings import query_deployment
from finsync_pipeline.statements.mapping import DatasetteConnection

REVENUE = "SELECT source, company_id, revenue FROM income_statement WHERE revenue IS NOT NULL ORDER BY ALL"


def rows_of(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.long
def test_live_views_are_the_tables_of_the_release_of_the_same_data(running):
    assert running.finsync("run") == 0
    for name in ("financials", "facts", "texts"):
        released = pq.read_table(running.published / "current" / f"{name}.parquet")
        live = query(f"SELECT * FROM {name}").table
        assert live.schema.names == released.schema.names
        assert rows_of(live) == rows_of(released)


@pytest.mark.long
def test_a_value_that_is_wrong_by_a_unit_is_not_averaged_live_nor_in_a_release(deployment):
    file = deployment.data / "cash_flow.jsonl"
    file.write_text(file.read_text().replace("-0.06", "-50.0"))  # the other source has -50 thousand
    of_the_cell = "company_id = 'A1' AND period_end = '2009-12-31' AND months = 12"
    sql = f"SELECT net_income, disputed FROM financials WHERE {of_the_cell}"
    with answering_services(deployment.data) as urls:
        deployment.use(urls)
        live = query(sql).table.to_pylist()
        assert deployment.finsync("run") == 0
    assert live == query(sql, release="current").table.to_pylist()
    assert live == [{"net_income": -50_000.0, "disputed": 1}]


def test_a_source_that_does_not_respond_is_named_and_never_taken_as_empty(deployment):
    with answering_services(deployment.data) as urls:
        deployment.use({name: url for name, url in urls.items() if name != "cash_flow"})
        with pytest.raises(SourceUnavailable, match="cash_flow"):
            query("SELECT count(*) FROM facts")
        answer = query("SELECT DISTINCT source FROM facts ORDER BY source", partial=True)
        assert answer.table["source"].to_pylist() == ["balance_sheet", "pnl"]
        assert list(answer.missing) == ["cash_flow"]
        assert "cannot be reached" in answer.missing["cash_flow"]
        assert query("SELECT count(*) AS n FROM balance_sheet").table.to_pylist() == [{"n": 2}]  # it is not asked
        of_pnl = "SELECT count(*) AS n FROM income_statement WHERE source = 'pnl'"
        assert query(of_pnl).table.to_pylist() == [{"n": 3}]


def test_of_sources_that_all_fail_there_is_no_partial_answer(deployment):
    with pytest.raises(SourceUnavailable):
        query("SELECT count(*) FROM facts", partial=True)


def test_financials_without_a_source_name_it(deployment):
    with answering_services(deployment.data) as urls:
        deployment.use({name: url for name, url in urls.items() if name != "cash_flow"})
        answer = query("SELECT company_id, net_income FROM financials WHERE net_income > 0", partial=True)
        assert list(answer.missing) == ["cash_flow"]
        assert answer.table.to_pylist() == [{"company_id": "A1", "net_income": 100_000.0}]


def test_an_answer_is_kept_until_a_source_changes(running):
    first = query(REVENUE)
    again = query(REVENUE)
    assert not first.from_cache
    assert again.from_cache
    assert again.table.equals(first.table)

    text = (running.data / "pnl.csv").read_text()
    (running.data / "pnl.csv").write_text(text.replace('"2,000"', '"2,500"'))
    with answering_services(running.data) as urls:
        running.use(urls)
        changed = query(REVENUE)
    assert not changed.from_cache
    assert {"source": "pnl", "company_id": "A1", "revenue": 2_500_000.0} in changed.table.to_pylist()


def test_cells_that_a_run_would_not_accept_are_not_left_out_silently(deployment):
    text = (deployment.data / "pnl.csv").read_text()
    for number in ("1,000", "2,000", "7,000"):
        text = text.replace(f'"{number}"', f'"US$ {number}"')
    (deployment.data / "pnl.csv").write_text(text)
    with answering_services(deployment.data) as urls:
        deployment.use(urls)
        answer = query(REVENUE)
        again = query(REVENUE)
        greatest = query("SELECT company_id, max(revenue) AS most FROM income_statement GROUP BY company_id")
    [note] = answer.notes
    assert note.startswith("pnl: 3 of 3 ")
    assert again.notes == answer.notes
    assert greatest.notes[0].startswith("pnl: 4 of 11 ")


def test_cells_that_cannot_be_read_are_noted_whichever_way_the_rows_are_read(deployment):
    file = deployment.data / "pnl.csv"
    text = file.read_text()
    for number in ("1,000", "2,000", "7,000"):
        text = text.replace(f'"{number}"', f'"US$ {number}"')
    of_revenue = "FROM facts WHERE item = 'revenue'"

    def notes(content: str, selected: str) -> tuple[str, ...]:
        file.write_text(content)
        with answering_services(deployment.data) as urls:
            deployment.use(urls)
            return query(f"SELECT {selected} {of_revenue}").notes

    [by_sql] = notes(text, "source, value")
    assert by_sql.startswith("pnl: 3 of 3 ")
    assert notes(text, "source, value, first_seen") == (by_sql,)
    twice = text + "".join(text.splitlines(keepends=True)[1:5])  # rows of the same key have a meaning only together
    [dependent] = notes(twice, "source, value")
    assert dependent.startswith("pnl: 3 of 3 ")


def test_rules_of_agreement_that_cannot_be_read_are_named_and_never_taken_as_none(running, monkeypatch):
    by_default = query("SELECT count(*) AS n FROM financials").table
    monkeypatch.setenv("FINSYNC_AGREEMENT", str(running.folder / "gone.yaml"))
    with pytest.raises(ConfigurationError, match=r"gone\.yaml: cannot be read"):
        query("SELECT count(*) AS n FROM financials")
    assert query("SELECT count(*) AS n FROM facts").table["n"][0].as_py() > by_default["n"][0].as_py()


def test_an_answer_that_depends_on_the_moment_is_not_kept(running):
    sql = "SELECT count(*) AS n, now() AS moment FROM facts"
    assert query(sql).table["moment"] != query(sql).table["moment"]


@pytest.mark.long
def test_what_is_kept_has_a_bound(running, monkeypatch):
    monkeypatch.setenv("FINSYNC_QUERY_CACHE", "100000")
    for number in range(8):
        query(f"SELECT *, {number} AS number FROM facts")
    kept = sum(file.stat().st_size for file in (running.home / "query_cache").rglob("*.arrow"))
    assert 0 < kept <= 100_000


def test_the_review_decides_at_once(running):
    sql = "SELECT revenue FROM income_statement WHERE company_id = 'G1' AND revenue IS NOT NULL"
    assert query(sql).table.to_pylist() == [{"revenue": 7e6}]
    (running.folder / "review.csv").write_text("source_name,company_id,who,when\nInitech,G1,jane,2026-01-05\n")
    assert query(sql).table.to_pylist() == [{"revenue": 9e6}]  # what a person decided is more certain


@pytest.mark.long
def test_a_source_that_is_silent_ends_at_the_deadline_and_its_request_is_ended(running, monkeypatch):
    query(REVENUE)  # what the others have is learnt, so that they respond in time
    monkeypatch.setenv("FINSYNC_QUERY_SECONDS", "5")
    with misbehaving(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", seconds=30) as silent:
        running.use({"pnl": silent.url})
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="FINSYNC_QUERY_SECONDS"):
            query(REVENUE)
        assert time.monotonic() - began < 29
        answer = query(REVENUE, partial=True)
        assert list(answer.missing) == ["pnl"]


def test_cancelling_ends_the_requests_of_all_threads(deployment):
    with misbehaving(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", seconds=60) as silent:
        deployment.use({"pnl": silent.url})
        mapping = query_deployment().mappings["pnl"]
        with service_of(mapping) as service:
            ended: list[Exception] = []
            threads = [threading.Thread(target=_asks, args=(service, ended)) for _ in range(3)]
            for thread in threads:
                thread.start()
            while len(silent.requests) < 3:
                time.sleep(0.01)
            service.cancel()
            for thread in threads:
                thread.join(10)
        assert len(ended) == 3
        assert len(silent.requests) == 3  # none of them was sent again


def _asks(service, ended: list[Exception]) -> None:
    try:
        service.query("SELECT 1")
    except SourceUnavailable as error:
        ended.append(error)


def test_the_plan_says_what_was_sent_and_what_stays_here(running):
    answer = query(
        "SELECT company_id, revenue FROM income_statement WHERE company_id = 'A1' AND revenue > 1e6", explain=True
    )
    reports = {report["source"]: report for report in answer.plan.as_dict()["sources"]}
    assert set(reports) == {"pnl", "cash_flow"}
    [sql] = reports["pnl"]["sent"]
    assert "'ACME CORP'" in sql
    assert "'Acme Corporation'" in sql
    assert "Globex" not in sql
    assert reports["pnl"]["bytes"] > 0
    assert reports["cash_flow"]["sent"] == []


def test_explain_before_the_select_shows_the_plan(running, capsys):
    assert running.finsync("query", f"EXPLAIN {REVENUE}") == 0
    shown = capsys.readouterr().out
    assert "DuckDB, here" in shown
    assert "sent: SELECT" in shown
    with pytest.raises(QueryError, match="line 1, column 16"):
        query("EXPLAIN SELECT revenu FROM income_statement")


def test_a_datasette_server_answers_its_part_of_a_query(running, monkeypatch):
    database = running.folder / "pnl.db"
    served = pd.read_csv(running.data / "pnl.csv", dtype=str, keep_default_na=False)
    with closing(sqlite3.connect(database)) as connection, connection:
        served.to_sql("pnl", connection, index=False)
    expected = query(REVENUE).table
    with datasette("-i", database, max_returned_rows=2) as url:
        answer = query(REVENUE, _at_datasette(query_deployment(), url))
        assert answer.table.equals(expected)
        explained = query(REVENUE, _at_datasette(query_deployment(), url), explain=True)
    [report] = [each for each in explained.plan.as_dict()["sources"] if each["source"] == "pnl"]
    assert len(report["sent"]) > 1  # in parts, since it returns two rows at once


def _at_datasette(deployment: Queried, url: str) -> Queried:
    at_datasette = {"connection": DatasetteConnection(kind="datasette", database="pnl"), "url": url}
    pnl = deployment.mappings["pnl"].model_copy(update=at_datasette)
    return replace(deployment, mappings={**deployment.mappings, "pnl": pnl})


def test_sql_reads_nothing_but_the_views(running, tmp_path: Path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for sql in (f"SELECT * FROM read_csv('{secret}')", f"SELECT * FROM '{secret}'", "SELECT * FROM rows_of_pnl"):
        with pytest.raises(QueryError):
            query(sql)
