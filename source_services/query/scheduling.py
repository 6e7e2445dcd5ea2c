"""How queries share the machine: the time budget of each, and the lock under which their rows are fetched."""

import time
from collections.abc import Iterator
from itertools import islice
from threading import Lock, get_ident, get_native_id

from source_services.data.columns import Cell
from source_services.errors import RequestError, busy

WALL_FACTOR = 6
"""The most wall-clock time of a query, as a multiple of its processor time; beyond it the machine is too busy."""

ROWS_AT_A_TIME = 2_000
SLOW_SECONDS = 0.1
"""Rows that take longer are slow: they are fetched without the lock, and no query waits longer for it."""

Rows = list[tuple[Cell, ...]]


class TimeBudget:
    """The time of one query: processor time from `start`, which other work doesn't shorten, and a final deadline."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._is_stopped = seconds, False
        self._reason: RequestError | None = None
        self._deadline = time.monotonic() + WALL_FACTOR * seconds
        self._clock: int | None = None
        self._started = 0.0
        self._thread, self._written_before = 0, 0

    def start(self) -> None:
        """The calling thread runs the query from now on."""
        self._clock = time.pthread_getcpuclockid(get_ident())
        self._started = time.clock_gettime(self._clock)
        self._written_before, self._thread = _written(get_native_id()), get_native_id()

    def stop(self, reason: RequestError | None = None) -> None:
        """The query must end now, for this reason, else because its time is over."""
        self._is_stopped, self._reason = True, self._reason or reason

    def written(self) -> int:
        """Bytes that the query's thread has written to files: of its result and, to sort and group, of SQLite."""
        return _written(self._thread) - self._written_before if self._thread else 0

    def remaining(self) -> float:
        """Seconds until the query must end; 0 or less: now."""
        if self._is_stopped:
            return 0.0
        used = time.clock_gettime(self._clock) - self._started if self._clock is not None else 0.0
        return min(self.seconds - used, self._deadline - time.monotonic())

    def error(self) -> RequestError:
        """Why the query was stopped."""
        if self._reason is not None:
            return self._reason
        if time.monotonic() > self._deadline:
            return busy("the machine is too busy to finish this query", 10)
        what = f"the query was stopped after {self.seconds:g} s of processor time"
        return RequestError("query-timeout", what, "select fewer rows, or simplify it")


def _written(thread: int) -> int:
    """What the thread has written to files so far; 0 where the system does not count it, which only Linux does."""
    try:
        with open(f"/proc/self/task/{thread}/io", "rb") as counters:  # noqa: PTH123 - 30 times a second
            return int(counters.read().partition(b"wchar: ")[2].split()[0])
    except (OSError, IndexError):
        return 0


def fetch(cursor: Iterator[tuple[Cell, ...]], most_rows: int, lock: Lock) -> Iterator[Rows]:
    """All rows of one query in groups of at most `most_rows`. The first group is fetched without the lock.

    The queries of a service share the lock: of those whose rows arrive fast, one fetches at a time. SQLite's library
    releases Python's interpreter lock before each row, and threads that do so at the same time spend most of their time
    on waking each other: rows arrive three times as fast from one query after the other.
    """
    size, is_fast = min(most_rows, ROWS_AT_A_TIME), False
    while True:
        has_lock = is_fast and lock.acquire(timeout=SLOW_SECONDS)
        started = time.monotonic()
        try:
            rows = list(islice(cursor, size))
        finally:
            is_fast = time.monotonic() - started < SLOW_SECONDS
            if has_lock:
                lock.release()
        if not rows:
            return
        yield rows
