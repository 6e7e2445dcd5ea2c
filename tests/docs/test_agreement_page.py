"""The page on agreement shows what the code does: verdicts, limits, rules, files and messages."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from doc_pages import DOCS, GLOSSARY, Page
from factories import mapping_of

from finsync_pipeline import frames
from finsync_pipeline.publishing.changes import Limits
from finsync_pipeline.publishing.csv_files import BYTE_ORDER_MARK, write_csv
from finsync_pipeline.quality.rules import Rules, read_rules
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import AGREEMENT

PAGE = Page(DOCS / "agreement.md")
BLOCKS = re.findall(r"^```(?:yaml)?\n(.*?)^```", PAGE.text, re.MULTILINE | re.DOTALL)
VERDICTS = next(field.allowed for field in AGREEMENT.fields if field.name == "verdict")


def block(part: str) -> str:
    """The one block of the page that contains this."""
    [found] = [each for each in BLOCKS if part in each]
    return found


def section(page: Page, heading: str) -> str:
    """What follows the heading, up to the next one."""
    return re.split(r"^#+ ", page.text.partition(f"# {heading}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("page", [PAGE, GLOSSARY], ids=str)
def test_the_verdicts_are_those_of_the_table(page: Page):
    assert re.findall(r"^\| `(\w+)` \|", section(page, "Verdicts"), re.MULTILINE) == list(VERDICTS or ())


def test_the_rules_of_the_page_can_be_read_and_begin_with_the_defaults(tmp_path: Path):
    file = tmp_path / "agreement.yaml"
    file.write_text(block("default:"), encoding="utf-8")
    rules = read_rules(file, ["pnl", "cash_flow"])

    assert rules.default == Rules().of("revenue")
    assert [item for item in rules.items if rules.of(item) == rules.default] == []


def test_the_keys_of_a_source_on_the_page_can_be_read():
    expected = mapping_of(items={"revenue": "a", "net_income": "b"}, **yaml.safe_load(block("expect:")))

    assert expected.expect.required == ["revenue", "net_income"]
    assert f"the default is {expected.expect.unreadable}" in PAGE.text
    assert mapping_of(**yaml.safe_load(block("vintage:"))).vintage == "first"
    assert f"# or {SourceMapping.model_fields['vintage'].default} (the default)" in PAGE.text


def test_the_limits_of_losses_are_those_of_the_code():
    text, limits = section(PAGE, "What a release has lost").replace(" %", "%"), Limits()

    assert (
        f"{limits.companies_at_least} companies or more are lost, and these are more than {limits.companies:.0%} ("
        in text
    )
    assert f"more than {limits.facts:.0%} of its facts" in text


def test_the_lines_of_disputes_have_the_columns_of_the_table():
    header, *lines = csv.reader(block("company_name,").splitlines())

    assert header == ["company_id", "company_name", *AGREEMENT.arrow.names[1:]]
    assert {len(line) for line in lines} == {len(header)}
    assert {line[header.index("verdict")] for line in lines} <= set(VERDICTS or ())


def test_texts_that_are_named_as_formulas_are_made_harmless(tmp_path: Path):
    beginnings = [*re.findall(r"`(\W)`", section(PAGE, "The CSV files")), "\t", "\r"]
    texts = [f"{beginning}1+1" for beginning in beginnings]
    frame = pd.DataFrame({"why": texts}, dtype=frames.STRING)
    write_csv(frame, tmp_path / "file.csv", with_mark=True)
    written = (tmp_path / "file.csv").read_bytes()

    assert {"=", "+", "-", "@"} < set(beginnings)
    assert written.startswith(BYTE_ORDER_MARK)
    assert written.count(b"'") == len(texts)
