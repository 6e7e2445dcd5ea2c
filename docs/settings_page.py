"""Prints docs/settings.md, from the tables of settings in the code: make docs.

It stands outside both packages, since they do not import each other.
"""

from collections.abc import Iterable, Iterator

from finsync_pipeline.settings import SETTINGS
from source_services.settings import describe, variable

INTRODUCTION = """\
# Settings

All settings are environment variables. This page is made from the code: `make docs`.

## Where they are read

The environment wins everywhere. What is not set there is read from the file `finsync.env` in the working folder, one
`NAME=value` a line: by the command `finsync`, by `dagster`, `dg`, the daemon and the web UI (when they load the code
location), and by the code location of a container. `finsync setup` writes the file with `FINSYNC_HOME`.

Dagster's own commands put the file `.env` over the environment without condition: an exported `FINSYNC_HOME` would be
ignored. So no setting of FinSync may be in `.env`; FinSync refuses to start and names the lines to move to
`finsync.env`. (`docker compose` reads `.env`, too: what only docker-compose.yml uses may stay there.)

`DAGSTER_HOME`, the folder of the Dagster instance, is Dagster's own setting, and Dagster reads it before FinSync is
loaded. `finsync setup` writes it to `.env`, so `dagster` commands in this folder always use that instance, whatever is
exported; remove the line to choose it by the environment. The command `finsync` takes it from the environment, else
from `.env`, else `dagster/` in `FINSYNC_HOME`; `finsync dev`, which starts Dagster's command, refuses to start where
the two differ. An instance records which tables exist: use one for each `FINSYNC_HOME`.

## The pipeline

In containers, docker-compose.yml has other defaults ([deployment.md](deployment.md)). A source of your own has the
variables that its `defs.yaml` names, such as `FINSYNC_<SOURCE>_URL` for the address of its service.
"""
SERVICES = """
## The source services

`python -m source_services` reads these from the environment alone; its options win over them.
"""


def table(*columns: str, rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    for cells in (columns, ["---"] * len(columns), *rows):
        yield f"| {' | '.join(map(str, cells))} |"


def page() -> str:
    """The whole page."""
    pipeline = [(f"`{each.name}`", each.kind, each.shown_default, f"{each.meaning}.") for each in SETTINGS.values()]
    services = [(f"`{variable(each.name)}`", each.value, each.sentence) for each in describe()]
    lines = [INTRODUCTION, *table("setting", "kind", "default", "meaning", rows=pipeline)]
    lines += [SERVICES, *table("setting", "default", "meaning", rows=services)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
