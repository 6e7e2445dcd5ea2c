"""The `finsync` command: one module a command, for one machine without containers.

`command` reads what was typed and calls the module of that name; the others (`sources`, `materialize`, `services`,
`event_log`, `review_lines`) are what several commands need.
"""

from finsync_pipeline.cli.command import main

__all__ = ["main"]
