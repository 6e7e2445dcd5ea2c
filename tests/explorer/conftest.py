"""The explorer in a real browser: over the release of the small statements, or of the sample."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from factories import PROJECT
from local_services import running_services
from pipeline.conftest import Deployment, again, deploy, deployment, released, running, worked
from playwright.sync_api import Browser, Page, Response, sync_playwright
from serving.conftest import Client, api, queried, serving
from shared_fixtures import made_once

__all__ = ["again", "api", "deployment", "released", "running", "worked"]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SAMPLE_DATA = PROJECT / "source_services" / "sample_data"
PHONE = {"width": 390, "height": 844}
WAIT = 60_000
"""Milliseconds to wait for what happens soon, on a machine that is busy with other work."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without anything that a test left in it."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Explorer:
    """A page of the explorer, which fails a test that leaves an error in its console or asks another server."""

    def __init__(self, browser: Browser, client: Client, **context: Any) -> None:
        self.url = client.url
        self.context = browser.new_context(base_url=client.url, locale="en-US", **context)
        self.context.set_default_timeout(WAIT)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("request", lambda request: self._check(request.url))

    def open(self, address: str) -> Response:
        """Go to an address, and wait until nothing is loaded any more."""
        response = self.page.goto(address, wait_until="networkidle")
        assert response is not None
        return response

    def check_accessible(self) -> None:
        """The page has no serious or critical finding of axe."""
        found = Axe().run(self.page).response["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        assert serious == [], [(each["id"], [node["html"] for node in each["nodes"]][:5]) for each in serious]

    def screenshot(self, name: str) -> Path:
        """A picture of the page, in the folder of the test run, to be looked at."""
        folder = PROJECT / "build" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")
        return folder / f"{name}.png"

    def _note(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 4" not in text and "status of 5" not in text:
            self.errors.append(text)

    def _check(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.errors.append(f"asked {url}")


@pytest.fixture
def explore(browser: Browser) -> Iterator[Callable[..., Explorer]]:
    """Opens the explorer of an API: `explore(api)`, `explore(api, viewport=PHONE, color_scheme="dark")`."""
    opened: list[Explorer] = []

    def start(client: Client, **context: Any) -> Explorer:
        opened.append(Explorer(browser, client, **context))
        return opened[-1]

    yield start
    for each in opened:
        each.context.close()
        assert each.errors == []


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The API over a release of the sample data."""
    folder = made_once(tmp_path_factory, "sample", _release_sample)
    of_sample = queried(folder / "home", PROJECT / "finsync_pipeline" / "reference")
    with serving(lambda: of_sample) as client:
        yield client


def _release_sample(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made: Deployment = deploy(folder, monkeypatch)
        monkeypatch.delenv("FINSYNC_REFERENCE")
        with running_services(SAMPLE_DATA) as urls:
            made.use(urls)
            assert made.finsync("run") == 0
