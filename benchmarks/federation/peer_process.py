"""A peer that answers SQL in a process of its own, out of the virtual environment of the peers.

`python peer_process.py shillelagh URL...` asks Datasette servers, `python peer_process.py duckdb FILE...` reads SQLite
files. It reads a line of JSON for each query from stdin, and writes one with seconds, rows and the first of them.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHOWN = 20
Ask = Callable[[str], list[Any]]


def duckdb_over(files: list[str]) -> Ask:
    """DuckDB with its own reader of SQLite: each file is a database of the file's name."""
    import duckdb
    import duckdb_extension_sqlite_scanner as extension

    [binary] = Path(extension.__file__).parent.rglob("*.duckdb_extension")
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute(f"LOAD '{binary}'")
    for file in files:
        connection.execute(f"ATTACH '{file}' AS {Path(file).stem} (TYPE sqlite, READ_ONLY)")
    return lambda sql: connection.execute(sql).fetchall()


def shillelagh_over(_: list[str]) -> Ask:
    """shillelagh with its adapter of Datasette, whose tables the SQL names by their addresses; without a cache."""
    import requests
    from shillelagh.adapters.api import datasette
    from shillelagh.backends.apsw.db import connect

    datasette.get_session = lambda *_: requests.Session()
    return lambda sql: connect(":memory:", adapters=["datasetteapi"]).execute(sql).fetchall()


def main() -> None:
    """Answer what is asked until the input ends."""
    ask = {"duckdb": duckdb_over, "shillelagh": shillelagh_over}[sys.argv[1]](sys.argv[2:])
    for line in sys.stdin:
        began = time.perf_counter()
        rows = ask(json.loads(line))
        answered = {"seconds": time.perf_counter() - began, "rows": len(rows)}
        print(json.dumps({**answered, "shown": [list(row) for row in rows[:SHOWN]]}, default=str), flush=True)


if __name__ == "__main__":
    main()
