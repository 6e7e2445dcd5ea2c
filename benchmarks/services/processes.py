"""Server processes of a measurement: started, watched, stopped; their memory by /proc."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 180
STOP_SECONDS = 15
CLEAR_PEAK = "5"  # what /proc/PID/clear_refs takes to reset the peak


@dataclass(frozen=True)
class Server:
    """A running server: its address and its process."""

    name: str
    url: str
    pid: int

    def peak_megabytes(self) -> float:
        """The largest resident memory since the start, or since `reset_peak`."""
        return _megabytes(self.pid, "VmHWM")

    def resident_megabytes(self) -> float:
        """What it has resident now."""
        return resident_megabytes(self.pid)

    def reset_peak(self) -> None:
        """Let the peak begin anew from what is resident now."""
        for pid in _family(self.pid):
            Path(f"/proc/{pid}/clear_refs").write_text(CLEAR_PEAK)

    def processor_seconds(self) -> float:
        """What it has used of the processor so far."""
        return sum(_ticks(pid) for pid in _family(self.pid)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(
    name: str,
    command: list[str],
    port: int,
    path: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    start_seconds: float = START_SECONDS,
) -> Iterator[Server]:
    """The server of the command, from its first 200 at `path` until the block ends. Its log is in `folder`."""
    url = f"http://127.0.0.1:{port}"
    log = folder / f"{name.replace(' ', '_')}_{port}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        _wait_until_ready(name, process, url + path, log, start_seconds)
        yield Server(name, url, process.pid)
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended during the measurement, exit code {process.returncode}:\n{_end_of(log)}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def unnamed_megabytes(pid: int) -> float:
    """The disk space of the files that a process has open and that have no name: results, temporary files of SQLite."""
    blocks = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if str(link.readlink()).endswith("(deleted)"):
                blocks += link.stat().st_blocks
    return blocks * 512 / (1 << 20)


def resident_megabytes(pid: int) -> float:
    """What a process and those below it have resident now."""
    return _megabytes(pid, "VmRSS")


def peak_of_this_process() -> float:
    """The most that the calling process had resident, in MB."""
    return _status(Path("/proc/self/status"), "VmHWM")


def _wait_until_ready(name: str, process: subprocess.Popen[bytes], url: str, log: Path, seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"{name} does not start, exit code {process.returncode}:\n{_end_of(log)}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"{name} is not ready after {seconds} s at {url}:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def _megabytes(pid: int, field: str) -> float:
    return sum(_status(Path(f"/proc/{each}/status"), field) for each in _family(pid))


def _status(path: Path, field: str) -> float:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", path.read_text(), re.MULTILINE)
    except OSError:  # a child that has just ended
        return 0.0
    return int(found.group(1)) / 1024 if found else 0.0


def _family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):  # a thread that has just ended
                found += [int(child) for child in children.read_text().split()]
    return found


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # a child that has just ended
        return 0
    return int(fields[11]) + int(fields[12])
