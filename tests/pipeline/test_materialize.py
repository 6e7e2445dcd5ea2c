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


def test_quarters_that_are_not_current_are_named_with_their_state(worked, capsys):
    days = [f"20{year:02}-07-01" for year in range(10, 16)]
    states = [{"quarter": day, "state": "outdated", "data_version": "v1"} for day in days]
    _changed(worked, quarters=[{"quarter": "2009-07-01", "state": "current", "data_version": "v1"}, *states])

    assert worked.finsync("show") == 0
    text = " ".join(capsys.readouterr().out.split())
    shown = "2010-07-01, 2011-07-01, 2012-07-01, 2013-07-01"
    assert f"pnl: 6 quarters are outdated (see finsync status): {shown}" in text
    assert "quarters are current" not in text


def test_a_release_of_an_earlier_version_is_shown(worked, capsys):
    assert worked.finsync("show") == 0
    shown = capsys.readouterr().out

    file = worked.published / "current/manifest.json"
    file.chmod(0o644)
    text = file.read_text()
    for key, key_before in (
        ("rows_rejected", "rows_refused"),
        ("cells_rejected", "cells_refused"),
        ("unassigned_rows", "undated_rows"),
        ("unassigned_cells", "undated_cells"),
        ("state", "status"),
    ):
        assert f'"{key}":' in text
        text = text.replace(f'"{key}":', f'"{key_before}":')
    file.write_text(text)

    assert worked.finsync("show") == 0
    assert capsys.readouterr().out == shown
