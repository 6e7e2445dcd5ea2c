"""The time of a query: so many seconds of a processor, which others' work does not shorten; and an end to waiting."""

import time
from threading import get_ident

from source_services.errors import Problem

WALL_SECONDS_EACH = 6
"""On the wall clock a query may take so many times as long as it may work: then the machine is too busy for it."""


class Allowance:
    """The time of one query, which begins in the thread that runs it."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._is_stopped = seconds, False
        self._end = time.monotonic() + WALL_SECONDS_EACH * seconds
        self._clock: int | None = None
        self._began = 0.0

    def begin(self) -> None:
        """This thread works on the query from now on."""
        self._clock = time.pthread_getcpuclockid(get_ident())
        self._began = time.clock_gettime(self._clock)

    def stop(self) -> None:
        """The query must end now."""
        self._is_stopped = True

    def left(self) -> float:
        """Seconds before the query must end."""
        if self._is_stopped:
            return 0.0
        worked = time.clock_gettime(self._clock) - self._began if self._clock is not None else 0.0
        return min(self.seconds - worked, self._end - time.monotonic())

    def is_over(self) -> bool:
        """Whether the query must end now."""
        return self.left() <= 0

    def problem(self) -> Problem:
        """Why it was ended."""
        if time.monotonic() > self._end:
            return Problem(
                "busy", "the service has too much to do to finish this query: ask later", {"Retry-After": "10"}
            )
        return Problem("query-timeout", f"the query was stopped after {self.seconds:g} s of work: ask for less")
