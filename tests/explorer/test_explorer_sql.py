"""SQL in a real browser: run, marked mistakes, completion, plan, chart, downloads; live with a source that is down."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from explorer.conftest import PHONE
from pipeline.conftest import NOBODY_LISTENS
from serving.conftest import queried, serving

pytestmark = pytest.mark.long
SQL = "SELECT company_id, period_end, revenue, net_income FROM financials WHERE months = 12 ORDER BY ALL"
HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)>"""


def at(sql, **parameters):
    return f"/sql?{urlencode({'q': sql, 'release': 'current', **parameters})}"


def write(view, sql):
    """Type into the editor as a person does."""
    content = view.page.locator(".cm-content")
    content.click()
    view.page.keyboard.press("Control+a")
    view.page.keyboard.type(sql)
    view.page.keyboard.press("Escape")


@pytest.fixture
def live(again) -> Iterator:
    """The API over a release and its services, which run."""
    made = queried(again.home, again.folder / "companies.csv")
    with serving(lambda: made) as client:
        yield client


def test_sql_is_written_and_run_by_keyboard_and_the_address_has_all_of_it(api, explore):
    view = explore(api)
    view.open("/sql?release=current")
    assert "Nothing is asked yet" in view.page.inner_text("#answer")
    write(view, SQL)
    view.page.keyboard.press("Control+Enter")
    view.page.get_by_role("cell", name="7,000", exact=True).first.wait_for()
    assert "3 rows" in view.page.inner_text("caption")
    assert "q=SELECT" in view.page.url
    assert "release=current" in view.page.url
    view.page.reload(wait_until="networkidle")
    view.page.get_by_role("cell", name="7,000", exact=True).first.wait_for()
    assert SQL in view.page.locator(".cm-content").inner_text()
    view.check_accessible()


def test_tab_leaves_the_editor(api, explore):
    view = explore(api)
    view.open("/sql")
    view.page.locator(".cm-content").click()
    view.page.keyboard.press("Tab")
    assert view.page.evaluate("document.activeElement.name") == "release"
    view.page.keyboard.press("Shift+Tab")
    assert view.page.evaluate("document.activeElement.className") == "editor"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("SELECT rev", "revenue"),
        ("SELECT * FROM finan", "financials"),
        ("SELECT * FROM facts WHERE item = 'net_in", "net_income"),
    ],
)
def test_completion_offers_views_columns_and_items(api, explore, typed, offered):
    view = explore(api)
    view.open("/sql")
    view.page.locator(".cm-content").click()
    view.page.keyboard.type(typed, delay=30)
    option = view.page.locator(".cm-tooltip-autocomplete li", has_text=offered).first
    option.wait_for()
    view.page.wait_for_timeout(200)  # the editor takes no choice in the first moment, lest it be an accident
    option.click()
    assert offered in view.page.locator(".cm-content").inner_text()


def test_a_mistake_is_marked_where_it_is_with_what_is_meant(api, explore):
    view = explore(api)
    view.open(at("SELECT company_id,\n  revenu\nFROM financials"))
    problem = view.page.get_by_role("alert")
    problem.wait_for()
    assert "Line 2, column 3" in problem.inner_text()
    assert "did you mean revenue?" in problem.inner_text()
    assert problem.locator("mark").inner_text() == "revenu"
    view.page.wait_for_function("() => document.querySelector('.editor')?.editor?.state.selection.main.to === 27")
    view.check_accessible()


def test_a_result_is_drawn_as_chosen_in_the_address(api, explore):
    view = explore(api)
    view.open(at(SQL))
    view.page.get_by_role("radio", name="chart").check()
    view.page.locator("figure :is(svg, canvas)").wait_for()
    assert "show=chart" in view.page.url
    view.page.get_by_label("A series for each").select_option("company_id")
    view.page.wait_for_url("**by=company_id**")
    view.page.wait_for_load_state("networkidle")
    view.page.locator("select[name=kind]").select_option("bars")
    view.page.wait_for_url("**kind=bars**")
    view.page.locator("figure[data-chart=bars] :is(svg, canvas)").wait_for()
    view.page.locator("figure").hover()
    view.page.reload(wait_until="networkidle")
    assert view.page.get_by_label("A series for each").input_value() == "company_id"
    view.page.locator("figure[data-chart=bars] :is(svg, canvas)").wait_for()
    view.check_accessible()


@pytest.mark.parametrize("format_", ["csv", "json", "parquet", "arrow"])
def test_the_whole_answer_is_downloaded(api, explore, format_):
    view = explore(api)
    view.open(at(SQL))
    with view.page.expect_download() as started:
        view.page.get_by_role("link", name=format_, exact=True).click()
    assert started.value.suggested_filename == f"answer.{format_}"
    assert started.value.path().stat().st_size > 50


def test_sql_that_is_too_long_for_an_address_is_posted_and_downloaded(api, explore):
    view = explore(api)
    view.open("/sql?release=current")
    view.page.locator(".cm-content").click()
    long = f"{SQL} -- {'x' * 9_000}"
    view.page.evaluate(
        """(text) => {
            const { editor } = document.querySelector(".editor");
            editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
        }""",
        long,
    )
    view.page.keyboard.press("Control+Enter")
    view.page.get_by_role("cell", name="7,000", exact=True).first.wait_for()
    assert view.page.url.endswith("/sql")
    with view.page.expect_download() as started:
        view.page.get_by_role("button", name="csv").click()
    assert started.value.path().read_text(encoding="utf-8").startswith("company_id,")


def test_hostile_names_and_values_are_shown_as_text(api, explore):
    view = explore(api)
    text = HOSTILE.replace("'", "''")
    view.open(at(f"""SELECT '{text}' AS "<b>name</b>", '=1+1' AS formula, 1 AS one FROM companies"""))
    view.page.get_by_role("cell", name=HOSTILE).first.wait_for()
    assert view.page.get_by_role("columnheader", name="<b>name</b>").is_visible()
    view.page.get_by_role("radio", name="chart").check()
    view.page.locator("figure :is(svg, canvas)").wait_for()
    view.page.locator("figure").hover()


@pytest.mark.parametrize("how", [{"viewport": PHONE}, {"color_scheme": "dark"}])
def test_sql_works_on_a_phone_and_in_the_dark(api, explore, how):
    view = explore(api, **how)
    view.open(at(SQL))
    view.page.get_by_role("cell", name="7,000", exact=True).first.wait_for()
    width, room = view.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= room
    view.check_accessible()
    view.screenshot(f"sql_{'phone' if 'viewport' in how else 'dark'}")


def test_sql_is_answered_without_script(api, explore):
    view = explore(api, java_script_enabled=False)
    view.open("/sql?release=current")
    view.page.get_by_label("One SELECT").fill(SQL)
    view.page.get_by_role("button", name="Run").click()
    assert view.page.get_by_role("cell", name="7,000", exact=True).first.is_visible()
    view.open(at(SQL))
    view.page.get_by_role("link", name="Show the answer").click()
    assert view.page.get_by_role("cell", name="7,000", exact=True).first.is_visible()


def test_each_example_is_answered(sample, explore):
    view = explore(sample)
    view.open("/sql?release=current")
    for title in view.page.locator(".examples a").all_inner_texts():
        view.page.get_by_role("link", name=title).click()
        view.page.locator("#answer caption").wait_for()
    view.screenshot("sql_example")


def test_the_plan_of_a_live_query_is_a_tree_of_its_sources(live, explore):
    view = explore(live)
    view.open(at("SELECT company_id, revenue FROM income_statement WHERE revenue > 1000000", release="", show="plan"))
    tree = view.page.locator(".tree")
    tree.wait_for()
    assert "pnl" in tree.inner_text()
    assert "sent:" in tree.inner_text()
    assert "bytes in" in tree.inner_text()
    view.check_accessible()


def test_over_a_release_there_is_no_plan_and_the_page_says_so(api, explore):
    view = explore(api)
    view.open(at(SQL, show="plan"))
    view.page.get_by_text("no source is asked, so there is no plan").wait_for()


def test_a_source_that_is_down_is_named_and_the_others_can_answer(again, explore):
    again.use({"pnl": NOBODY_LISTENS})
    made = queried(again.home, again.folder / "companies.csv")
    with serving(lambda: made) as client:
        view = explore(client)
        view.open(f"/sql?{urlencode({'q': 'SELECT source, item, value FROM facts ORDER BY ALL'})}")
        problem = view.page.get_by_role("alert")
        problem.wait_for()
        assert "pnl" in problem.inner_text()
        view.page.get_by_role("button", name="Answer without it").click()
        view.page.get_by_text("Without pnl:").wait_for()
        assert view.page.get_by_role("cell", name="balance_sheet").first.is_visible()
        assert view.page.get_by_role("cell", name="pnl").count() == 0
        view.check_accessible()


def test_a_busy_server_is_a_page_with_try_again(released, explore):
    made = queried(released.home, released.folder / "companies.csv")
    with serving(lambda: made, queries=0) as client:
        view = explore(client)
        view.open(at(SQL))
        view.page.get_by_role("button", name="Try again").wait_for()
        assert "as many queries run as may" in view.page.inner_text("#answer")


def test_a_query_that_runs_can_be_cancelled(api, explore):
    view = explore(api)
    view.open("/sql?release=current")
    write(view, SQL)
    waiting = []
    view.page.route("**/sql?*", lambda route: waiting.append(route))  # answered never
    view.page.keyboard.press("Control+Enter")
    view.page.get_by_text("The query runs").wait_for()
    view.page.get_by_role("button", name="Cancel").click()
    view.page.get_by_text("The query runs").wait_for(state="hidden")
    view.page.unroute("**/sql?*")
    view.page.get_by_role("button", name="Run").click()
    view.page.get_by_role("cell", name="7,000", exact=True).first.wait_for()
