"""The releases in a real browser: all of them, the account of one, differences, and the views over an earlier one."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from explorer.conftest import PHONE
from serving.conftest import queried, serving

pytestmark = pytest.mark.long
EARLIER = "20200102T030405Z"
HOSTILE = "<script>alert(1)</script>"


def publish_earlier(published: Path) -> None:
    """A release of an earlier time, in which a fact is another and one more is there."""
    folder = published / EARLIER
    shutil.copytree((published / "current").resolve(), folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    facts = pd.read_parquet(folder / "facts.parquet", dtype_backend="pyarrow")
    is_changed = (facts["item"] == "revenue") & (facts["company_id"] == "G1")
    facts.loc[is_changed, "value"] = -1.0
    added = facts[is_changed].assign(item="cost_of_revenue", value=12.0)
    pd.concat([facts, added]).to_parquet(folder / "facts.parquet")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((folder / "facts.parquet").read_bytes()).hexdigest()
    manifest["files"]["facts.parquet"]["sha256"] = digest
    manifest |= {"release": EARLIER, "accepted": {"by": "ann", "reason": HOSTILE, "losses": ["pnl lost 3 facts"]}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.fixture
def two(worked) -> Iterator:
    """The API over two releases."""
    publish_earlier(worked.published)
    made = queried(worked.home, worked.folder / "companies.csv")
    with serving(lambda: made) as client:
        yield client


def test_an_earlier_release_is_chosen_for_all_views_and_left_again(two, explore):
    view = explore(two)
    view.open("/releases")
    view.check_accessible()
    assert "current" in view.page.locator("tbody tr").first.inner_text()
    view.page.get_by_role("link", name=f"Look at it {EARLIER}").click()
    banner = view.page.get_by_text(f"You look at release {EARLIER}")
    banner.wait_for()
    view.page.get_by_role("link", name="SQL", exact=True).click()
    banner.wait_for()
    assert view.page.locator("select[name=release]").input_value() == EARLIER
    view.check_accessible()
    view.page.get_by_role("link", name="Back to the current release").click()
    view.page.get_by_role("heading", name="SQL").wait_for()
    assert banner.count() == 0
    assert "release=" not in view.page.url


def test_the_account_of_a_release_is_readable_and_its_files_are_loaded(two, explore):
    view = explore(two)
    view.open(f"/releases/{EARLIER}")
    assert f"ann accepted them: {HOSTILE}" in view.page.inner_text("main")
    row = view.page.get_by_role("region", name="Counts of each source").get_by_role("row", name="pnl")
    assert row.locator("td").all_inner_texts()[:4] == ["4", "3", "1", "0"]
    assert view.page.get_by_role("row", name="not a number rejected 1 1").is_visible()
    view.page.get_by_text("quarters:").first.click()
    assert view.page.get_by_role("row", name="2009-Q4 current").first.is_visible()
    with view.page.expect_download() as started:
        view.page.get_by_role("link", name="facts.parquet").click()
    digest = hashlib.sha256(started.value.path().read_bytes()).hexdigest()
    assert digest in view.page.inner_text("main")
    view.check_accessible()


def test_differences_are_counted_and_lead_to_company_and_trace(two, explore):
    view = explore(two)
    view.open("/releases")
    view.page.get_by_role("link", name="with the one before").click()
    assert "0 new, 1 lost, 1 changed" in view.page.inner_text("main")
    largest = view.page.get_by_role("region", name="The largest changes")
    assert "/company/G1" in largest.get_by_role("link", name="Globex Inc").get_attribute("href")
    traced = largest.get_by_role("link", name="7,000,000").get_attribute("href")
    assert "/trace?" in traced
    assert "company_id=G1&item=revenue&period_end=2009-12-31&months=12&currency=USD" in traced
    view.page.reload()
    assert "0 new, 1 lost, 1 changed" in view.page.inner_text("main")
    view.check_accessible()
    view.screenshot("release_differences")


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_releases_work_on_a_phone_in_the_dark_and_without_script(two, explore, how):
    view = explore(two, **how)
    for address in ("/releases", f"/releases/current?against={EARLIER}"):
        view.open(address)
        assert view.page.get_by_role("heading", level=1).is_visible()
        if how.get("java_script_enabled", True):
            width, room = view.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert width <= room
            view.check_accessible()


def test_by_keyboard_a_release_is_compared(two, explore):
    view = explore(two)
    view.open("/releases/current")
    view.page.locator("select[name=against]").focus()
    view.page.keyboard.press("Tab")
    view.page.keyboard.press("Enter")
    view.page.get_by_text("1 changed").wait_for()


def test_a_release_that_there_is_not_is_a_page_that_names_those_there_are(two, explore):
    view = explore(two)
    assert view.open("/releases/1999").status == 404
    assert "name one of 20" in view.page.get_by_role("alert").inner_text()
