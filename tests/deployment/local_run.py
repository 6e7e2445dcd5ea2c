"""The same job without Docker, to compare with."""

import os
import subprocess
import sys
from pathlib import Path

from deployment.engine import PROJECT
from local_services import running_services

SAMPLE = PROJECT / "source_services" / "sample_data"
COMMAND = "import sys; from finsync_pipeline.cli import main; sys.exit(main())"


def csv_without_docker(data: Path, folder: Path) -> bytes:
    """The CSV that `finsync run` publishes into the empty folder, from services over the data."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "DAGSTER_"))}
    home = {"FINSYNC_HOME": str(folder / "data"), "DAGSTER_HOME": str(folder / "dagster")}
    with running_services(data) as urls:
        addresses = {f"FINSYNC_{name.upper()}_URL": url for name, url in urls.items()}
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "run"],
            cwd=folder,
            env={**others, **addresses, **home, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (csv,) = (folder / "data" / "published" / "current").glob("company_summary_*.csv")
    return csv.read_bytes()
