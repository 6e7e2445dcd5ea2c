"""The explorer in the browser: the API's process, with a token of this session for writing review decisions."""

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from html import escape
from pathlib import Path
from secrets import token_urlsafe
from tempfile import TemporaryDirectory
from threading import Thread

from finsync_pipeline.cli.serve import listening, serve_app
from finsync_pipeline.settings import api_settings

HOST = "127.0.0.1"
REDIRECT = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={}"><title>FinSync</title>'


def explore(port: int, with_services: bool, no_browser: bool) -> int:
    """Serve on this machine until a signal stops the process, and open the explorer. Raises ConfigurationError."""
    settings = api_settings()
    settings = replace(settings, write_token=settings.write_token or token_urlsafe(32))
    with listening(HOST, port, "explore") as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={settings.write_token}"
        print(f"FinSync explorer: {address}", flush=True)
        with nullcontext() if no_browser else _browser_at(address):
            return serve_app(settings, listener, with_services)


@contextmanager
def _browser_at(address: str) -> Iterator[None]:
    """Within the block, a browser that was led to the address by a file: arguments of a process are seen by others."""
    with TemporaryDirectory(prefix="finsync_") as folder:  # nobody else can read it
        file = Path(folder) / "explorer.html"
        file.write_text(REDIRECT.format(escape(address)), encoding="utf-8")
        Thread(target=webbrowser.open, args=[file.as_uri()], daemon=True).start()
        yield
