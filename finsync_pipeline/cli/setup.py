"""The local set-up: `.env`, and the Dagster instance of this machine."""

import os
from importlib.resources import files
from pathlib import Path

from finsync_pipeline.settings import home


def set_up(folder: Path) -> int:
    """Write `.env` into the folder, so that the bare dagster commands find the instance; what is there stays."""
    instance = local_instance()
    env = folder / ".env"
    if not env.exists():
        env.write_text(f"DAGSTER_HOME={instance}\nFINSYNC_HOME={home()}\n", encoding="utf-8")
    return 0


def local_instance() -> Path:
    """The folder of the Dagster instance: DAGSTER_HOME, else below FINSYNC_HOME; made if it is not there."""
    instance = Path(os.environ.setdefault("DAGSTER_HOME", str(home() / "dagster")))
    settings = instance / "dagster.yaml"
    if not settings.exists():
        instance.mkdir(parents=True, exist_ok=True)
        settings.write_text(files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return instance
