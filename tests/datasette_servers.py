"""Real Datasette servers on this machine, each a process of its own on a free port."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_services import WAIT_SECONDS, environment

LISTENS = re.compile(r"Uvicorn running on (http://\S+:\d+)")
TOKEN = "datasette-token-for-tests"
TOKEN_PLUGIN = f"""
from datasette import hookimpl

@hookimpl
def actor_from_request(request):
    return {{"id": "finsync"}} if request.headers.get("authorization") == "Bearer {TOKEN}" else None
"""


@contextmanager
def datasette(*arguments: object, **settings: object) -> Iterator[str]:
    """`datasette serve` with these files and options, and with these settings; its url."""
    options = [text for name, value in settings.items() for text in ("--setting", name, value)]
    command = [sys.executable, "-m", "datasette", "serve", "--port", 0, *arguments, *options]
    with subprocess.Popen(
        list(map(str, command)), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stderr is not None
        try:
            read: list[str] = []
            while not (listens := LISTENS.search(read[-1] if read else "")):
                read.append(process.stderr.readline())
                assert read[-1], "".join(read)
            yield listens[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=WAIT_SECONDS)


def asking_for_a_token(folder: Path) -> tuple[object, ...]:
    """Options of a server that runs SQL for the owner of TOKEN alone; their files are written into the folder."""
    plugins, metadata = folder / "plugins", folder / "metadata.json"
    plugins.mkdir()
    (plugins / "token.py").write_text(TOKEN_PLUGIN)
    metadata.write_text('{"allow_sql": {"id": "finsync"}}')
    return "--plugins-dir", plugins, "--metadata", metadata
