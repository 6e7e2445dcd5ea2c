"""Screening companies in a real browser: the form, words, rankings, report and insights; errors, phone, no script."""

import csv
import shutil
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from explorer.conftest import PHONE
from pipeline.conftest import Deployment
from serving.conftest import queried, serving

pytestmark = pytest.mark.long
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>=cmd|' /C calc'!A0"


def asked(view) -> dict[str, list[str]]:
    """The parameters of the address."""
    return parse_qs(urlsplit(view.page.url).query)


def names(view) -> list[str]:
    """The companies of the table."""
    return [each.inner_text() for each in view.page.locator("#result tbody th").all()]


def fill(view, number: int, item: str, op: str, value: str = "", on: str | None = None) -> None:
    """Fill in a row of conditions."""
    view.page.locator(f".screen [name=item{number}]").select_option(item)
    view.page.locator(f".screen [name=op{number}]").select_option(op)
    view.page.locator(f".screen [name=value{number}]").fill(value)
    if on:
        view.page.locator(f".screen [name=on{number}]").select_option(on)


def show(view) -> None:
    """Send the form."""
    view.page.get_by_role("button", name="Show companies").click()
    view.page.locator("#result h2").wait_for()


def check_reload(view) -> None:
    """The address alone gives the same page."""
    before = view.page.inner_text("main")
    view.page.reload(wait_until="networkidle")
    assert view.page.inner_text("main") == before


def test_conditions_are_added_filled_in_and_removed(sample, explore):
    view = explore(sample)
    view.open("/screen")
    view.check_accessible()
    fill(view, 1, "revenue", ">", "1.5 bn")
    fill(view, 2, "net_income", "between", "1 lakh 10 thousand and 5 bn", "where_periods")
    view.page.get_by_role("button", name="Add a condition").click()
    view.page.locator(".screen [name=item6]").wait_for()
    fill(view, 3, "goodwill", "present")
    show(view)
    assert asked(view)["where"] == ["revenue > 1500000000", "goodwill is not null"]
    assert asked(view)["where_periods"] == ["net_income between 110000 and 5000000000"]
    shown = view.page.inner_text("#result")
    assert "revenue above 1,500,000,000, on the mean of a company" in shown
    assert "net income between 110,000 and 5,000,000,000, on each period, before the mean" in shown
    assert len(names(view)) > 5
    view.check_accessible()
    check_reload(view)
    view.page.locator("summary").first.click()
    view.page.get_by_role("button", name="Remove condition 1").click()
    view.page.locator("#result h2").wait_for()
    assert asked(view)["where"] == ["goodwill is not null"]


def test_every_item_can_be_asked_for(sample, explore):
    view = explore(sample)
    view.open("/screen")
    offered = view.page.locator("[name=item1] option").evaluate_all("options => options.map(each => each.value)")
    listed = sample.json("/items")
    wanted = {each["name"] for each in [*listed["items"], *listed["derived"]]}
    assert wanted <= {*offered}


def test_periods_companies_currency_order_columns_and_pages(sample, explore):
    view = explore(sample)
    view.open("/screen")
    view.page.get_by_label("Fiscal years").fill("2008-2009")
    view.page.get_by_label("Currency").select_option("USD")
    view.page.get_by_label("Ranked by").select_option("total_assets")
    view.page.get_by_label("Rows per page").fill("7")
    view.page.get_by_text("Columns besides").click()
    view.page.get_by_role("checkbox", name="eps diluted").check()
    show(view)
    assert {name: asked(view)[name] for name in ("fiscal_years", "currency", "order_by", "limit", "items")} == {
        "fiscal_years": ["2008", "2009"], "currency": ["USD"], "order_by": ["total_assets"], "limit": ["7"],
        "items": ["eps_diluted"],
    }  # fmt: skip
    first = names(view)
    view.page.get_by_role("link", name="Next page").click()
    view.page.get_by_role("link", name="Page before").wait_for()
    assert len(first) == 7
    assert not {*first} & {*names(view)}
    view.page.get_by_role("link", name="total assets").click()
    view.page.locator("th[aria-sort=ascending]").wait_for()
    assert "after" not in asked(view)


def test_companies_are_chosen_by_any_name_and_ambiguous_ones_are_offered(sample, explore):
    view = explore(sample)
    view.open("/screen")
    view.page.get_by_label("Add a company").fill("XOM")
    show(view)
    assert names(view) == ["Exxon Mobil Corp."]
    view.page.locator("summary").first.click()
    view.page.get_by_label("Add a company").fill("johnson")
    view.page.get_by_role("button", name="Show companies").click()
    view.check_accessible()
    view.page.locator("#company-error").get_by_role("link", name="Johnson & Johnson").click()
    view.page.locator("#result h2").wait_for()
    assert {*names(view)} == {"Exxon Mobil Corp.", "Johnson & Johnson"}


def test_the_csv_has_what_is_shown(sample, explore):
    view = explore(sample)
    view.open("/screen?where=revenue+%3E+1bn&order_by=net_income&limit=9&fiscal_years=2009")
    with view.page.expect_download() as started:
        view.page.get_by_role("link", name="Download CSV").click()
    with started.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["company_name"] for row in rows] == names(view)
    assert len(rows) == 9


def test_the_ready_rankings_show_their_formulas(sample, explore):
    view = explore(sample)
    view.open("/screen")
    assert "cash + short_term_investments" in view.page.inner_text(".ready")
    view.page.get_by_role("link", name="Top 3 most valuable").click()
    view.page.locator("th", has_text="= equity").wait_for()
    assert len(names(view)) == 3
    assert view.page.locator("td.derived").count() == 3
    view.page.get_by_label("Highest profit in the quarter").select_option("Q4 2009")
    view.page.get_by_role("button", name="Show", exact=True).first.click()
    view.page.locator("th[aria-sort=descending]", has_text="net income").wait_for()
    assert asked(view)["period_end"] == ["2009-10-01...2009-12-31"]
    view.page.get_by_role("link", name="Highest liquid assets").click()
    view.page.get_by_text("No company shown has liquid assets").wait_for()
    view.page.locator("#result").get_by_role("link", name="cash", exact=True).click()
    view.page.locator("th[aria-sort=descending]", has_text="cash").wait_for()


def test_words_fill_the_form_and_say_how_they_were_read(sample, explore):
    view = explore(sample)
    view.open("/screen")
    view.page.keyboard.press("/")
    view.page.keyboard.type("profit above 1 bn in 2009 of Apple")
    view.page.keyboard.press("Enter")
    read = view.page.get_by_role("region", name="How the words were read")
    read.wait_for()
    assert asked(view)["where"] == ["net_income > 1000000000"]
    assert asked(view)["fiscal_years"] == ["2009"]
    assert read.locator("mark").inner_text() == "Apple"
    view.check_accessible()
    check_reload(view)
    read.get_by_role("link", name="operating income above 1,000,000,000").click()
    view.page.get_by_text("replaced: the form has another value").wait_for()
    assert asked(view)["where"] == ["operating_income > 1000000000"]
    read.get_by_role("link", name="Remove: fiscal year 2009").click()
    view.page.wait_for_function("!location.search.includes('fiscal_years')")
    assert "q" in asked(view)


def test_the_field_of_a_part_is_shown_when_it_is_followed(sample, explore):
    view = explore(sample)
    view.open("/screen?text=top+5+by+cash+in+2009")
    view.page.locator(".read a[href='#years']").click()
    assert view.page.locator("#years").is_visible()
    assert view.page.locator("#years").input_value() == "2009"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/screen?form=1&item1=revenue&op1=%3E&value1=3%2C5+Mio", "1 lakh 10 thousand"),
        ("/screen?form=1&item1=revenue&op1=between&value1=5", "write 10m and 20m"),
        ("/screen?form=1&item1=revenue&op1=contains&value1=5", "contains compares texts"),
        ("/screen?form=1&item1=sector&op1=%3E&value1=5", "sector is a text"),
        ("/screen?form=1&value1=5", "no item is chosen"),
        ("/screen?form=1&item1=revenu&op1=%3E&value1=5", "did you mean revenue"),
        ("/screen?form=1&years=2009-x", "is not a year"),
        ("/screen?form=1&first=2009-01-01", "both the first and the last day"),
        ("/screen?form=1&limit=0", "from 1 to 10000"),
        ("/screen?form=1&company=qqq+zzz", "not a company of the list"),
        ("/screen?where=revenu+%3E+1", "did you mean revenue"),
        ("/screen?where=nonsense", "is not a condition"),
        ("/screen?months=5", "months"),
        ("/screen/insights?items=revenu", "did you mean revenue"),
    ],
)
def test_what_is_wrong_is_shown_where_it_is(sample, explore, address, shown):
    view = explore(sample)
    assert view.open(address).status == 400
    assert shown in view.page.inner_text("main [role=alert]")
    view.check_accessible()


def test_the_report_has_no_navigation_and_everything_to_be_printed(sample, explore):
    view = explore(sample)
    view.open("/screen?where=revenue+%3E+10bn&order_by=revenue&items=book_value&limit=15&text=")
    view.page.get_by_role("link", name="Report").click()
    view.page.locator("figure svg").wait_for()
    text = view.page.inner_text("main")
    assert "revenue above 10,000,000,000" in text
    assert "equity" in text
    assert "release 20" in text
    assert view.page.locator("nav").count() == 0
    assert view.page.locator("tbody tr").count() == 15
    view.check_accessible()
    view.page.emulate_media(media="print")
    assert not view.page.get_by_role("link", name="Back to the screen").is_visible()


def test_insights_lead_to_the_cells_that_they_name(sample, explore):
    view = explore(sample)
    view.open("/screen?where=revenue+%3E+1bn&items=net_income&fiscal_years=2009")
    view.page.get_by_role("link", name="Insights").click()
    view.page.get_by_role("heading", name="Insights").wait_for()
    view.check_accessible()
    check_reload(view)
    for title in ("Largest relative changes", "Largest changes in amount", "Outliers", "Disagreements"):
        part = view.page.get_by_role("region", name=title)
        link = part.locator("li a").first.get_attribute("href")
        cell = parse_qs(urlsplit(link).query)
        found = sample.json("/trace", **cell)
        assert found["cells"], link
    view.page.get_by_role("link", name="Back to the screen").click()
    view.page.locator("#result h2").wait_for()


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"viewport": PHONE, "color_scheme": "dark"}])
@pytest.mark.parametrize("address", ["/screen", "/screen?text=profit+above+1bn+in+2009+of+Apple",
                                     "/screen/insights?where=revenue+%3E+1bn", "/screen?as=report&order_by=revenue",
                                     "/screen?form=1&item1=revenue&value1=x"])  # fmt: skip
def test_a_phone_shows_it_without_scrolling_the_page(sample, explore, how, address):
    view = explore(sample, **how)
    view.open(address)
    width, room = view.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= room
    view.check_accessible()


def test_all_of_it_works_without_script(sample, explore):
    view = explore(sample, java_script_enabled=False)
    view.page.goto("/screen")
    fill(view, 1, "revenue", ">=", "50 bn")
    view.page.get_by_role("button", name="Add a condition").click()
    fill(view, 2, "cash", "<", "5 bn")
    view.page.get_by_role("button", name="Show companies").click()
    assert asked(view)["where"] == ["revenue >= 50000000000", "cash < 5000000000"]
    assert names(view)
    view.page.get_by_role("searchbox").fill("top 3 by revenue")
    view.page.get_by_role("button", name="Read").click()
    assert len(names(view)) == 3
    view.page.get_by_role("link", name="Report").click()
    assert view.page.locator("tbody tr").count() == 3


def test_the_form_is_used_by_keyboard_alone(sample, explore):
    view = explore(sample)
    view.open("/screen")
    view.page.locator(".screen [name=item1]").focus()
    for key in ("r", "Tab", "Tab"):
        view.page.keyboard.press(key)
    view.page.keyboard.type("100 bn")
    view.page.keyboard.press("Enter")
    view.page.locator("#result h2").wait_for()
    assert asked(view)["where"] == ["revenue >= 100000000000"]
    view.page.locator("#result").get_by_role("link", name="revenue").focus()
    view.page.keyboard.press("Enter")
    view.page.locator("th[aria-sort=descending]").wait_for()


@pytest.fixture
def with_texts(released: Deployment, tmp_path):
    """The API over a copy of the release whose summary has hostile names and sectors."""
    home = tmp_path / "home"
    shutil.copytree(released.home, home, symlinks=True)
    folder = (home / "published" / "current").resolve()
    file = folder / "company_summary.parquet"
    for each in (folder, file):
        each.chmod(0o755)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE summary AS SELECT * FROM '{file}'")
        connection.execute(
            "UPDATE summary SET company_name = ?, sector = ? WHERE company_id = 'A1'", [HOSTILE, HOSTILE]
        )
        connection.execute("UPDATE summary SET sector = 'Oil & Gas_100%' WHERE company_id = 'G1'")
        connection.execute(f"COPY summary TO '{file}' (FORMAT parquet)")
    made = queried(home, released.folder / "companies.csv")
    with serving(lambda: made) as client:
        yield client


def test_texts_are_filtered_and_hostile_ones_are_shown_as_text(with_texts, explore):
    view = explore(with_texts)
    view.open("/screen?items=sector")
    assert HOSTILE in view.page.inner_text("#result")
    view.page.locator("summary").first.click()
    fill(view, 1, "sector", "contains", "gas_100%")
    show(view)
    assert names(view) == ["Globex Inc"]
    for op, value in (("contains", HOSTILE), ("=", HOSTILE.upper())):
        view.page.locator("summary").first.click()
        fill(view, 1, "sector", op, value)
        show(view)
        assert names(view) == [HOSTILE]
        assert view.page.locator("[name=value1]").input_value() == value
    view.open("/screen?as=report&items=sector&items=revenue")
    assert HOSTILE in view.page.inner_text("tbody")
    view.open("/screen/insights")
    assert HOSTILE in view.page.inner_text("main")


@pytest.mark.parametrize("where", ["text", "q", "where", "form=1&value1", "form=1&company", "order_by", "currency"])
def test_a_hostile_text_in_the_address_is_shown_as_text(sample, explore, where):
    view = explore(sample)
    view.page.goto(f"/screen?{where}=" + "%3Cscript%3Ealert(1)%3C/script%3E")
    assert view.page.locator("main script:not([type])").count() == 0
    view.page.locator("h1").first.wait_for()


def test_a_screen_nobody_meets_says_what_to_do(sample, explore):
    view = explore(sample)
    view.open("/screen?where=revenue+%3E+1000+tn")
    assert "Remove a condition" in view.page.inner_text("#result")
    view.open("/screen/insights?where=revenue+%3E+1000+tn")
    assert "nothing to compare" in view.page.inner_text("main")


def test_a_number_leads_to_where_it_comes_from(sample, explore):
    view = explore(sample)
    view.open("/screen?order_by=revenue&limit=3")
    view.page.locator("#result a.cell").first.click()
    view.page.locator("#drawer-content", has_text="Revenue").wait_for()
    view.open("/screen?order_by=revenue&limit=3&fiscal_years=2009")
    address = view.page.locator("#result a.cell").first.get_attribute("href")
    assert "period_end=2009" in address
