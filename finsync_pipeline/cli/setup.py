"""The local set-up: `.env` and finsync.env in the working folder, and the Dagster instance of this machine."""

import errno
import os
from importlib.resources import files
from pathlib import Path

from dotenv import dotenv_values

from finsync_pipeline.settings import DAGSTER_FILE, SETTINGS_FILE, home


def setup() -> int:
    """Write `.env`, where Dagster's commands find the instance, and finsync.env; what they already set stays."""
    _set_once(Path(DAGSTER_FILE), "DAGSTER_HOME", local_instance())
    if not Path(SETTINGS_FILE).exists():
        _set_once(Path(SETTINGS_FILE), "FINSYNC_HOME", home())
    return 0


def _set_once(file: Path, name: str, value: Path) -> None:
    """Add the setting to the file, which is made if it does not exist, unless it is there."""
    if name in dotenv_values(file):
        return
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    text += "\n" if text and not text.endswith("\n") else ""
    file.write_text(f"{text}{name}={value}\n", encoding="utf-8")


def local_instance() -> Path:
    """The folder of the Dagster instance, which is made if it does not exist.

    It is DAGSTER_HOME of the environment, else of `.env`, else below FINSYNC_HOME. Raises OSError if it is read-only.
    """
    found = os.environ.get("DAGSTER_HOME") or dotenv_values(DAGSTER_FILE).get("DAGSTER_HOME") or home() / "dagster"
    instance = Path(found).absolute()
    os.environ["DAGSTER_HOME"] = str(instance)
    configuration = instance / "dagster.yaml"
    if not configuration.exists():
        instance.mkdir(parents=True, exist_ok=True)
        text = files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8")
        configuration.write_text(text, encoding="utf-8")
    databases = instance / "history"
    if databases.exists() and not os.access(databases, os.W_OK):  # SQLite would not name the folder
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(databases))
    return instance
