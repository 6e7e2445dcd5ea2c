"""Finding a company in a real browser: as it is typed, by keyboard, on a phone, with errors and hostile texts."""

import pytest
from explorer.conftest import PHONE

pytestmark = pytest.mark.long


def test_a_company_is_found_as_it_is_typed_and_the_address_has_what_was_typed(sample, explore):
    view = explore(sample)
    view.open("/")
    view.page.keyboard.press("/")
    view.page.keyboard.type("chevron")
    link = view.page.get_by_role("link", name="Chevron Corp.")
    link.wait_for()
    assert view.page.url.endswith("q=chevron")
    view.page.reload(wait_until="networkidle")
    assert view.page.get_by_role("searchbox").input_value() == "chevron"
    link.wait_for()
    view.check_accessible()


@pytest.mark.parametrize(
    ("text", "shown"), [("XOM", "means one company"), ("qqq zzz", "not a listed name or identifier")]
)
def test_what_a_text_means_is_shown(sample, explore, text, shown):
    view = explore(sample)
    view.open(f"/?q={text}")
    assert shown in view.page.inner_text("#found")


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_the_first_view_works_on_a_phone_in_the_dark_and_without_script(sample, explore, how):
    view = explore(sample, **how)
    view.open("/?q=exxon")
    assert view.page.get_by_role("link", name="Exxon Mobil Corp.").is_visible()
    width, room = (
        view.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        if how.get("java_script_enabled", True)
        else (0, 0)
    )
    assert width <= room


def test_a_hostile_text_is_shown_as_text(sample, explore):
    view = explore(sample)
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    view.page.goto("/")
    view.page.get_by_role("searchbox").fill(hostile)
    view.page.get_by_text("not a listed name or identifier").wait_for()
    assert hostile in view.page.inner_text("#found")


def test_an_address_that_there_is_not_has_a_page_that_leads_on(sample, explore):
    view = explore(sample)
    assert view.open("/nothing").status == 404
    view.page.get_by_role("link", name="Start again").click()
    view.page.get_by_role("searchbox").wait_for()
    view.check_accessible()
