"""What answers the same SQL without FinSync: shillelagh over Datasette, and DuckDB's own reader of the SQLite files."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.services.peers import ENVIRONMENT


@dataclass(frozen=True)
class Found:
    """What a peer took, the number of its rows, and the first of them."""

    seconds: float
    rows: int
    shown: list[list[Any]]


class Peer:
    """A peer's process: `ask` it while the `peer` block runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, sql: str) -> Found:
        """The peer's answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(sql), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended at {sql}: exit code {self._process.wait()}")
        return Found(**json.loads(line))


@contextmanager
def peer(kind: str, places: Sequence[object]) -> Iterator[Peer]:
    """`duckdb` over SQLite files, or `shillelagh` over Datasette servers."""
    program = Path(__file__).with_name("peer_process.py")
    command = [str(ENVIRONMENT / "bin" / "python"), str(program), kind, *map(str, places)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            yield Peer(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
