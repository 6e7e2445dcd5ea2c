"""The local set-up and the local web UI."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from finsync_pipeline.local.services import services_running
from finsync_pipeline.settings import home


def set_up(folder: Path) -> int:
    """Write `.env` into the folder and the Dagster instance below FINSYNC_HOME; what is there stays."""
    data = home()
    env = folder / ".env"
    if not env.exists():
        env.write_text(f"DAGSTER_HOME={data / 'dagster'}\nFINSYNC_HOME={data}\n", encoding="utf-8")
    instance = Path(os.environ.get("DAGSTER_HOME") or data / "dagster") / "dagster.yaml"
    if not instance.exists():
        instance.parent.mkdir(parents=True, exist_ok=True)
        instance.write_text(files(__package__).joinpath("dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return 0


def serve(port: int, with_services: bool) -> int:
    """Run `dagster dev` until it is stopped."""
    workspace = Path("workspace.yaml")
    target = ["-w", str(workspace)] if workspace.exists() else ["-m", "finsync_pipeline.definitions"]
    command = [sys.executable, "-m", "dagster", "dev", *target, "-p", str(port)]
    with services_running(with_services):
        return subprocess.run(command, check=False).returncode
