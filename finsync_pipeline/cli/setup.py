"""The local set-up: `.env` and finsync.env in the working folder, and the Dagster instance of this machine."""

import errno
import os
import tempfile
from importlib.resources import files
from pathlib import Path

from dotenv import dotenv_values

from finsync_pipeline.settings import DAGSTER_FILE, SETTINGS_FILE, home

ROOM_BYTES = 1 << 20
"""What Dagster writes of a small run; where there is less room, none begins."""


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
    _write(file, f"{text}{name}={value}\n")


def local_instance() -> Path:
    """The folder of the Dagster instance, which is made if it does not exist.

    It is DAGSTER_HOME of the environment, else of `.env`, else below FINSYNC_HOME. Raises OSError if it is read-only.
    """
    found = os.environ.get("DAGSTER_HOME") or dotenv_values(DAGSTER_FILE).get("DAGSTER_HOME") or home() / "dagster"
    instance = Path(found).absolute()
    os.environ["DAGSTER_HOME"] = str(instance)
    configuration = instance / "dagster.yaml"
    if not configuration.exists():
        _write(configuration, files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8"))
    for folder in (instance, instance / "history"):
        if folder.exists():
            _check_room(folder)
    return instance


def _check_room(folder: Path) -> None:
    """Raise OSError, with the folder, if nothing can be written there: SQLite would not name it."""
    try:
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None


def _write(file: Path, text: str) -> None:
    """Write it beside its place and rename it: half a file of settings would be taken for a whole one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
