"""Fixtures that all tests share, and how tests are handed out to the workers."""

import gc
import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# Each worker is a thread of its own already: more of them only take the processors from one another
os.environ.setdefault("OMP_NUM_THREADS", "1")
# All that is imported stays: looking through it again and again finds nothing to collect
gc.set_threshold(50_000, 20, 20)

SETTINGS = ("DAGSTER_", "FINSYNC_")
LONGEST = Path(__file__).parent / "pipeline"


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One worker more than there are processors: many tests wait for another process, or for a time to pass."""
    return (yield) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first, so that no worker is left alone with one of them at the end."""
    items.sort(key=lambda item: LONGEST not in item.path.parents)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped and why, a line for each reason with the number of its tests; figures; what was left out."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}")
    for report in terminalreporter.stats.get("passed", []):
        for name, text in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(f"figures: {text}")
    if terminalreporter.config.option.markexpr == "not long":
        terminalreporter.write_line("left out: tests that take long; to run all: make test PYTEST_ARGS=\"-m ''\"")


@pytest.fixture(autouse=True)
def _same_settings() -> Iterator[None]:
    """Commands that run in this process set DAGSTER_HOME: after the test, settings are what they were."""
    before = {name: text for name, text in os.environ.items() if name.startswith(SETTINGS)}
    yield
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real statements with known truth; tests that need it skip where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("needs the real statements beside the project (../shared/data), which are not part of it")
    return SHARED
