"""The review queue in a real browser: a decision by keyboard alone, two people at once, a phone, and refusals."""

import pytest
from explorer.conftest import PHONE
from playwright.sync_api import expect
from serving.conftest import queried, serving

pytestmark = pytest.mark.long
TOKEN = "a-token-for-writing-0123456789"


@pytest.fixture
def deciding(worked):
    """The explorer over a deployment of its own, with one name to decide."""
    with serving(lambda: queried(worked.home, worked.folder / "companies.csv"), write_token=TOKEN) as client:
        yield client


def lines(worked):
    file = worked.folder / "review.csv"
    return file.read_text().splitlines()[1:] if file.exists() else []


def press_until(view, locator, key="Tab", most=80):
    """Press the key until the element has the focus."""
    for _ in range(most):
        if locator.evaluate("each => each === document.activeElement"):
            return
        view.page.keyboard.press(key)
    raise AssertionError("the element is not reached by keyboard")


def test_a_name_is_decided_by_keyboard_alone(worked, deciding, explore):
    view = explore(deciding)
    view.open(f"/?token={TOKEN}")
    assert TOKEN not in view.page.url
    view.open("/review")
    view.check_accessible()
    press_until(view, view.page.get_by_role("link", name="Initech"))
    view.page.keyboard.press("Enter")
    view.page.wait_for_url("**/review/name?**")
    press_until(view, view.page.get_by_label("Who decides"))
    view.page.keyboard.type("jane")
    press_until(view, view.page.get_by_label("Another company, by its id"))
    view.page.keyboard.type("G1")
    view.page.keyboard.press("Enter")
    choose = view.page.get_by_role("button", name="It is Globex Inc")
    choose.wait_for()
    view.check_accessible()
    view.screenshot("review-name")
    press_until(view, choose)
    view.page.keyboard.press("Enter")
    write = view.page.get_by_role("button", name="Write the decision")
    write.wait_for()
    assert "not used" in view.page.inner_text("#change")
    view.check_accessible()
    view.screenshot("review-change")
    assert lines(worked) == []
    expect(write).to_be_focused()
    view.page.keyboard.press("Enter")
    view.page.get_by_text("Decided:").wait_for()
    assert "finsync re-resolve" in view.page.inner_text("main")
    assert "who=jane" in view.page.url
    assert [line.split(",2")[0] for line in lines(worked)] == ["pnl,Initech,,G1,,,jane"]
    view.check_accessible()
    view.screenshot("review-decided")


def test_the_second_of_two_people_sees_what_the_first_decided(worked, deciding, explore):
    views = [explore(deciding) for _ in range(2)]
    address = "/review/name?source=pnl&source_name=Initech&company_id={}&who={}"
    for view, company, who in zip(views, ("G1", "A1"), ("jane", "joe"), strict=True):
        view.open(f"/?token={TOKEN}")
        view.open(address.format(company, who))
    for view in views:
        view.page.get_by_role("button", name="Write the decision").click()
    views[0].page.get_by_text("Decided:").wait_for()
    views[1].page.get_by_role("heading", name="Decided meanwhile").wait_for()
    assert "is G1 (jane" in views[1].page.inner_text("main")
    views[1].check_accessible()
    assert len(lines(worked)) == 1


def test_the_token_is_entered_once(deciding, explore):
    view = explore(deciding)
    view.open("/review")
    view.page.get_by_role("link", name="enter the token").click()
    view.page.get_by_label("Token").fill("a wrong one")
    view.page.keyboard.press("Enter")
    view.page.get_by_role("heading", name="No right to write").or_(view.page.locator(".problem")).first.wait_for()
    view.check_accessible()
    view.page.get_by_role("link", name="Enter the token").click()
    view.page.get_by_label("Token").fill(TOKEN)
    view.page.keyboard.press("Enter")
    view.page.get_by_text("Decisions are written into review.csv").wait_for()
    assert view.page.evaluate("document.cookie") == ""


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_the_queue_works_on_a_phone_in_the_dark_and_without_script(sample, explore, how):
    view = explore(sample, **how)
    for address in ("/review", "/review/name?source=balance_sheet&source_name=HP"):
        assert view.open(address).status == 200
        if how.get("java_script_enabled", True):
            width, room = view.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert width <= room
            view.check_accessible()
    assert view.page.get_by_role("button", name="It is Helmerich & Payne").is_visible()
    view.screenshot(f"review-{next(iter(how))}")
