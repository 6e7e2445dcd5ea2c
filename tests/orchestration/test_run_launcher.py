"""The run launcher takes nothing but the job from a run's row."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun
from dagster._core.code_pointer import FileCodePointer
from dagster._core.launcher.base import LaunchRunContext, ResumeRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from finsync_pipeline.orchestration.run_launcher import CODE_FOLDER_SETTING, ConfiguredRunLauncher

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, Any] = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))["run_launcher"]
HOSTILE = {
    "env_vars": ["ALSO=1"],
    "docker": {
        "registry": {"url": "http://elsewhere.example", "username": "a", "password": "b"},
        "env_vars": ["MORE=1"],
        "networks": ["host"],
        "container_kwargs": {
            "volumes": ["/:/host"],
            "user": "0:0",
            "entrypoint": ["sh", "-c", "id"],
            "privileged": True,
            "cap_add": ["ALL"],
            "read_only": False,
        },
    },
}


@pytest.fixture
def launcher() -> ConfiguredRunLauncher:
    return ConfiguredRunLauncher(**SETTINGS["config"])


@pytest.fixture
def run() -> DagsterRun:
    code = RepositoryPythonOrigin(
        "/bin/sh", FileCodePointer("/host/x.py", "x"), "another-image", ["sh", "-c", "id"], HOSTILE
    )
    return DagsterRun(job_name="quarter", job_code_origin=JobPythonOrigin("other", code))


def test_the_container_of_a_run_is_the_configured_one(launcher, run):
    context = launcher.get_container_context(run)
    assert context.container_kwargs == SETTINGS["config"]["container_kwargs"]
    assert context.networks == SETTINGS["config"]["networks"]
    assert context.env_vars == SETTINGS["config"]["env_vars"]
    assert context.registry is None


@pytest.mark.parametrize(("method", "context"), [("launch_run", LaunchRunContext), ("resume_run", ResumeRunContext)])
def test_image_and_command_of_a_run_are_the_configured_ones(launcher, run, monkeypatch, method, context):
    launched = []
    monkeypatch.setattr(launcher, "_launch_container_with_command", lambda *arguments: launched.append(arguments))
    monkeypatch.setattr(ConfiguredRunLauncher, "_instance", type("Instance", (), {"get_ref": lambda _: None})())
    getattr(launcher, method)(context(run, None))
    ((_, image, command),) = launched
    assert image == "finsync-pipeline"
    assert command[:4] == ["python", "-m", "dagster", "api"]
    assert command[4] == ("execute_run" if method == "launch_run" else "resume_run")
    assert run.run_id in command[5]
    assert not [text for text in ("/bin/sh", "/host", "another-image", "elsewhere") if text in command[5]]


class Engine:
    """The engine with one container, which has this label of a run."""

    def __init__(self, label: str) -> None:
        self.containers = self
        self.labels = {"dagster/run_id": label}

    def get(self, _: str) -> "Engine":
        return self


@pytest.mark.parametrize("is_own", [True, False])
def test_no_container_but_that_of_the_run_is_asked_about_or_stopped(launcher, run, monkeypatch, is_own):
    run = run.with_tags({"docker/container_id": "abc"})
    monkeypatch.setattr(launcher, "_get_client", lambda _: Engine(run.run_id if is_own else "another"))
    assert (launcher._get_container(run) is not None) == is_own


def test_other_code_is_mounted_where_the_daemon_has_the_setting(launcher, run, monkeypatch):
    monkeypatch.setenv(CODE_FOLDER_SETTING, "/srv/checkout")
    configured = SETTINGS["config"]["container_kwargs"]["volumes"]
    volumes = launcher.get_container_context(run).container_kwargs["volumes"]
    assert volumes == [*configured, "/srv/checkout:/app/finsync_pipeline:ro"]


def test_without_an_image_it_does_not_start():
    with pytest.raises(ValueError, match="has no image"):
        ConfiguredRunLauncher(**{**SETTINGS["config"], "image": None})
