"""People in the loop: what they are asked, and how what they decide reaches the release without the sources."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from local_services import answering_services

from finsync_pipeline.definitions import defs
from finsync_pipeline.identity import Reference
from finsync_pipeline.identity.review import REVIEW_COLUMNS
from finsync_pipeline.storage.parquet import read_frame, write_frame

START, END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
HEADER = "source,source_name,company_id,who,when,note\n"
Q3, Q4 = "2009-07-01", "2009-10-01"


def review(deployment, *lines: str) -> None:
    (deployment.folder / "review.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))


def list_company(deployment, line: str) -> None:
    with (deployment.folder / "companies.csv").open("a") as file:
        file.write(f"{line}\n")


def tick(cursor: str | None = None) -> dg.SensorResult:
    sensor = defs().get_repository_def().get_sensor_def("decisions_outdated")
    with dg.DagsterInstance.get() as instance, dg.build_sensor_context(instance, cursor) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def run_requested(result: dg.SensorResult) -> dg.ExecuteInProcessResult:
    """Run the one run that the sensor asks for, as the daemon would."""
    [request] = result.run_requests or []
    job = defs().get_repository_def().get_job("re_resolve").get_subset(asset_selection=set(request.asset_selection))
    with dg.DagsterInstance.get() as instance:
        return job.execute_in_process(request.run_config, instance=instance, tags=request.tags)


def tables(deployment) -> dict[Path, tuple[bytes, int]]:
    """Every stored table: what is in it, and when it was written."""
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (deployment.home / "tables").rglob("*.parquet")
    }


def latest(key: str, partition: str | None = None) -> dict[str, Any]:
    """The metadata of the latest materialization."""
    with dg.DagsterInstance.get() as instance:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(
                dg.AssetKey.from_user_string(key), asset_partitions=[partition] if partition else None
            ),
            limit=1,
        ).records
    [record] = records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


@pytest.mark.long
def test_a_changed_review_is_applied_to_the_rows_kept_while_all_services_are_down(
    worked, monkeypatch: pytest.MonkeyPatch
):
    before = tables(worked)
    list_company(worked, "I1,Quite Another Name,,")
    review(
        worked,
        "pnl,INITECH,I1,jane,2026-01-31,by its address",
        "*,GLBX,reject,jane,2026-01-31,",
        ",Nowhere Ltd,A1,joe,2026-01-31,",
    )

    asked = tick()
    assert [(request.tags[START], request.tags[END]) for request in asked.run_requests or []] == [(Q4, Q4)]
    result = run_requested(asked)

    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert len(result.get_asset_check_evaluations()) == 6
    after = tables(worked)
    written = {path for path in before if after[path] != before[path]}
    assert {path.stem for path in written if path.parent.name in ("raw", "company_ids", "facts", "rejects")} == {Q4}
    assert not {path for path in written if path.parent.name in ("raw", "inventory")}
    facts = {path for path in written if path.parent.name == "facts" and after[path][0] != before[path][0]}
    assert {path.parts[-3] for path in facts} == {"pnl", "cash_flow"}

    nothing = tick()
    assert not nothing.run_requests
    assert "No decision would be another one" in str(nothing.skip_reason)
    assert "have changed" in str(tick(nothing.cursor).skip_reason)
    assert latest("identity_review")["unused_review_lines"] == 1
    assert "Nowhere Ltd" in latest("identity_review")["unused"]

    assert worked.finsync("release", "--accept", "rejected by hand") == 0
    replayed = worked.csv()
    assert worked.table("company_summary").set_index("company_id").loc["I1", "revenue"] == 9_000_000
    rejected = worked.table("rejects").query("reason == 'company_rejected'")
    assert [json.loads(text)["company"] for text in rejected["raw_text"]] == ["GLBX"]
    assert worked.table("ledger").query("rows_in > 0")["review_version"].nunique() == 2

    monkeypatch.setenv("FINSYNC_HOME", str(worked.folder / "from_scratch"))
    with answering_services(worked.data) as urls:
        worked.use(urls)
        assert worked.finsync("run") == 0
    current = worked.folder / "from_scratch" / "published" / "current"
    [csv] = current.glob("company_summary_*.csv")
    assert csv.read_bytes() == replayed
    decided = pd.read_parquet(current / "company_ids.parquet")
    columns = [column for column in decided if not column.endswith("_version")]
    pd.testing.assert_frame_equal(worked.table("company_ids")[columns], decided[columns])


@pytest.mark.long
def test_a_release_refuses_what_the_review_overtakes_until_it_is_decided_again(
    worked, capsys: pytest.CaptureFixture[str]
):
    review(worked, "pnl,Acme Corporation,reject,jane,2026-01-31,", "pnl,Never Spelt,A1,jane,2026-01-31,")
    assert worked.finsync("review") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "pnl Initech 1 2009-12-31 unknown" in said
    assert "Not used: the review's line on 'Never Spelt' of pnl (jane, 2026-01-31)" in said

    assert worked.finsync("re-resolve", "--accept", "rejected by hand") == 0

    said = capsys.readouterr().out
    assert "Re-resolved: 2009-Q3 to 2009-Q3" in said
    assert "company_rejected" in said
    assert worked.table("company_summary").set_index("company_id").loc["A1", "revenue"] == 2_000_000
    decided = worked.table("company_ids").set_index("source_name").loc["Acme Corporation"]
    assert (decided["status"], decided["method"]) == ("rejected", "review")
    assert decided["steps"].startswith("jane, 2026-01-31. Without the review: accepted, A1 by ")

    published = worked.csv()
    review(worked)
    lists = (
        defs()
        .get_repository_def()
        .get_job("re_resolve")
        .get_subset(
            asset_selection={dg.AssetKey("companies"), dg.AssetKey("company_aliases"), dg.AssetKey("review_lines")}
        )
    )
    with dg.DagsterInstance.get() as instance:
        assert lists.execute_in_process(instance=instance).success
    assert worked.finsync("release") == 1
    assert "has outdated quarters (the review decides otherwise): 2009-Q3" in " ".join(capsys.readouterr().out.split())
    assert worked.csv() == published


def test_lines_of_the_questions_can_be_filled_in_and_copied_to_the_review(worked, capsys: pytest.CaptureFixture[str]):
    assert worked.finsync("review", "--csv") == 0
    printed = capsys.readouterr().out
    assert (worked.home / "identity_review.csv").read_text() == printed
    header, line = printed.splitlines()
    cells = dict(zip(header.split(","), line.split(","), strict=True))
    assert (cells["source_name"], cells["row_count"], cells["status"]) == ("Initech", "1", "unknown")

    filled = cells | {"company_id": "G1", "who": "jane", "when": "2026-01-31"}
    (worked.folder / "review.csv").write_text(f"{header}\n{','.join(filled.values())}\n")
    assert worked.finsync("check") == 0
    assert "review     1 decisions from" in capsys.readouterr().out
    assert worked.finsync("review") == 0
    assert "1 source names" in capsys.readouterr().out  # it is not decided again yet

    (worked.folder / "review.csv").write_text(f"{','.join(REVIEW_COLUMNS)}\n{','.join(filled.values())}\n")
    assert worked.finsync("check") == 0
    assert "review     1 decisions from" in capsys.readouterr().out

    for wrong, told in (("G1,,,jane", "X9,,,jane"), "'X9' is not in the list"), (("jane", ""), "column who: is blank"):
        (worked.folder / "review.csv").write_text(f"{header}\n{','.join(filled.values()).replace(*wrong)}\n")
        for command in ("check", "review", "re-resolve"):
            assert worked.finsync(command) == 2
            assert told in capsys.readouterr().err


@pytest.mark.long
def test_lines_of_the_review_that_decide_nothing_are_named_with_what_to_do(worked, capsys: pytest.CaptureFixture[str]):
    review(
        worked,
        "pnl,Inytech,G1,jane,2026-01-31,",
        "cash_flow,Initech,G1,jane,2026-01-31,",
        ",initech,G1,joe,2026-01-31,",
    )
    again = ["re-resolve", "--accept", "decided by hand"]
    unused = [
        "Not used: the review's line on 'Inytech' of pnl (jane, 2026-01-31): correct its source name",
        "Not used: the review's line on 'Initech' of cash_flow (jane, 2026-01-31): correct its source name, source",
    ]
    for command in (["check"], ["review"], again, again):
        assert worked.finsync(*command) == 0
        said = capsys.readouterr().out
        assert [line in said for line in unused] == [True, True], command
        assert said.count("Not used:") == 2

    review(worked, ",Initech,G1,joe,2026-01-31,")
    for command in (["check"], again):
        assert worked.finsync(*command) == 0
        assert "Not used:" not in capsys.readouterr().out


def test_before_anything_was_decided_no_line_of_the_review_is_named(deployment, capsys: pytest.CaptureFixture[str]):
    review(deployment, "pnl,Initech,G1,jane,2026-01-31,")
    assert deployment.finsync("check") == 0
    assert "Not used:" not in capsys.readouterr().out


def test_a_company_that_changes_no_decision_has_only_the_lists_read_again(worked):
    before = tables(worked)
    list_company(worked, "Z1,Zebra Holdings,ZBRA,")

    asked = tick()
    assert [START in request.tags for request in asked.run_requests or []] == [False]
    assert run_requested(asked).success

    after = tables(worked)
    changed = {str(path.relative_to(worked.home / "tables")) for path in before if after[path] != before[path]}
    assert changed == {
        f"{table}.parquet" for table in ("companies", "company_aliases", "review_lines", "identity_review")
    }
    assert not tick().run_requests


def test_other_rules_are_noticed_and_what_they_decide_the_same_is_released(worked, monkeypatch: pytest.MonkeyPatch):
    seen = tick().cursor
    assert "have changed" in str(tick(seen).skip_reason)

    monkeypatch.setattr(Reference, "RULES", Reference.RULES + 1)
    assert "No decision would be another one" in str(tick(seen).skip_reason)
    assert worked.finsync("release") == 0


def test_only_sources_that_have_rows_kept_are_decided_again(worked):
    for table in ("raw", "company_ids", "facts", "texts", "rejects", "ledger"):
        (worked.home / f"tables/cash_flow/{table}/{Q4}.parquet").unlink()
    review(worked, "pnl,Acme Corporation,reject,jane,2026-01-31,", ",ACME,reject,jane,2026-01-31,")

    third, fourth = sorted(tick().run_requests or [], key=lambda request: request.tags[START])

    assert (third.tags[START], fourth.tags[START]) == (Q3, Q4)
    assert dg.AssetKey(["cash_flow", "facts"]) not in fourth.asset_selection
    assert fourth.run_config["resources"]["publication"]["config"] == {"allow_missing": ["cash_flow"]}
    assert third.run_config["resources"]["publication"]["config"] == {"allow_missing": []}
    assert dg.AssetKey(["pnl", "raw"]) not in third.asset_selection


def test_facts_made_by_other_decisions_than_are_stored_are_made_again_and_asked_for_once_a_day(worked):
    ledger = worked.home / f"tables/pnl/ledger/{Q3}.parquet"
    write_frame(read_frame([ledger]).assign(review_version="another"), ledger)

    today, first = datetime.now(UTC).date(), tick()
    for table in ("review_lines", f"pnl/company_ids/{Q3}"):  # all that a run leaves whose facts do not add up
        os.utime(worked.home / f"tables/{table}.parquet")
    second = tick()
    os.utime(ledger)
    third = tick()

    keys = [[request.run_key for request in asked.run_requests or []] for asked in (first, second, third)]
    assert [request.tags[START] for request in first.run_requests or []] == [Q3]
    assert keys[0] == keys[1] or today != datetime.now(UTC).date()
    assert keys[1] != keys[2]
    assert worked.finsync("release") == 1


def test_nothing_is_asked_for_while_a_run_is_going_on(worked):
    review(worked, "pnl,Acme Corporation,reject,jane,2026-01-31,")
    job = defs().get_repository_def().get_job("re_resolve")
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    waiting = tick()

    assert not waiting.run_requests
    assert f"Run {run.run_id[:8]} has not ended" in str(waiting.skip_reason)


def test_methods_are_numbers_of_each_quarter_and_a_table_over_all(released, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(released.home / "dagster"))

    numbers = latest("pnl/company_ids", Q4)
    assert {name: numbers[name] for name in ("rows_normalised", "rows_unknown", "rows_rejected", "share_accepted")} == {
        "rows_normalised": 2,
        "rows_unknown": 1,
        "rows_rejected": 0,
        "share_accepted": pytest.approx(2 / 3),
    }
    table = latest("company_id_corrections")["methods_by_quarter"]
    assert table.splitlines()[0].startswith("| quarter |")
    assert "| 2009-Q4 |" in table
    assert "Initech" in latest("identity_review")["queue"]
    assert latest("identity_review")["rows_rejected"] == 1
