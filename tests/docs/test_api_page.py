"""The page on the API lists its routes, its problems and its settings as they are."""

from factories import PROJECT

from finsync_pipeline.serving.api_settings import PREFIX, ApiSettings
from finsync_pipeline.serving.app import make_app
from finsync_pipeline.serving.problems import PROBLEM_TYPES
from finsync_pipeline.serving.routes.screen import AskedScreen
from finsync_pipeline.settings import SETTINGS, query_deployment

PAGE = (PROJECT / "docs/api.md").read_text(encoding="utf-8")


def test_each_route_is_on_the_page_with_its_methods_and_what_it_answers():
    paths = make_app(query_deployment, ApiSettings()).openapi()["paths"]
    lines = [
        f"| `{path.removeprefix(PREFIX) or '/'}` | {' '.join(sorted(map(str.upper, operations)))} "
        f"| {operations['get'].get('description') or operations['get']['summary']} |"
        for path, operations in paths.items()
    ]
    rows = PAGE.partition("| route | methods |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows == lines


def test_each_problem_is_on_the_page():
    rows = PAGE.partition("| code | status |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows == [f"| `{code}` | {each.status} | {each.meaning} |" for code, each in PROBLEM_TYPES.items()]


def test_each_setting_and_each_parameter_of_a_screen_is_on_the_page():
    names = [name for name in SETTINGS if name.startswith("FINSYNC_API_")]
    parameters = set(AskedScreen.model_fields) - {"release", "format", "limit", "after"}
    assert [name for name in (*names, *parameters) if f"`{name}`" not in PAGE and f"`{name}=" not in PAGE] == []
