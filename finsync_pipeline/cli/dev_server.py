"""`dagster dev` whose web server has the rules of `browser_rules`: `python -m finsync_pipeline.cli.dev_server dev ...`.

`dagster dev` starts Dagster's web server as a process of its own and lets nobody add middleware to it. So both are
started through this module, which replaces one function in each of them. Where a new Dagster has no such function,
this raises AttributeError, and the web UI does not start without the rules.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from finsync_pipeline.serving.browser_rules import BrowserRules
from finsync_pipeline.settings import are_web_reports_open, web_hosts

MODULE = "finsync_pipeline.cli.dev_server"
DAGSTER_WEBSERVER = "dagster_webserver"


def run_dev(arguments: list[str]) -> None:
    """`dagster dev`, which starts the web server of this module in the place of Dagster's own."""
    dev: Any = import_module("dagster._cli.dev")
    start = dev.open_ipc_subprocess

    def start_with_rules(command: Sequence[str], **options: Any) -> Any:
        if DAGSTER_WEBSERVER in command:
            place = command.index(DAGSTER_WEBSERVER)
            command = [*command[:place], MODULE, "webserver", *command[place + 1 :]]
        return start(command, **options)

    dev.open_ipc_subprocess = start_with_rules
    dev.dev_command(arguments)


def run_webserver(arguments: list[str]) -> None:
    """`dagster-webserver`, whose application has the rules around it."""
    webserver: Any = import_module("dagster_webserver.cli")
    make_app = webserver.create_app_from_workspace_process_context

    def make_app_with_rules(*args: Any, **options: Any) -> Any:
        app = make_app(*args, **options)
        app.add_middleware(BrowserRules, hosts=web_hosts(), are_reports_open=are_web_reports_open())
        return app

    webserver.create_app_from_workspace_process_context = make_app_with_rules
    webserver.dagster_webserver(arguments, auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    {"dev": run_dev, "webserver": run_webserver}[sys.argv[1]](sys.argv[2:])
