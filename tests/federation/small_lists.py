"""The companies of the small sources: the list, its aliases with dates, and the review."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAMES = [
    "Alpine Foods Inc",
    "Müller Söhne AG",
    "O'Neil & Sons",
    "100% Cotton Company",
    "Under_score Systems Ltd",
    "Northwind Traders Corp",
    "Ångström Labs AB",
    "Blue Harbor Shipping",
    "Granite Peak Mining",
    "Café Résumé SA",
    "Lakeside Hospital Group",
    "Vector Dynamics Inc",
    "Juniper Street Bank",
    "Copper Canyon Energy",
    "Harvest Moon Farms",
    "Silverline Railways",
    "Quantum Orchard PLC",
    "Redwood Timberland Co",
    "Saffron Textiles Ltd",
    "Polar Night Airlines",
    "Kestrel Aerospace Inc",
    "Maple Crown Brewing",
    "Old Mill Paper",
    "Pioneer Dental Supply",
    "Tundra Wireless",
    "Ivory Coast Cocoa",
    "Zephyr Wind Power",
    "Bramble Insurance",
    "Cobalt Glass Works",
    "Dune Resorts",
]
COMPANIES = {str(1001 + place) if place % 3 else f"00000{20 + place}": name for place, name in enumerate(NAMES)}
"""The names by their ids, some of which begin with zeros."""


def write_lists(folder: Path) -> tuple[Path, Path]:
    """The list of companies, with aliases that have dates, and the review: folder and file."""
    reference, review = folder / "reference", folder / "review.csv"
    reference.mkdir(parents=True)
    ids = list(COMPANIES)
    companies = [
        [company, name, f"TK{chr(65 + place % 26)}", "US"] for place, (company, name) in enumerate(COMPANIES.items())
    ]
    aliases = [
        [ids[0], "Traveller Group", "name", "", "2009-12-31"],
        [ids[1], "Traveller Group", "name", "2010-01-01", ""],
        [ids[2], "O Neil Brothers", "name", "", ""],
        [ids[3], "Cotton Gin", "name", "2009-09-30", "2010-06-30"],
    ]
    lines = [
        ["", "Shared Name", ids[4], "", "2010-03-31", "me", "2026-01-01"],
        ["", "Shared Name", ids[5], "2010-04-01", "", "me", "2026-01-01"],
        ["registry", "Old Mill Paper", "reject", "2010-06-01", "", "me", "2026-01-01"],
    ]
    _write_csv(reference / "companies.csv", ["company_id", "name", "tickers", "country"], companies)
    _write_csv(reference / "aliases.csv", ["company_id", "alias", "kind", "valid_from", "valid_to"], aliases)
    _write_csv(review, ["source", "source_name", "company_id", "valid_from", "valid_to", "who", "when"], lines)
    return reference, review


def _write_csv(file: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([columns, *rows])
