"""The YAML files of the sources, read without Dagster as with it, and what each mistake is reported as."""

from pathlib import Path

import pytest
from factories import PROJECT

from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.settings import DEFS, query_deployment
from finsync_pipeline.statements.mapping import check_url
from finsync_pipeline.statements.source_files import filled, read_sources

DECLARATION = (PROJECT / "finsync_pipeline/defs/sources/pnl/defs.yaml").read_text()
URL = "env('FINSYNC_PNL_URL', 'http://127.0.0.1:5001')"
MISTAKES = [
    ("row_key: Row", "row_kye: Row", "defs.yaml:8: row_kye: no such key; did you mean row_key"),
    ("row_key: Row", "row_kye: Row", "defs.yaml:4: row_key: missing; declare it"),
    (
        "net_income: Net Profit",
        "net_incom: Net Profit",
        "items.net_incom: no such standard item; did you mean net_income",
    ),
    ("currency: {", "currency: dollars #{", "defs.yaml:12: currency: 'dollars' is not a currency"),
    ("thousands, USD millions: millions}}", "dozens}}", "defs.yaml:13: scale.values.USD thousands: 'dozens' is not"),
    ("table: pnl", "table: pnl\n  table: pnl", "defs.yaml:8: table: this key is there twice. Take one of them out"),
    ("table: pnl", "table: [pnl", "defs.yaml:8: not valid YAML: expected ',' or ']'"),
    (URL, "env('FINSYNC_NOWHERE')", "defs.yaml:5: url: FINSYNC_NOWHERE is not set. Set the variable"),
    (URL, "env.__init__.__globals__['os'].system('touch reached')", "can do nothing but name variables"),
    (URL, "env('X', env.__class__)", "can do nothing but name variables"),
    (URL, "''.__class__.__mro__", "can do nothing but name variables"),
    (URL, "env | attr('__init__')", "can do nothing but name variables"),
    (URL, "env('X', '{0.__class__}').format(env)", "can do nothing but name variables"),
    (URL, "env._environment.clear()", "can do nothing but name variables"),
    (URL, "'x' * 10 ** 10", "can do nothing but name variables"),
    (URL, "(" * 500 + "env.X" + ")" * 500, "defs.yaml:5: url: "),
    (URL, "dg.AssetKey", "'dg' is undefined. Write {{ env('NAME') }}"),
    ("http://127.0.0.1:5001", "127.0.0.1:5001", "defs.yaml:5: url: '127.0.0.1:5001' is not the address of a service"),
    ("{{ env(", "{{ envv(", "defs.yaml:5: url: 'envv' is undefined"),
    (URL, "env.__class__.__mro__", "defs.yaml:5: url: "),
    (URL, "env.FINSYNC_PNL_URL or 'http://127.0.0.1:5001'", None),
    ("  months: {column: Months}\n", "", "months: missing, and revenue is measured over a period"),
    (
        "components.StatementSource",
        "components.StatementSauce",
        "type: there is no finsync_pipeline.components.Statement",
    ),
]


def test_the_mappings_are_those_of_the_component(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FINSYNC_PNL_URL", "http://example.org:1")
    monkeypatch.setenv("FINSYNC_SERVICES_TOKEN_FILE", "/run/secrets/token")

    assert list(read_sources(DEFS).values()) == declared_sources()
    assert read_sources(DEFS)["pnl"].url == "http://example.org:1"


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES)
def test_a_mistake_is_reported_with_file_line_and_field(tmp_path: Path, right: str, wrong: str, message: str | None):
    (tmp_path / "pnl").mkdir()
    (tmp_path / "pnl" / "defs.yaml").write_text(DECLARATION.replace(right, wrong))
    assert right in DECLARATION

    if message is None:
        assert list(read_sources(tmp_path)) == ["pnl"]
        return
    with pytest.raises(ConfigurationError) as raised:
        read_sources(tmp_path)
    assert message in str(raised.value)
    assert "input_value" not in str(raised.value)


def test_two_sources_of_one_name_are_refused(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "defs.yaml").write_text(DECLARATION)

    with pytest.raises(ConfigurationError, match=r"two sources are named pnl\. Give each defs.yaml a name of its own"):
        read_sources(tmp_path)


def test_files_of_other_components_are_passed_over(tmp_path: Path):
    (tmp_path / "defs.yaml").write_text("type: dagster.DefsFolderComponent\n---\ntype: another.Component\n")

    assert read_sources(tmp_path) == {}


def test_the_deployment_of_the_settings_has_the_quarters_of_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FINSYNC_HOME", str(tmp_path))
    monkeypatch.setenv("FINSYNC_QUERY_ROWS", "7")
    deployment = query_deployment()

    assert deployment.quarters == all_quarters()
    assert list(deployment.mappings) == ["balance_sheet", "cash_flow", "pnl"]
    assert (deployment.published, deployment.cache) == (tmp_path / "published", tmp_path / "query_cache")
    assert (deployment.limits.rows, deployment.limits.seconds) == (7, 60)
    monkeypatch.setenv("FINSYNC_QUERY_CACHE_FOLDER", str(tmp_path / "elsewhere"))
    assert query_deployment().cache == tmp_path / "elsewhere"


def test_a_template_names_variables_and_no_more():
    for template in ("env('A')", "env('NO', 'one')", "env(\"NO\", default='one')", "env.A", "env.NO or 'one'"):
        assert filled(f"http://{{{{ {template} }}}}:1", "here", {"A": "one"}) == "http://one:1"


@pytest.mark.parametrize("declaration", ["&a [*a]", "{a: &a {b: &b {c: *a}}}"])
def test_a_file_that_refers_to_itself_is_read_to_its_end(tmp_path: Path, declaration: str):
    (tmp_path / "defs.yaml").write_text(f"{DECLARATION}\nmore: {declaration}\n")

    assert list(read_sources(tmp_path)) == ["pnl"]


URLS = {
    "is not the address of a service": ["", "http://", "ftp://x", "http://[", "http://a:99999", "http://a:x", "//a"],
    "has spaces, line breaks or letters that no URL has": [
        "http://a\nb",
        "http://a/\r\nX: y",
        "http://a\tb",
        "http://a b",
        "http://a\x00",
        "http://a\x7f",
        "http://a\u202e",
        "http://us er@h",
        "http://é.example",
        "http://a/\n",
    ],
    "has a host": [
        "http://:80",
        "http://@",
        "http://.x",
        "http://*",
        "http://a..b",
        f"http://{'a' * 64}",
        "http://a\\b",
    ],
    "has a user or password with letters that must be written as %XX": ["http://a\\@h", "http://%zz@h", "http://<>@h"],
    "has the port 0": ["http://a:0"],
    "has a query or a fragment": ["http://a?x=s3cret", "http://a#x", "http://a?"],
}


@pytest.mark.parametrize(("what", "url"), [(what, url) for what, urls in URLS.items() for url in urls])
def test_a_url_at_which_no_service_can_listen_is_refused(what: str, url: str):
    with pytest.raises(ValueError, match="write it like http://") as raised:
        check_url(url)
    assert what in str(raised.value)
    assert str(raised.value).isprintable()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://me:s3cret@h:0", "me:s3cret@h", "https://me:s3\ncret@h", "http://s3cret@x@h:0"])
def test_the_message_does_not_show_its_password(url: str):
    with pytest.raises(ValueError, match="write it like") as raised:
        check_url(url)
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5001",
        "https://pnl",
        "http://[::1]:50/x",
        "http://me:p%40ss@x_y.example.:1",
        "http://a@b@c:65535",
    ],
)
def test_a_url_at_which_a_service_may_listen_is_taken(url: str):
    check_url(url)
