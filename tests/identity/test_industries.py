"""The industries of the reference list: names and SIC codes, and what neither of them is."""

from pathlib import Path

import pytest

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity import read_reference
from finsync_pipeline.identity.industries import INDUSTRIES
from finsync_pipeline.statements.items import ITEMS


def list_with(folder: Path, industry: str) -> Path:
    file = folder / "companies.csv"
    file.write_text(f"company_id,name,industry\nA1,Acme,{industry}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "industry"),
    [
        *((name, name) for name in INDUSTRIES),
        ("Real Estate", "real_estate"),
        *(("6021", "bank"), ("6199", "bank"), ("6211", "broker"), ("6311", "insurer"), ("6411", "insurer")),
        *(("6798", "real_estate"), ("2834", "other"), ("6412", "other")),
    ],
)
def test_an_industry_is_read_by_name_or_code(tmp_path, text, industry):
    assert read_reference(list_with(tmp_path, text)).companies["industry"].tolist() == [industry]


@pytest.mark.parametrize("text", ["banking", "621", "60210", "²021"])
def test_an_unreadable_industry_is_an_error_with_row_and_fix(tmp_path, text):
    with pytest.raises(ConfigurationError, match=r"row 2, column industry.*is not an industry.*Write one of bank"):
        read_reference(list_with(tmp_path, text))


def test_an_industry_does_not_change_the_version_of_the_list(tmp_path):
    versions = {read_reference(list_with(tmp_path, text)).version for text in ("bank", "6311", "")}
    assert len(versions) == 1


def test_items_name_industries_that_there_are():
    assert {industry for item in ITEMS.values() for industry in item.not_applicable} <= set(INDUSTRIES)
