"""The local web UI."""

import subprocess
import sys
from pathlib import Path

from finsync_pipeline.cli.services import services_running
from finsync_pipeline.cli.setup import local_instance


def serve(port: int, with_services: bool) -> int:
    """Run `dagster dev` until it is stopped."""
    local_instance()
    workspace = Path("workspace.yaml")
    target = ["-w", str(workspace)] if workspace.exists() else ["-m", "finsync_pipeline.definitions"]
    command = [sys.executable, "-m", "dagster", "dev", *target, "-p", str(port)]
    with services_running(with_services):
        return subprocess.run(command, check=False).returncode
