"""The code location: everything below `defs/`, and nothing else."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Load the YAML files and modules of `defs/`."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
