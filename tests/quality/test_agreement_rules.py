"""The file of the rules: what it may contain, and how each mistake in it is reported."""

from pathlib import Path

import pytest

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.quality.rules import Rules, read_rules
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS, TEXT_ITEMS
from finsync_pipeline.statements.mapping import CURRENCIES

QUALITY = Path(__file__).parents[2] / "finsync_pipeline" / "quality"


def written(folder: Path, text: str) -> Path:
    path = folder / "agreement.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_mean_of_all_items_is_published_and_suspects_are_withheld():
    rule = read_rules(None).of("revenue")
    assert (rule.rule, rule.tolerance, rule.disputed, rule.suspects) == ("mean", 0.01, "flag", "withhold")


def test_an_item_takes_from_the_default_what_it_does_not_declare(tmp_path: Path):
    text = """
    default: {rule: median, disputed: withhold}
    items:
      operating_income: {rule: {prefer: [pnl, nyse]}}
      eps_diluted: {tolerance: 0.005, disputed: flag}
    """
    rules = read_rules(written(tmp_path, text), ["pnl", "nyse"])
    assert rules.of("operating_income").preferred == ["pnl", "nyse"]
    assert rules.of("operating_income").disputed == "withhold"
    eps = rules.of("eps_diluted")
    assert (eps.rule, eps.tolerance, eps.disputed) == ("median", 0.005, "flag")
    assert rules.of("revenue").rule == "median"


def test_an_empty_file_is_the_default(tmp_path: Path):
    assert read_rules(written(tmp_path, "")) == Rules()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("default: {rule: average}", ["default.rule", "'average'", "mean, median or"]),
        ("default: {tolerence: 0.1}", ["default.tolerence", "tolerance"]),
        ("default: {tolerance: 0.9}", ["default.tolerance"]),
        ("default: {disputed: hide}", ["default.disputed", "'hide'", "flag"]),
        ("default: {rule: {prefer: []}}", ["prefer", "at least one"]),
        ("items: {revenues: {rule: mean}}", ["revenues", "mean revenue"]),
        ("items: {sector: {rule: mean}}", ["sector"]),
        ("items: {revenue: {rul: mean}}", ["items.revenue.rul", "mean rule"]),
        ("items: {revenue: {rule: {prefer: [pln]}}}", ["pln is not a source", "Did you mean pnl"]),
        ("rules: {}", ["rules"]),
        ("[1, 2]", ["has no keys"]),
        ("default: {rule: mean\nitems:", ["line 2"]),
    ],
)
def test_a_mistake_is_reported_with_file_field_and_fix(tmp_path: Path, text: str, parts: list[str]):
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read_rules(path, ["pnl", "nyse"])
    assert all(part in str(caught.value) for part in [str(path), *parts]), str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"missing\.yaml: cannot be read"):
        read_rules(tmp_path / "missing.yaml")


def test_every_item_with_numbers_has_a_bound():
    assert all(ITEMS[item].bound for item in NUMERIC_ITEMS)
    assert all(ITEMS[item].bound is None for item in TEXT_ITEMS)


def test_the_orders_of_magnitude_of_currencies_are_powers_of_ten_of_known_currencies():
    lines = (QUALITY / "currency_magnitudes.csv").read_text().split()[1:]
    listed = dict(line.split(",") for line in lines)
    assert len(listed) == len(lines)
    assert set(listed) <= CURRENCIES
    assert all(magnitude.strip("0") == "1" for magnitude in listed.values())
