"""Chromium, and a clock in its pages: from an event of the user to the frame that shows what he waits for.

The marks are kept over a change of the page, in the storage of its session, as milliseconds since 1970.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Browser, CDPSession, Error, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MOST_SECONDS = 30
POLL_MILLISECONDS = 20

# Each frame looks for the part that is awaited; one that was there before is marked and does not count
_CLOCK = """
(() => {
  const store = sessionStorage, now = () => performance.timeOrigin + performance.now();
  const begin = () => {
    if (!store.benchPart || store.benchBegin) return;
    performance.mark("begin");
    store.benchBegin = now();
  };
  for (const kind of ["pointerup", "keydown", "input", "change"]) addEventListener(kind, begin, true);
  const look = () => {
    const part = store.benchPart && document.querySelector(store.benchPart);
    if (part && !part.benchOld && part.getClientRects().length) {
      delete store.benchPart;
      requestAnimationFrame(() => setTimeout(() => { performance.mark("shown"); store.benchShown = now(); }));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
_AWAIT = """
(part) => {
  document.querySelectorAll(part).forEach((each) => { each.benchOld = true; });
  delete sessionStorage.benchBegin;
  delete sessionStorage.benchShown;
  sessionStorage.benchPart = part;
}
"""


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """A page with the clock and an empty cache."""
    context = browser.new_context(base_url=url, locale="en-US", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * MOST_SECONDS)
    context.add_init_script(_CLOCK)
    try:
        yield context.new_page()
    finally:
        context.close()


def expect(page: Page, part: str) -> None:
    """Begin to look for a new element of the selector; the clock starts at the next event of the user."""
    page.evaluate(_AWAIT, part)


def milliseconds(page: Page) -> float:
    """From the event to the frame with what is expected."""
    shown = _shown(page)
    return shown - float(page.evaluate("sessionStorage.benchBegin"))


def first_view(page: Page, address: str, part: str) -> float:
    """Milliseconds from the navigation to the frame with the part."""
    page.goto("/health")  # of the same origin, so that the clock can be set
    expect(page, part)
    page.goto(address)
    return _shown(page) - float(page.evaluate("performance.timeOrigin"))


def _shown(page: Page) -> float:
    """When the part was shown. Raises TimeoutError."""
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        with suppress(Error):  # a page that is about to be replaced
            if found := page.evaluate("sessionStorage.benchShown"):
                return float(found)
        page.wait_for_timeout(POLL_MILLISECONDS)
    raise TimeoutError(f"not shown within {MOST_SECONDS} s")


class Traffic:
    """The bytes that the page receives, compressed as they are sent, with headers."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self.requests = 0
        session: CDPSession = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._count)

    def _count(self, event: dict[str, float]) -> None:
        self.bytes += int(event["encodedDataLength"])
        self.requests += 1
