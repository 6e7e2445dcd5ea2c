"""What users do: each interaction begins at an address, does one thing, and waits for a part of a page to be new."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Page

SQL = """\
SELECT company_id, period_end, revenue, net_income
FROM financials WHERE months = 12
ORDER BY revenue DESC LIMIT 500"""
CELL, CHART = "main table td", "figure :is(svg, canvas)"
RESULT, STATEMENTS = "#result td", "nav.tabs a:not([aria-current])"
MOST_LIQUID = "a:has-text('Highest liquid assets')"


@dataclass(frozen=True)
class Interaction:
    """An interaction of a company at a place: `address` to begin at, what to do there, and the part that is awaited.

    `needs` is an address of the view that answers; without it the interaction is skipped.
    """

    name: str
    address: Callable[[str], str]
    do: Callable[[Page], object]
    part: str
    needs: Callable[[str], str]


def _click(selector: str) -> Callable[[Page], object]:
    return lambda page: page.locator(selector).first.click(no_wait_after=True)


def _type_last_letter(page: Page) -> None:
    page.get_by_role("searchbox").press("End")
    page.keyboard.press("Backspace")


def _other_length(page: Page) -> None:
    page.select_option("#months", index=1, no_wait_after=True)


def _choose(selector: str) -> Callable[[Page], object]:
    return lambda page: page.locator(selector).first.check(no_wait_after=True)


def _company(company: str) -> str:
    return f"/company/{company}"


def _screen(_: str) -> str:
    return "/screen?order_by=revenue&limit=50"


def _sql(_: str) -> str:
    return f"/sql?release=current&q={quote(SQL)}"


def _quality(name: str) -> Interaction:
    return Interaction(
        f"quality: {name}",
        lambda _: "/quality",
        _click(f"nav.tabs a[href^='/quality/{name}']"),
        f"{CELL}, {CHART}, main .empty",
        lambda _: f"/quality/{name}",
    )


INTERACTIONS = (
    Interaction("find as typed", lambda company: f"/?q={company}", _type_last_letter, "#found li a", lambda _: "/"),
    Interaction("open a company", lambda company: f"/?q={company}", _click("#found li a"), CELL, _company),
    Interaction("switch the statement", _company, _click(STATEMENTS), CELL, _company),
    Interaction("switch the length of periods", _company, _other_length, CELL, _company),
    Interaction("open a trace", _company, _click("td a.cell"), "#drawer-content *", _company),
    Interaction("run a screen", lambda _: "/screen", _click(MOST_LIQUID), RESULT, _screen),
    Interaction("sort a screen", _screen, _click("#result thead th:not([aria-sort]) a"), RESULT, _screen),
    *map(_quality, ("coverage", "agreement", "rejects", "freshness", "changes")),
    Interaction("open a release", lambda _: "/releases", _click("main tbody th a"), CELL, lambda _: "/releases"),
    Interaction("run SQL over the release", _sql, _click("form.sql button.primary"), "table.result td", _sql),
    Interaction("draw its result", _sql, _choose("input[name=show][value=chart]"), CHART, _sql),
)  # fmt: skip
