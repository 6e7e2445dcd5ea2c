"""Quality at a glance in a real browser: each part alone and in the overview, on a phone, in the dark."""

import pytest
from explorer.conftest import PHONE

from finsync_pipeline.serving.explorer.quality_parts import PARTS

pytestmark = pytest.mark.long


@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_its_address_a_table_and_no_finding(sample, explore, part):
    view = explore(sample)
    assert view.open(f"/quality/{part}").status == 200
    view.page.get_by_role("heading", level=1, name=PARTS[part][0]).wait_for()
    view.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert view.page.locator("table").count() or view.page.locator(".empty").count()
    for figure in view.page.locator("figure").all():
        figure.locator("svg, canvas").first.wait_for()
    view.check_accessible()
    view.screenshot(f"quality-{part}")


def test_the_overview_loads_each_part_when_it_comes_into_view(sample, explore):
    view = explore(sample)
    view.open("/quality")
    for part in PARTS:
        view.page.locator(f"#{part}").scroll_into_view_if_needed()
        view.page.locator(f"#{part} details, #{part} .empty:not(:has-text('Being counted'))").first.wait_for()
    view.check_accessible()
    view.screenshot("quality")
    view.page.locator("#coverage").get_by_role("link", name="Coverage").click()
    view.page.wait_for_url("**/quality/coverage")


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_quality_works_on_a_phone_in_the_dark_and_without_script(sample, explore, how):
    view = explore(sample, **how)
    view.open("/quality")
    view.page.get_by_role("link", name="Accounting grades").first.click()
    view.page.get_by_role("heading", level=1).wait_for()
    if how.get("java_script_enabled", True):
        view.page.locator("figure").locator("svg, canvas").first.wait_for()
        width, room = view.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= room
        view.check_accessible()
    view.screenshot(f"quality-accounting-{next(iter(how))}")


def test_rejects_lead_to_their_rows_by_keyboard_alone(sample, explore):
    view = explore(sample)
    view.open("/quality/rejects")
    link = view.page.locator("table a.cell").first
    for _ in range(60):
        if link.evaluate("link => link === document.activeElement"):
            break
        view.page.keyboard.press("Tab")
    view.page.keyboard.press("Enter")
    view.page.wait_for_url("**/quality/rejects/rows?**")
    assert view.page.locator("tbody tr").count() > 0
    address = view.page.url
    view.page.reload()
    assert view.page.url == address
    view.check_accessible()


def test_coverage_by_one_source_is_an_address_of_its_own(sample, explore):
    view = explore(sample)
    view.open("/quality/coverage")
    view.page.get_by_role("link", name="pnl", exact=True).click()
    view.page.wait_for_url("**source=pnl")
    assert "Facts by company and quarter, pnl" in view.page.inner_text("main")


def test_a_part_or_release_that_there_is_not_has_a_page_that_leads_on(sample, explore):
    view = explore(sample)
    assert view.open("/quality/luck").status == 404
    assert "coverage" in view.page.inner_text("main")
    assert view.open("/quality/coverage?release=1999").status == 404
    view.check_accessible()
