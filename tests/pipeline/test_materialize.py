"""What `finsync run` and its like print of steps that fail, and what `finsync show` prints of a release."""

import json

import dagster as dg
import pytest

from finsync_pipeline.cli import materialize

HOSTILE = "[/nope]\x1b[31m"


@dg.resource(config_schema={"allow_missing": [str]})
def publication(context: dg.InitResourceContext) -> None:
    """Stands in for the resource that every command configures."""


@dg.asset(required_resource_keys={"publication"}, deps=["explained", "faulty"])
def company_summary() -> None:
    raise AssertionError("its dependencies failed")


@dg.asset
def explained() -> None:
    raise dg.Failure(f"the source is down {HOSTILE}")


@dg.asset
def faulty() -> None:
    raise KeyError(HOSTILE)


@pytest.mark.parametrize(
    ("asset", "shown", "has_traceback"),
    [
        (explained, "✗ explained: the source is down [/nope]\\x1b[31m\n", False),
        (faulty, "✗ faulty: dagster._core.errors.DagsterExecutionStepExecutionError", True),
    ],
)
def test_a_failure_is_shown_by_its_description_and_a_programming_error_with_its_traceback(
    deployment, monkeypatch, capsys, asset: dg.AssetsDefinition, shown: str, has_traceback: bool
):
    definitions = dg.Definitions([asset, company_summary], resources={"publication": publication})
    monkeypatch.setattr(materialize, "load_definitions", lambda: definitions)

    assert not materialize.materialize(dg.AssetSelection.all(), {}, [])
    text = capsys.readouterr().out

    assert shown in text
    assert ("raise KeyError(HOSTILE)" in text) is has_traceback
    assert "Nothing is published" in text
    assert "\x1b" not in text


def _changed(deployment, **changes) -> None:
    file = deployment.published / "current/manifest.json"
    file.chmod(0o644)
    manifest = json.loads(file.read_text())
    manifest["sources"]["pnl"] |= changes
    file.write_text(json.dumps(manifest))


def test_a_source_that_may_be_missing_is_not_called_outdated(worked, capsys):
    quarter = {"quarter": "2009-07-01", "status": "stale", "data_version": "v1"}
    _changed(worked, allowed_missing=True, quarters=[quarter])

    assert worked.finsync("show") == 0
    assert "pnl: --allow-missing: its 1 stored quarters are used, current or not" in capsys.readouterr().out


def test_quarters_with_other_rows_at_the_source_are_named_with_the_fix(worked, capsys):
    days = [f"20{year:02}-07-01" for year in range(10, 16)]
    _changed(worked, quarters=[{"quarter": day, "status": "stale", "data_version": "v1"} for day in days])

    assert worked.finsync("show") == 0
    text = " ".join(capsys.readouterr().out.split())
    shown = "2010-07-01, 2011-07-01, 2012-07-01, 2013-07-01 and 2 more"
    assert f"pnl: the source has other rows now in {shown}; bring them in: finsync run" in text
