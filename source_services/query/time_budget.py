"""The time budget of a query: processor time, which other work doesn't shorten, and a deadline on the wall clock."""

import time
from threading import get_ident

from source_services.errors import RequestError, busy

WALL_FACTOR = 6
"""The most wall-clock time of a query, as a multiple of its processor time; beyond it the machine is too busy."""


class TimeBudget:
    """The time of one query; its processor time counts from `start`, in the thread that runs it."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._is_stopped = seconds, False
        self._deadline = time.monotonic() + WALL_FACTOR * seconds
        self._clock: int | None = None
        self._started = 0.0

    def start(self) -> None:
        """The calling thread runs the query from now on."""
        self._clock = time.pthread_getcpuclockid(get_ident())
        self._started = time.clock_gettime(self._clock)

    def stop(self) -> None:
        """The query must end now."""
        self._is_stopped = True

    def remaining(self) -> float:
        """Seconds until the query must end; 0 or less: now."""
        if self._is_stopped:
            return 0.0
        used = time.clock_gettime(self._clock) - self._started if self._clock is not None else 0.0
        return min(self.seconds - used, self._deadline - time.monotonic())

    def error(self) -> RequestError:
        """Why the query was stopped."""
        if time.monotonic() > self._deadline:
            return busy("the machine is too busy to finish this query", 10)
        what = f"the query was stopped after {self.seconds:g} s of processor time"
        return RequestError("query-timeout", what, "select fewer rows, or simplify it")
