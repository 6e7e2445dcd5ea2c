"""Time and memory of a measurement, and a process of its own for each."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.services.processes import CLEAR_PEAK, peak_of_this_process


@dataclass(frozen=True)
class Timed:
    """What a call gave, and what it took."""

    result: Any
    seconds: float
    processor_seconds: float


def timed(call: Callable[[], Any]) -> Timed:
    """Call it and take its time."""
    began, used = time.perf_counter(), time.process_time()
    result = call()
    return Timed(result, time.perf_counter() - began, time.process_time() - used)


def forget_peak() -> None:
    """Let this process's peak of memory begin anew from what is resident now."""
    Path("/proc/self/clear_refs").write_text(CLEAR_PEAK)


def peak_megabytes() -> float:
    """The most that this process had resident since it began, or since `forget_peak`.

    Not `ru_maxrss`: a child process inherits that of its parent.
    """
    return peak_of_this_process()


def apart(function: Callable[..., Any], *arguments: object) -> Any:
    """What the function gives in a new process, so that neither memory nor caches of others count."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, function, arguments), daemon=True)
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        child.join()
        raise RuntimeError(f"{function.__name__} ended without a result, exit code {child.exitcode}") from None
    finally:
        child.terminate()
        child.join()


def _send(sender: Connection, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    sender.send(function(*arguments))
