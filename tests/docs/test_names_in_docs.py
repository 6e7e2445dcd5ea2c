"""What the documentation names exists: links, modules and functions, files, commands, settings, targets of make."""

import re
import tomllib
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest
from doc_pages import CHANGELOG, DOCS, PAGES, PRESENT_PAGES, Page
from factories import PROJECT

from finsync_pipeline.definitions import defs

FILES = r"[\w.\-/]+\.(?:py|csv|md|ya?ml|toml|sql|txt|html|css|jsonl?)"
MADE = re.compile(r"(tables|published|secrets|dagster|finsync_data|\.\.)/|.*/sources/nyse/|.*\b(review|fundamentals)\.")
"""Files that users have or that FinSync makes."""
PLACES = ("", "finsync_pipeline", "finsync_pipeline/defs/sources", "source_services", "docs", "tests", "benchmarks")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Page):
    broken = []
    for _, target in page.links:
        path, _, anchor = target.partition("#")
        if re.match(r"https?:", target):
            continue
        file = (page.file.parent / path).resolve() if path else page.file
        if not file.exists() or (anchor and anchor not in Page(file).anchors):
            broken.append(target)

    assert broken == []


def test_the_index_has_every_page():
    linked = {(DOCS / target).resolve() for _, target in Page(DOCS / "README.md").links}

    assert {page.file for page in PAGES if page.file.parent == DOCS} - linked == {DOCS / "README.md"}


def test_the_changelog_begins_with_the_version_of_the_package():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]

    assert re.findall(r"^## \[(.+?)\]", CHANGELOG.text, re.MULTILINE)[0] == project["version"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_to_code_name_what_is_in_the_file(page: Page):
    wrong = []
    for text, target in page.links:
        name = text.strip("`")
        if target.endswith(".py") and re.fullmatch(r"[\w.]+", name) and name != Path(target).name:
            module = (page.file.parent / target).resolve().relative_to(PROJECT).with_suffix("").as_posix()
            if not is_in_module(name, module.replace("/", ".").removesuffix(".__init__")):
                wrong.append(f"{name} in {target}")

    assert wrong == []


def test_a_name_that_is_not_in_the_file_is_noticed():
    assert is_in_module("statements.numbers.number_sql", "finsync_pipeline.statements.numbers")
    assert not is_in_module("statements.numbers.read_words", "finsync_pipeline.statements.numbers")
    assert not is_in_module("statements.dates.number_sql", "finsync_pipeline.statements.numbers")


def is_in_module(name: str, module: str) -> bool:
    """Whether the dotted name is the module, or something that it defines."""
    full = name if name.startswith("source_services.") else f"finsync_pipeline.{name}"
    if full == module:
        return True
    found = import_module(module)
    if not full.startswith(f"{module}."):
        return False
    for part in full.removeprefix(f"{module}.").split("."):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("page", PRESENT_PAGES, ids=str)
def test_files_that_are_named_exist(page: Page):
    named = {span for span in page.code if re.fullmatch(FILES, span) and "/" in span and not MADE.match(span)}

    assert sorted(name for name in named if not any((PROJECT / place / name).exists() for place in PLACES)) == []


@pytest.mark.parametrize("page", PRESENT_PAGES, ids=str)
def test_commands_and_options_exist(page: Page, finsync_help: dict[str, str]):
    unknown = set()
    for code in page.code:
        for command, rest in re.findall(r"(?:^|[ /(])finsync ([a-z][\w-]*)([^`|#&]*)", code):
            options = re.findall(r"--[a-z][\w-]*", rest)
            unknown |= {f"finsync {command}"} - {f"finsync {name}" for name in finsync_help}
            unknown |= {f"finsync {command} {each}" for each in options if each not in finsync_help.get(command, each)}
        for target in re.findall(r"(?:^|&& |\()make ([a-z]+)", code):
            unknown |= set() if re.search(rf"^{target}:", makefile(), re.MULTILINE) else {f"make {target}"}
        for module in re.findall(r"python -m ((?:finsync_pipeline|source_services|benchmarks)[\w.]*)", code):
            path = PROJECT / module.replace(".", "/")
            unknown |= set() if path.with_suffix(".py").exists() or path.is_dir() else {module}

    assert sorted(unknown) == []


def makefile() -> str:
    return (PROJECT / "Makefile").read_text(encoding="utf-8")


def test_settings_that_are_named_exist():
    code = [*PROJECT.glob("*.yml"), *PROJECT.glob("*.yaml"), PROJECT / "Makefile"]
    for folder, kinds in {
        "finsync_pipeline": ("py", "csv", "yaml"),
        "source_services": ("py",),
        "tests": ("py",),
    }.items():
        code += [file for kind in kinds for file in (PROJECT / folder).rglob(f"*.{kind}")]
    known = " ".join(file.read_text(encoding="utf-8") for file in code)
    of_services = re.compile(r"FINSYNC_SERVICES_\w+|FINSYNC_\w+_(URL|PORT)|FINSYNC_")
    named = {name for page in PAGES for span in page.code for name in re.findall(r"FINSYNC_[A-Z_]*", span)}

    assert sorted(name for name in named if name not in known and not of_services.fullmatch(name)) == []


def test_the_packages_in_the_architecture_are_those_of_the_linter():
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [name.strip() for layer in contracts[0]["layers"] for name in layer.split("|")]
    page = Page(PROJECT / "docs" / "architecture.md").text.partition("## The packages")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == layers


def test_the_picture_shows_the_assets_and_what_they_read():
    graph = defs().resolve_asset_graph()
    page = Page(PROJECT / "docs" / "architecture.md").text
    nodes = dict(re.findall(r'(\w+)\["([\w, ]+)"\]', page))
    drawn = {name: node for node, names in nodes.items() for name in names.split(", ")}
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", page, re.MULTILINE)
    real: dict[str, set[str]] = defaultdict(set)
    for key in graph.get_all_asset_keys():
        of = drawn[key.path[-1]]
        real[of] |= {drawn[parent.path[-1]] for parent in graph.get(key).parent_keys} - {of}
    sources = {key.path[0] for key in graph.get_all_asset_keys() if len(key.path) > 1}

    assert {key.path[-1] for key in graph.get_all_asset_keys()} == set(drawn)
    assert set(arrows) == {(parent, child) for child, parents in real.items() for parent in parents}
    assert f"each source: {', '.join(sorted(sources))}" in page
