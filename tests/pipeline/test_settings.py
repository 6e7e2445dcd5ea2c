"""Where settings are read, and that their page is made from them."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from factories import PROJECT

from finsync_pipeline.cli import main
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.settings import SETTINGS, api_settings, home, load_settings_file, web_hosts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with nothing set in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("FINSYNC_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    # What the files add to the environment goes away with monkeypatch
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return tmp_path


def test_the_settings_file_is_read_and_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "finsync.env").write_text("FINSYNC_HOME=/from/file\n")
    load_settings_file()
    from_file = home()
    monkeypatch.setenv("FINSYNC_HOME", "/from/environment")
    load_settings_file()

    assert (from_file, home()) == (Path("/from/file"), Path("/from/environment"))


@pytest.mark.parametrize("name", ["FINSYNC_HOME", "FINSYNC_RELEASE_CRON", "FINSYNC_TAX_URL"])
def test_settings_in_the_file_that_dagster_reads_are_refused_by_every_command(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
):
    (folder / ".env").write_text(f"DAGSTER_HOME=/somewhere\n{name}=/elsewhere\nFINSYNC_PORT=3100\n")

    for command in ("setup", "show", "run"):
        assert main([command]) == 2
        assert capsys.readouterr().err == (
            f"finsync: {folder / '.env'}: it sets {name}, which Dagster's commands would put over the environment. "
            "Move the lines that begin with FINSYNC_ to finsync.env in the same folder.\n"
        )
    assert sorted(path.name for path in folder.iterdir()) == [".env"]


def test_a_code_location_refuses_them_too(folder: Path):
    (folder / ".env").write_text("FINSYNC_HOME=/elsewhere\n")

    done = subprocess.run(
        [sys.executable, "-c", "from finsync_pipeline.definitions import defs; defs()"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )

    assert "ConfigurationError" in done.stderr
    assert "Move the lines that begin with FINSYNC_ to finsync.env" in done.stderr


def test_set_up_writes_a_file_for_dagster_and_one_for_finsync_and_keeps_what_is_there(folder: Path):
    assert main(["setup"]) == 0
    written = {name: (folder / name).read_text() for name in (".env", "finsync.env")}
    (folder / "finsync.env").write_text("FINSYNC_HOME=mine\n")
    assert main(["setup"]) == 0

    assert written == {
        ".env": f"DAGSTER_HOME={folder}/finsync_data/dagster\n",
        "finsync.env": f"FINSYNC_HOME={folder}/finsync_data\n",
    }
    assert (folder / "finsync.env").read_text() == "FINSYNC_HOME=mine\n"
    assert (folder / "finsync_data/dagster/dagster.yaml").exists()


def test_set_up_adds_the_instance_to_what_make_secrets_wrote(folder: Path):
    (folder / ".env").write_text("FINSYNC_SECRETS=./secrets")
    assert main(["setup"]) == 0
    assert main(["setup"]) == 0

    assert (folder / ".env").read_text() == f"FINSYNC_SECRETS=./secrets\nDAGSTER_HOME={folder}/finsync_data/dagster\n"


def test_host_names_of_the_web_ui_are_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FINSYNC_WEB_HOSTS", " Dagster.example.org,, localhost.example ")
    assert web_hosts() == {"dagster.example.org", "localhost.example"}
    for text in ("http://a.example", "a.example:3000", "*", "a b"):
        monkeypatch.setenv("FINSYNC_WEB_HOSTS", text)
        with pytest.raises(ConfigurationError, match="FINSYNC_WEB_HOSTS"):
            web_hosts()


def test_links_to_dagster_lead_to_a_page(monkeypatch: pytest.MonkeyPatch):
    assert api_settings().dagster == "http://127.0.0.1:3000"
    monkeypatch.setenv("FINSYNC_DAGSTER_URL", "https://dagster.example.org/ui/")
    assert api_settings().dagster == "https://dagster.example.org/ui"
    for text in ("dagster.example.org", "javascript:alert(1)", "http://", "http://a b", "http://user@host"):
        monkeypatch.setenv("FINSYNC_DAGSTER_URL", text)
        with pytest.raises(ConfigurationError, match="FINSYNC_DAGSTER_URL"):
            api_settings()


def test_the_instance_is_that_of_the_environment_else_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / ".env").write_text(f"DAGSTER_HOME={folder / 'of_file'}\n")
    assert main(["setup"]) == 0
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "of_environment"))
    assert main(["setup"]) == 0

    assert sorted(path.name for path in folder.glob("of_*/dagster.yaml")) == ["dagster.yaml"] * 2


def test_the_page_of_settings_is_made_from_the_code():
    page = runpy.run_path(str(PROJECT / "docs/settings_page.py"))["page"]()

    assert (PROJECT / "docs/settings.md").read_text(encoding="utf-8") == page
    assert all(f"`{name}`" in page for name in SETTINGS)
    assert "`FINSYNC_SERVICES_QUERY_SECONDS`" in page
