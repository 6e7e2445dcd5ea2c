"""The measures: each starts the API over a release and looks at its pages in Chromium."""

import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Error, Page

from benchmarks.api import dataset, servers
from benchmarks.explorer.browser import Traffic, expect, first_view, launched, milliseconds, opened
from benchmarks.explorer.interactions import CHART, INTERACTIONS, SQL, Interaction
from benchmarks.figure import Figure
from benchmarks.services.progress import say

PROJECT = Path(__file__).parents[2]
MOST_SECONDS, MOST_KILOBYTES, MOST_MILLISECONDS = 1.0, 1_200, 300
FIRST = "#found p"


@dataclass(frozen=True)
class Setting:
    """A folder to write in, the companies of the large release, and how often each interaction is measured."""

    folder: Path
    companies: int
    rounds: int


def first(setting: Setting) -> Iterator[Figure]:
    """The first view over the sample; then everything that the explorer can load."""
    with servers.api(_sample(setting.folder)) as server, launched() as browser:
        with opened(browser, server.url) as page:
            page.goto("/")
        times = []
        for _ in range(setting.rounds):
            with opened(browser, server.url) as page:
                times.append(first_view(page, "/", FIRST))
        with opened(browser, server.url) as page:
            traffic = Traffic(page)
            page.goto("/", wait_until="networkidle")
            of_first = traffic.bytes
            page.goto(f"/sql?release=current&show=chart&q={quote(SQL)}", wait_until="networkidle")
            page.locator(CHART).first.wait_for()
            of_all = traffic.bytes
    yield Figure("first view is there", round(statistics.median(times) / 1000, 3), "<=", MOST_SECONDS, "s")
    yield Figure("first view: sent", round(of_first / 1000, 1), "<=", MOST_KILOBYTES, "kB")
    yield Figure("with chart and editor: sent", round(of_all / 1000, 1), "<=", MOST_KILOBYTES, "kB")


def interactions(setting: Setting) -> Iterator[Figure]:
    """Each interaction over the large release, with another company each time."""
    made = dataset.write(setting.companies, setting.folder / "large")
    with servers.api(made) as server, launched() as browser, opened(browser, server.url) as page:
        for each in INTERACTIONS:
            needed = page.request.get(each.needs(made.company_ids[0]))
            if not needed.ok:
                say(f"skipped: {each.name}, since {each.needs('COMPANY')} answers {needed.status}")
                continue
            try:
                median = _median(page, each, made.company_ids, setting.rounds)
            except (Error, TimeoutError) as error:
                say(f"failed: {each.name}: {str(error).splitlines()[0]}")
                median = float("inf")
            yield Figure(f"{each.name}", round(median, 1), "<=", MOST_MILLISECONDS, "ms")


MEASURES: Mapping[str, Callable[[Setting], Iterator[Figure]]] = {"first": first, "interactions": interactions}


def _median(page: Page, interaction: Interaction, companies: list[str], rounds: int) -> float:
    """The median after one time to warm up."""
    chosen = random.Random(interaction.name).sample(companies, rounds + 1)
    times = []
    for company in chosen:
        page.goto(interaction.address(company), wait_until="networkidle")
        expect(page, interaction.part)
        interaction.do(page)
        times.append(milliseconds(page))
    return statistics.median(times[1:])


def _sample(folder: Path) -> dataset.Dataset:
    """A release of the sample data, made by the main job."""
    home, reference = folder / "sample", PROJECT / "finsync_pipeline" / "reference"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "DAGSTER_"))}
    environment |= {"FINSYNC_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "finsync_pipeline", "run", "--with-services"]
    made = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if made.returncode != 0:
        raise RuntimeError(f"the sample was not released:\n{made.stderr[-2000:]}")
    return dataset.Dataset(home, reference, folder / "none", [])
