"""The page on derived values shows the formulas and rules as they are."""

import re

from doc_pages import DOCS, Page

from finsync_pipeline.aggregation.derived import QUARTER_RULES, TRAILING_RULES, Part, Rule
from finsync_pipeline.aggregation.fiscal_years import DAYS_INTO_MONTH
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import BALANCES_AS_FLOWS
from finsync_pipeline.statements.tables import DERIVED

PAGE = Page(DOCS / "derived.md")


def section(heading: str) -> str:
    return PAGE.text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(heading: str) -> list[str]:
    """The lines of the table in a section, without its head."""
    return [line for line in section(heading).splitlines() if line.startswith("|")][2:]


def words(rule: Rule) -> str:
    """The rule as the page has it."""
    first, *others = rule
    return " ".join([described(first), *(f"{'+-'[part.sign < 0]} {described(part)}" for part in others)])


def described(part: Part) -> str:
    return f"{part.months} months" + (f" that end {part.before} months before" if part.before else "")


def test_the_formulas_are_those_of_the_table():
    assert table("Derived items") == [
        f"| `{formula.name}` | `{formula.formula}` | {formula.description} |" for formula in FORMULAS.values()
    ]


def test_the_rules_are_those_of_the_code():
    assert table("Single quarters") == [f"| {words(rule)} |" for rule in QUARTER_RULES]
    assert table("Trailing twelve months") == [f"| {words(rule)} |" for rule in TRAILING_RULES]


def test_columns_kinds_and_exceptions_are_those_of_the_code():
    kinds = next(field.allowed for field in DERIVED.fields if field.name == "kind")
    listed = re.findall(r"`(\w+)`", PAGE.text.partition("table `derived`: ")[2].partition(".\n")[0])

    assert [name for name in listed if name not in (kinds or ())] == DERIVED.arrow.names
    assert [name for name in listed if name in (kinds or ())] == list(kinds or ())
    assert all(f"`{item}`" in section("Single quarters") for item in BALANCES_AS_FLOWS)
    assert f"first {DAYS_INTO_MONTH} days of the next month" in section("Fiscal years")
