"""The code location: everything below `defs/`, with the settings of the working folder."""

from pathlib import Path

import dagster as dg

from finsync_pipeline.settings import load_settings_file


@dg.definitions
def defs() -> dg.Definitions:
    """Load the YAML files and modules of `defs/`. Raises ConfigurationError."""
    load_settings_file()
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
