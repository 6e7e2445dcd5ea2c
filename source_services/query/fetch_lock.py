"""Taking turns: rows come three times as fast from one query after the other as from all at once.

SQLite's library gives the interpreter away before each row, and threads that do so at the same time spend most of
their time on waking each other.
"""

import time
from collections.abc import Iterator
from itertools import islice
from threading import Lock

from source_services.data.columns import Cell
from source_services.query.execution import Rows

ROWS_OF_A_TURN = 2_000
LONG_SECONDS = 0.1

_turn = Lock()


class Turns:
    """The turns of one query. Its first rows, and rows that take long to come, are taken without waiting for a turn."""

    def __init__(self) -> None:
        self._comes_fast = False

    def take(self, cursor: Iterator[tuple[Cell, ...]], most: int) -> Rows:
        """The next rows, as many as there are up to `most`."""
        has_turn = self._comes_fast and _turn.acquire(timeout=LONG_SECONDS)
        started = time.monotonic()
        try:
            return list(islice(cursor, most))
        finally:
            self._comes_fast = time.monotonic() - started < LONG_SECONDS
            if has_turn:
                _turn.release()
