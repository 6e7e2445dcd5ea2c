"""A company's statements and the lineage of its numbers in a real browser."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer.conftest import PHONE
from local_services import running_services
from pipeline.conftest import BALANCE_SHEET, COMPANIES, PNL, deploy
from playwright.sync_api import expect
from serving.conftest import Client, queried, serving
from shared_fixtures import made_once

pytestmark = pytest.mark.long

APPLE, ALCOA = "0000320193", "0000004281"
SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"=cmd|calc {SCRIPT}"
HOSTILE_CELL = "<img src=x onerror=alert(2)>"
REVENUE_2009 = f"/trace?company_id={APPLE}&item=revenue&period_end=2009-09-30&months=12&currency=USD"
WIDTHS = "[document.documentElement.scrollWidth, window.innerWidth]"


def rows_of(view) -> dict[str, list[str]]:
    """The texts of the cells of the table by the heads of their lines."""
    lines = view.page.locator("table.statement tbody tr").all()
    return {line.locator("th").inner_text(): line.locator("td").all_inner_texts() for line in lines}


def line_of(view, item: str):
    """The first line of the item."""
    head = view.page.get_by_role("rowheader", name=item, exact=True)
    return view.page.locator("table.statement tbody tr").filter(has=head).first


def columns_of(view) -> list[str]:
    return [text.replace("\n", " · ") for text in view.page.locator("table.statement thead th").all_inner_texts()][1:]


def test_from_a_name_to_the_raw_cell(sample, explore):
    view = explore(sample)
    view.open("/?q=apple")
    view.page.get_by_role("link", name="Apple Inc.").click()
    view.page.get_by_role("heading", name="Apple Inc.").wait_for()
    assert columns_of(view) == ["FY 2009 · to 2009-09-30", "FY 2008 · to 2008-09-30", "FY 2007 · to 2007-09-30"]
    assert rows_of(view)["Revenue"] == ["42,905", "37,491", "24,578"]
    view.check_accessible()
    view.page.get_by_role("link", name="Balance sheet").click()
    view.page.get_by_role("row", name="Total assets").wait_for()
    assert columns_of(view) == ["FY 2009 · to 2009-09-30", "FY 2008 · to 2008-09-30"]
    view.page.get_by_role("link", name="Income statement").click()
    view.page.get_by_label("Periods").select_option("quarters")
    view.page.wait_for_url("**months=3**")
    assert columns_of(view)[0] == "Q2 FY 2010 · to 2010-03-31"
    view.page.get_by_label("Periods").select_option("years")
    view.page.wait_for_url("**months=12**")
    view.page.get_by_label("Values").select_option("of pnl")
    view.page.wait_for_url("**source=pnl**")
    view.page.get_by_text("as pnl gives it").wait_for()
    line_of(view, "Revenue").get_by_role("link").first.click()
    drawer = view.page.get_by_role("dialog")
    drawer.locator("dd.raw", has_text="42,905,000").wait_for()
    assert "Published: the value of pnl" in drawer.inner_text()
    drawer.get_by_text("The whole row as delivered").click()
    assert drawer.get_by_role("row", name="Total Revenue 42,905,000").is_visible()
    assert drawer.get_by_role("link", name="Its quarter in Dagster").get_attribute("href") == (
        "http://127.0.0.1:3000/assets/pnl/facts?view=partitions&partition=2009-07-01"
    )
    view.check_accessible()
    view.screenshot("company_drawer")


def test_the_address_has_the_state_also_after_reloading_going_back_and_another_scale(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}")
    view.page.get_by_label("Periods").focus()
    view.page.get_by_label("Periods").select_option("quarters")
    view.page.wait_for_url("**months=3**")
    expect(view.page.locator("#months")).to_be_focused()
    view.page.get_by_label("Order").select_option("newest last")
    view.page.wait_for_url("**order=oldest**")
    before = rows_of(view)
    assert "year=" not in view.page.url.replace("years=", "")
    view.page.reload(wait_until="networkidle")
    assert rows_of(view) == before
    view.page.locator("[name=scale]").select_option("full")
    view.page.wait_for_url("**scale=full**")
    assert "order=oldest" in view.page.url
    assert "months=3" in view.page.url
    assert rows_of(view)["Revenue"][-1] == "13,499,000,000"
    view.page.go_back(wait_until="networkidle")
    assert rows_of(view) == before
    view.page.go_back(wait_until="networkidle")
    expect(view.page.locator("#order")).to_have_value("newest")


def test_derived_values_are_marked_and_lead_to_their_operands(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}?months=3")
    assert "Q4 FY 2009 · to 2009-09-30" not in columns_of(view)
    view.page.get_by_label("single quarters").check()
    view.page.wait_for_url("**derived=quarter**")
    at = columns_of(view).index("Q4 FY 2009 · to 2009-09-30")
    assert rows_of(view)["Revenue"][at] == "16,238d"
    cell = line_of(view, "Revenue").get_by_role("link").nth(at)
    assert "derived: " in cell.get_attribute("title")
    assert "to 2009-06-30" in cell.get_attribute("title")
    assert "derived" in cell.locator("..").get_attribute("class")
    view.check_accessible()
    cell.click()
    drawer = view.page.get_by_role("dialog")
    drawer.get_by_text("16,238,000,000").wait_for()
    operands = drawer.get_by_role("row").all_inner_texts()[1:]
    assert len(operands) >= 2
    assert all("published" in each for each in operands)
    view.check_accessible()
    drawer.get_by_role("link").first.click()
    drawer.locator("dd.raw", has_text="42,905,000").wait_for()
    assert view.page.evaluate("document.getElementById('drawer').contains(document.activeElement)")


def test_a_trailing_year_leads_through_a_derived_quarter_to_what_is_published(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}?derived=trailing_year&derived=formula")
    assert "12 months, Q1 FY 2010 · to 2009-12-31" in columns_of(view)
    assert any("Derived items" in head for head in rows_of(view))
    view.open(REVENUE_2009.replace("2009-09-30", "2009-12-31") + "&derived=trailing_year")
    assert "46,708,000,000 USD" in view.page.inner_text("main")
    assert view.page.get_by_role("table").get_by_role("link").all_inner_texts() == [
        "42,905,000,000", "15,683,000,000", "11,880,000,000"]  # fmt: skip
    view.check_accessible()


def test_disputed_cells_are_marked_with_the_reason_beside_and_below(sample, explore):
    view = explore(sample)
    view.open(f"/company/{ALCOA}?source=*")
    lines = view.page.locator("table.statement tbody tr")
    disputed = lines.filter(has_text="Net income").first.locator("td.disputed")
    assert disputed.count() == 3
    link = disputed.first.get_by_role("link")
    assert "differ by more than the tolerance" in link.get_attribute("title")
    link.focus()
    view.page.keyboard.press("Tab")
    view.page.keyboard.press("Shift+Tab")
    shown = "getComputedStyle(document.activeElement, '::after').content"
    assert "differ by more than the tolerance" in view.page.evaluate(shown)
    below = view.page.locator(".notes").inner_text()
    assert "Net income, 12 months to 2007-12-31" in below
    assert "2,564,000,000 to 2,929,000,000" in below
    assert view.page.get_by_role("row", name="cash_flow").count() == 1
    view.check_accessible()
    view.screenshot("company_disputed")


def test_a_year_is_fiscal_or_calendar_and_the_page_says_which(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}?months=3&year=2009&order=oldest")
    assert columns_of(view)[0] == "Q1 FY 2009 · to 2008-12-31"
    assert "Fiscal year 2009, by the year end of the company" in view.page.inner_text("main")
    view.page.get_by_label("Years are").select_option("calendar years")
    view.page.get_by_text("Periods that end in the calendar year 2009").wait_for()
    assert [column[-10:-6] for column in columns_of(view)] == ["2009"] * len(columns_of(view))
    view.page.locator("#year").select_option("all")
    view.page.get_by_text("to 2010-03-31").wait_for()


def test_csv_and_json_have_what_is_shown(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}?months=12&statement=balance_sheet&derived=formula")
    links = {name: view.page.get_by_role("link", name=name).get_attribute("href") for name in ("CSV", "JSON")}
    rows = list(csv.DictReader(io.StringIO(sample.session.get(sample.url + links["CSV"]).text)))
    assert [row["period_end"] for row in rows] == ["2008-09-30", "2009-09-30"]
    shown = view.page.get_by_role("row", name="Total assets").get_by_role("link").first.get_attribute("title")
    assert f"{float(rows[-1]['total_assets']):,.0f} USD" == shown
    assert {each["item"] for each in sample.follow(links["JSON"])["derived"]} >= {"book_value"}


def test_the_items_of_the_chart_are_chosen(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}")
    series = "JSON.parse(document.querySelector('.chart script').textContent).series.map(each => each.name)"
    assert view.page.evaluate(series) == ["Revenue", "Operating income", "Net income"]
    view.page.get_by_text("Items of the chart").click()
    view.page.get_by_label("Income tax").check()
    view.page.wait_for_url("**chart=income_tax**")
    assert "Income tax" in view.page.evaluate(series)
    view.page.locator(".chart :is(canvas, svg)").first.hover()


def test_the_keyboard_alone_opens_and_closes_the_drawer(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}")
    line_of(view, "Revenue").get_by_role("link").first.focus()
    view.page.keyboard.press("Enter")
    drawer = view.page.get_by_role("dialog")
    drawer.locator("dd.raw", has_text="42,905,000").wait_for()
    assert drawer.is_visible()
    view.page.keyboard.press("Escape")
    drawer.wait_for(state="hidden")
    assert view.page.evaluate("document.activeElement.textContent") == "42,905"
    view.page.keyboard.press("Tab")
    assert view.page.evaluate("document.activeElement.textContent") == "37,491"


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}, {"forced_colors": "active"}])
@pytest.mark.parametrize("address", [f"/company/{APPLE}?months=3&source=*&derived=quarter", REVENUE_2009])
def test_the_views_work_on_a_phone_and_in_the_dark(sample, explore, how, address):
    view = explore(sample, **how)
    view.open(address)
    width, room = view.page.evaluate(WIDTHS)
    assert width <= room
    view.check_accessible()
    view.screenshot(f"company_{'trace' if 'trace' in address else 'table'}_{next(iter(how))}")


def test_the_drawer_fits_a_phone(sample, explore):
    view = explore(sample, viewport=PHONE)
    view.open(f"/company/{APPLE}")
    line_of(view, "Revenue").get_by_role("link").first.click()
    view.page.get_by_role("dialog").locator("dd.raw", has_text="42,905,000").wait_for()
    width, room = view.page.evaluate(WIDTHS)
    assert width <= room
    view.check_accessible()


def test_all_works_without_script(sample, explore):
    view = explore(sample, java_script_enabled=False)
    view.open(f"/company/{APPLE}")
    view.page.get_by_label("Periods").select_option("quarters")
    view.page.get_by_role("button", name="Show").click()
    view.page.get_by_text("to 2010-03-31").wait_for()
    line_of(view, "Revenue").get_by_role("link").first.click()
    view.page.get_by_role("heading", name="Revenue of Apple Inc.").wait_for()
    assert "Delivered as" in view.page.inner_text("main")
    view.page.get_by_role("link", name="The company's statements").click()
    line_of(view, "Revenue").wait_for()


def test_a_table_is_readable_on_paper(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}?months=3&derived=quarter")
    view.page.emulate_media(media="print")
    assert view.page.get_by_role("table", name="Income statement").is_visible()
    assert not view.page.get_by_label("Periods").is_visible()
    assert view.page.locator(".tall").evaluate("each => getComputedStyle(each).overflow") == "visible"


@pytest.mark.parametrize(
    ("address", "status", "shown"),
    [
        ("/company/aple", 404, "No such company"),
        (f"/company/{APPLE}?statement=profit", 400, "income_statement"),
        (f"/company/{APPLE}?months=5", 400, "months"),
        (f"/company/{APPLE}?year=soon", 400, "year"),
        (f"/company/{APPLE}?release=1999", 404, "1999"),
        ("/trace?company_id=nobody&item=revenue", 404, "nobody"),
        (f"/trace?company_id={APPLE}&item=revenu", 404, "revenue"),
        (f"/trace?company_id={APPLE}", 400, "item"),
        (REVENUE_2009 + "&derived=quarter", 404, "can be derived"),
        (REVENUE_2009.replace("2009-09-30", "2001-01-01"), 404, "2009-"),
    ],
)
def test_an_error_has_a_page_that_names_the_next_step(sample, explore, address, status, shown):
    view = explore(sample)
    assert view.open(address).status == status
    assert shown in view.page.get_by_role("alert").inner_text()
    assert "What to do:" in view.page.get_by_role("alert").inner_text()
    view.check_accessible()


def test_an_unknown_company_leads_to_the_search(sample, explore):
    view = explore(sample)
    view.open("/company/Apple%20Inc%2E%20?x=%22")
    assert view.page.get_by_role("link", name="Apple Inc.").get_attribute("href") == f"/company/{APPLE}"
    view.page.get_by_role("button", name="Find").click()
    view.page.get_by_role("link", name="Apple Inc.").wait_for()


def test_an_error_in_the_drawer_is_shown_there(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}")
    view.page.eval_on_selector("a.cell", "each => { each.href = each.href.replace('item=revenue', 'item=nothing'); }")
    view.page.locator("a.cell").first.click()
    assert "not a standard item" in view.page.get_by_role("dialog").get_by_role("alert").inner_text()


def test_a_server_that_does_not_respond_is_named(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}")
    view.page.route("**/trace?**", lambda route: route.abort())
    line_of(view, "Revenue").get_by_role("link").first.click()
    view.page.get_by_text("The server does not respond.").wait_for()
    view.check_accessible()
    view.page.unroute("**/trace?**")
    line_of(view, "Revenue").get_by_role("link").first.click()
    view.page.get_by_role("dialog").locator("dd.raw", has_text="42,905,000").wait_for()
    assert view.page.get_by_text("The server does not respond.").is_hidden()
    view.errors.clear()  # the browser itself names the request that failed


def test_periods_without_a_value_name_the_next_step(sample, explore):
    view = explore(sample)
    view.open(f"/company/{APPLE}?months=9&statement=cash_flow&year=1999")
    assert "There is no value of the cash flow" in view.page.inner_text("main")
    view.page.get_by_role("link", name="All years").click()
    view.page.get_by_label("Periods").wait_for()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The API over a release in which names and cells are HTML, scripts and formulas; one company has no values."""
    folder = made_once(tmp_path_factory, "hostile", _release_hostile)
    of_release = queried(folder / "home", folder / "companies.csv")
    with serving(lambda: of_release) as client:
        yield client


def _release_hostile(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = deploy(folder, monkeypatch)
        (folder / "companies.csv").write_text(
            f'{COMPANIES}H1,"{HOSTILE}",HHH,333\nE1,Empty Inc,EEE,444\nB1,Balance Inc,BBB,555\n'
        )
        row = f'6,"{HOSTILE}","December 31, 2009",12,USD thousands,"3,000",,,{HOSTILE_CELL},,,,,,,,\n'
        (made.data / "pnl.csv").write_text(PNL + row)
        balance = "bs-3,BBB,2009-12-31,USD,70,None,None,None,None,None,None,90" + ",None" * 11 + "\n"
        (made.data / "balance_sheet.csv").write_text(BALANCE_SHEET + balance)
        with running_services(made.data) as urls:
            made.use(urls)
            assert made.finsync("run") == 0


def test_hostile_names_and_cells_are_shown_as_text(hostile, explore):
    view = explore(hostile)
    view.page.on("dialog", lambda dialog: view.errors.append("a script ran"))
    view.open("/company/H1")
    assert view.page.get_by_role("heading", name=HOSTILE).is_visible()
    line_of(view, "Revenue").get_by_role("link").first.click()
    drawer = view.page.get_by_role("dialog")
    drawer.locator("dd.raw", has_text="3,000").wait_for()
    drawer.get_by_text("The whole row as delivered").click()
    assert HOSTILE in drawer.inner_text()
    assert HOSTILE_CELL in drawer.inner_text()
    view.open("/trace?company_id=H1&item=research_and_development&period_end=2009-12-31")
    assert HOSTILE_CELL in view.page.inner_text("main")
    assert "Not used" in view.page.inner_text("main")
    assert view.page.locator("main script:not([type='application/json']), main img").count() == 0
    view.open(f"/company/%3Cscript%3Ealert(1)%3C%2Fscript%3E?source={SCRIPT}")
    assert view.page.locator("main script").count() == 0


def test_a_company_without_values_has_a_page_with_what_to_do(hostile, explore):
    view = explore(hostile)
    view.open("/company/E1")
    assert "has no values of this company" in view.page.inner_text("main")
    assert view.page.get_by_role("link", name="Review the names that are not certain").is_visible()
    view.check_accessible()


def test_an_assumed_year_end_is_marked(hostile, explore):
    view = explore(hostile)
    view.open("/company/B1?statement=balance_sheet")
    assert columns_of(view) == ["FY 2009* · to 2009-12-31"]
    assert rows_of(view)["Total assets"] == ["90"]
    assert "The year end is assumed" in view.page.inner_text("main")
    view.open("/company/B1")
    assert "There is no value of the income statement" in view.page.inner_text("main")
