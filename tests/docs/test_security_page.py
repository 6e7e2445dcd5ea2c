"""The page on security: each test that a control is shown by exists, and each setting."""

import ast
import re

from doc_pages import DOCS, Page
from factories import PROJECT

from finsync_pipeline.settings import SETTINGS
from source_services.settings import describe, variable

PAGE = Page(DOCS / "security.md")


def test_each_test_of_the_table_exists():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE.text)
    missing = [f"{file}::{name}" for file, name in named if name not in functions_of(file)]

    assert len(named) > 30
    assert missing == []


def test_each_threat_has_a_control_and_a_test():
    rows = [line.strip("|").split("|") for line in PAGE.text.splitlines() if re.match(r"\| \d+: ", line)]

    assert len(rows) > 20
    assert [row for row in rows if len(row) != 4 or not all(cell.strip() for cell in row) or "::" not in row[3]] == []


def test_each_setting_of_the_page_exists():
    composed = re.findall(r"\$\{(FINSYNC_[A-Z_]+)", (PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    known = {*SETTINGS, *(variable(setting.name) for setting in describe()), *composed}
    named = set(re.findall(r"`(FINSYNC_[A-Z_]*[A-Z])`", PAGE.text))

    assert named - known == set()


def functions_of(file: str) -> set[str]:
    """The names of the functions in a file of the tests."""
    path = PROJECT / "tests" / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
