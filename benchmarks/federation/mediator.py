"""A mediator in a process of its own, which is asked one query after the other: what each took, and a digest of it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Way = Literal["parts", "everything", "kept", "plain client"]
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answered:
    """What a query took: seconds, bytes of all bodies that were received, the process' peak memory in MB; and what
    came: rows, a digest whatever their order, and the first of them.
    """

    seconds: float
    bytes: int
    peak_megabytes: float
    rows: int
    digest: str
    shown: list[list[Any]]
    is_from_cache: bool


class Mediator:
    """The process: `ask` it while the `mediating` block runs."""

    def __init__(self, process: "subprocess.Popen[str]", setting: Mapping[str, Any]) -> None:
        self._process, self._setting = process, dict(setting)

    def ask(self, sql: str, way: Way = "parts") -> Answered:
        """Ask for the parts that are needed; for everything of the sources that the query is about, in both cases
        without the cache of answers; or for what is `kept` there. The `plain client` fetches the one source as a
        whole and reads it by the same rules, without a plan.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({**self._setting, "sql": sql, "way": way}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the mediator ended at {sql}: exit code {self._process.wait()}")
        return Answered(**json.loads(line))


@contextmanager
def mediating(urls: Mapping[str, str], reference: Path, folder: Path) -> Iterator[Mediator]:
    """A mediator over the services of these sources; what it keeps is in the folder."""
    command = [sys.executable, "-m", "benchmarks.federation.mediator_process"]
    setting = {"urls": dict(urls), "reference": str(reference), "folder": str(folder)}
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            yield Mediator(process, setting)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
