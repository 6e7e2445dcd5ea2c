"""The `finsync` command, for one machine without containers: one module for each command.

`command` parses the command line and reports errors. `sources`, `materialize`, `services`, `event_log`
and `terminal` are what several commands use. What a command shows or starts belongs here; what it computes belongs in
the packages below. Read on in `run`.
"""

from finsync_pipeline.cli.command import main

__all__ = ["main"]
