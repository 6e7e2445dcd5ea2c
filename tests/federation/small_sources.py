"""Five small sources with everything that goes wrong in real ones.

Made by code from a seed: `ledger` has clean numbers; `filings` numbers and texts in brackets, with a unit, length and
currency in each row; `feed` mixed cells and company ids stored as numbers; `registry` texts, supporting columns and
days since which a row is known; `notes` is meant for a service without Arrow and versions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from federation.small_lists import COMPANIES, NAMES

from finsync_pipeline.statements.mapping import SourceMapping

Row = dict[str, Any]
ENDS = [date(2008, 12, 31), *(date(2009, month, 30) for month in (6, 9)), date(2009, 12, 31), date(2010, 3, 31)]
ENDS += [date(2010, 6, 30), date(2010, 12, 31), date(2011, 12, 31)]
QUARTERS = [date(year, month, 1) for year in range(2008, 2012) for month in (1, 4, 7, 10)][3:]


@dataclass(frozen=True)
class SmallSource:
    """A source: its mapping without a url, its rows, and how many rows its service returns at once (None: any)."""

    mapping: SourceMapping
    rows: list[Row]
    most_rows: int | None = None


def small_sources(seed: int) -> list[SmallSource]:
    """The sources of this seed."""
    return [make(Random(f"{seed} {make.__name__}")) for make in (_ledger, _filings, _feed, _registry, _notes)]


def write_source(source: SmallSource, folder: Path) -> Path:
    """The data file of the source."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{source.mapping.name}.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in source.rows), encoding="utf-8")
    return file


def _mapping(**parts: Any) -> SourceMapping:
    return SourceMapping.model_validate({"url": "http://127.0.0.1:1", "expect": {"unreadable": 0.5}, **parts})


# The sources


def _ledger(random: Random) -> SmallSource:
    mapping = _mapping(
        name="ledger",
        table="ledger",
        row_key="No.",
        company={"column": "Company", "kind": "name"},
        months=12,
        period_end={"column": "Ends", "formats": ["%Y-%m-%d", "%d.%m.%Y"]},
        currency="USD",
        scale="millions",
        items={
            "revenue": "Sales",
            "cost_of_revenue": {"column": "Cost", "sign": -1},
            "net_income": "Profit",
            "eps_basic": "EPS",
            "total_assets": "Assets",
            "dividends_paid": {"column": "Dividends", "sign": -1},
        },
    )

    def cells() -> Row:
        return {
            "Sales": _number(random),
            "Cost": -abs(_number(random)),
            "Profit": _maybe(random, _number),
            "EPS": _maybe(random, lambda r: round(r.gauss(0, 5), 2)),
            "Assets": _maybe(random, _number, 0.4),
            "Dividends": random.choice([None, 0, -0.0, -round(random.random() * 90, 3)]),
        }

    rows = _rows(random, mapping, cells, lambda company: _spelling(random, company), 1)
    rows += [_row_of(rows[0], "No.", key) | dict.fromkeys(("Sales", "Cost", "Profit", "EPS")) for key in (9_001, 9_002)]
    return SmallSource(mapping, rows)


def _filings(random: Random) -> SmallSource:
    mapping = _mapping(
        name="filings",
        table="filings",
        row_key="Row",
        company="Filer",
        period_end={"column": "Period Ended", "formats": ["%B %d, %Y", "%Y-%m-%d"]},
        months={"column": "Months"},
        currency={"column": "Currency"},
        scale={"column": "Unit", "values": {"ones": "ones", "thousands": "thousands", "millions": "millions"}},
        numbers={"thousands": ",", "brackets_are_negative": True, "null_words": ["n/a", "-"]},
        items={
            "revenue": "Total Revenue",
            "operating_income": "Operating Income",
            "net_income": "Net Profit",
            "cash_from_operations": "Operations",
            "capital_expenditure": {"column": "Capex", "sign": -1},
            "eps_diluted": "EPS",
            "form": "Form",
        },
    )

    def cells() -> Row:
        return {
            "Months": random.choice(["12", "12", "3", "6", "9", "12.0", "twelve" if random.random() < 0.1 else "12"]),
            "Currency": random.choice(["USD", "USD", "EUR", "GBP", "XYZ" if random.random() < 0.1 else "USD"]),
            "Unit": random.choice(
                ["ones", "thousands", "millions", "millions", "" if random.random() < 0.1 else "ones"]
            ),
            **{
                name: _written(random)
                for name in ("Total Revenue", "Operating Income", "Net Profit", "Operations", "Capex")
            },
            "EPS": random.choice(["1.25", "(0.31)", "-", "2.00"]),
            "Form": random.choice(["10-K", "10-Q ", "", "20-F", "n/a"]),
        }

    rows = _rows(random, mapping, cells, lambda company: _spelling(random, company), "f-{}".format)
    return SmallSource(mapping, rows)


def _feed(random: Random) -> SmallSource:
    mapping = _mapping(
        name="feed",
        table="feed",
        row_key="id",
        company={"column": "cid", "kind": "id"},
        months=12,
        period_end={"column": "asOf", "formats": ["%Y%m%d", "%Y-%m-%d"]},
        currency="EUR",
        scale="thousands",
        numbers={"null_words": ["N/A", "none"]},
        items={
            "total_assets": "assets",
            "equity": "equity",
            "cash": {"column": "cash", "scale": "ones"},
            "treasury_stock": {"column": "treasury", "sign": -1},
            "revenue": "turnover",
        },
    )
    odd = [
        "N/A",
        " none ",
        "12",
        "1e3",
        "n/m",
        " 77.5 ",
        0,
        -0.0,
        1e17,
        1e15,
        10**18,
        10**19,
        2**53 + 1,
        1e-9,
        5e-324,
        0.1,
    ]

    def cell(random: Random) -> Any:
        return random.choice(odd) if random.random() < 0.15 else _number(random)

    def cells() -> Row:
        names = ("assets", "equity", "cash", "treasury", "turnover")
        return {name: _maybe(random, cell, 0.15) for name in names}

    def company_cell(company: str) -> Any:
        return int(company) if company[0] == "1" and random.random() < 0.7 else company

    rows = _rows(random, mapping, cells, company_cell, 500)
    for row in rows:
        is_run = str(row["asOf"]).isdigit() and random.random() < 0.6
        row["asOf"] = int(row["asOf"]) if is_run else row["asOf"]
    return SmallSource(mapping, rows, most_rows=60)


def _registry(random: Random) -> SmallSource:
    mapping = _mapping(
        name="registry",
        table="registry",
        row_key="key",
        company={"column": "who", "supporting_columns": {"name": "long name", "ticker": "symbol"}},
        period_end={"column": "ends", "formats": ["%Y-%m-%d", "%d/%m/%Y"]},
        months=None,
        currency={"column": "money"},
        known_since={"column": "filed", "formats": ["%Y-%m-%d"]},
        items={
            "sector": "sector",
            "auditor": "auditor",
            "equity": "equity",
            "goodwill": {"column": "goodwill", "scale": "millions"},
        },
    )

    def cells() -> Row:
        return {
            "sector": random.choice(["Energy", "energy", " Banks ", "Öl & Gas", None, "", "50% state", "a_b", "N/A"]),
            "auditor": random.choice(["KPMG", "Deloitte's", "EY", None]),
            "equity": random.choice([_number(random), f"{_number(random)}", None]),
            "goodwill": _maybe(random, _number, 0.5),
            "money": random.choice(["USD", "EUR"]),
            "filed": _filed(random),
        }

    rows = _rows(random, mapping, cells, lambda company: _spelling(random, company), "r{}".format)
    for row in rows:
        is_blank = not (row["who"] or "").strip()
        row["symbol"] = random.choice([None, "", "TKA"]) if random.random() < 0.1 else None
        row["long name"] = NAMES[7] if is_blank else random.choice([row["who"], None, None])
    return SmallSource(mapping, rows)


def _notes(random: Random) -> SmallSource:
    mapping = _mapping(
        name="notes",
        table="pnl",
        row_key="n",
        company="firm",
        period_end="ends",
        months=6,
        currency="GBP",
        numbers={"null_words": ["0", "x"]},
        items={"revenue": "revenue", "net_income": "income", "beginning_cash": "opening", "auditor": "auditor"},
    )

    def cells() -> Row:
        amounts = {name: _maybe(random, _number, 0.2) for name in ("revenue", "income", "opening")}
        return {
            **amounts,
            "revenue": random.choice([amounts["revenue"], 0, "x"]),
            "auditor": random.choice(["EY", "PwC", None]),
        }

    rows = _rows(random, mapping, cells, lambda company: COMPANIES[company], 1)
    return SmallSource(mapping, [row for row in rows if len(row) > 3][:150])


# Rows


def _rows(
    random: Random, mapping: SourceMapping, cells: Callable[[], Row], name: Callable[[str], Any], first: Any
) -> list[Row]:
    """A row for most companies and period ends; some are damaged, repeated, or contradicted by another one."""
    key, who, ends = mapping.row_key, mapping.company.column, mapping.period_end.column
    numbered = first if callable(first) else lambda number: first + number
    places = [(company, day) for company in COMPANIES for day in ENDS if random.random() < 0.85]
    rows = [
        {key: numbered(number), who: name(company), ends: _day_text(random, day, mapping.period_end.formats), **cells()}
        for number, (company, day) in enumerate(places)
    ]
    some = random.sample(range(len(rows)), 24)
    strangers = ["Unknown Widgets", "Nobody", "Traveller Group", "Shared Name", "Cotton Gin", None, " "]
    for place, stranger in zip(some[:14], strangers * 2, strict=True):
        rows[place][who] = stranger
    bad_days = ["2009-02-30", "not a day", None, "1999-12-31", "2024-02-30", ""]
    for place, day in zip(some[14:20], bad_days, strict=True):
        rows[place][ends] = day
    again = [dict(row) for row in random.sample(rows, 2)]  # identical, with their key
    again += [_row_of(row, key, numbered(8_000 + n)) for n, row in enumerate(random.sample(rows, 3))]  # equal values
    again += [{**row, key: numbered(8_100 + n), **cells()} for n, row in enumerate(random.sample(rows, 3))]  # conflict
    again += [{**row, **cells()} for row in random.sample(rows, 2)]  # the same key
    keyless = [None, "", " ", "\t", "\u00a0"]
    again += [{**row, key: blank} for row, blank in zip(random.sample(rows, 5), keyless, strict=True)]
    for row, blank in zip(rows[40:45], keyless, strict=True):  # the only row of its company
        row[key] = blank
    again.append({key: numbered(8_200), who: rows[0][who], ends: rows[0][ends]})
    again += [{**row, key: numbered(8_300 + n), who: "O Neil Brothers"} for n, row in enumerate(rows[18:20])]
    for row, other in zip(rows[60:64], again[5:8], strict=False):  # in another quarter the key of one in conflict
        row[key] = other[key] if row[ends] != other[ends] else row[key]
    rows += again
    random.shuffle(rows)
    return rows


def _row_of(row: Row, key: str, new: Any) -> Row:
    return {**row, key: new}


def _spelling(random: Random, company: str) -> str:
    """The company's name as a source writes it; of one company mostly so, sometimes otherwise."""
    name = COMPANIES[company]
    spellings = [name.upper(), f" {name}", f"{name}.", name.replace(" ", "  "), name[:6] + name[7:], f'"{name}"']
    return name if random.random() < 0.7 else random.choice(spellings)


def _day_text(random: Random, day: date, formats: Sequence[str]) -> str:
    """The day, or sometimes one a few days before it, in one of the formats."""
    if random.random() < 0.05:
        day = day.replace(day=day.day - 3)
    return day.strftime(random.choice(formats))


def _filed(random: Random) -> Any:
    days = ["2012-03-01", "2012-06-30", "2013-01-01", "2009-01-01", "2099-01-01", "soon"]
    return None if random.random() < 0.3 else random.choices(days, [5, 5, 5, 1, 1, 1])[0]


def _maybe(random: Random, make: Callable[[Random], Any], empty: float = 0.25) -> Any:
    return None if random.random() < empty else make(random)


def _number(random: Random) -> Any:
    """An amount: whole or with a fraction, small or large, often one that others have too."""
    size = random.choice([3, 50, 700, 20_000])
    return random.choice(
        [random.randint(-size, size), round(random.gauss(0, size), 2), random.choice([0, 5, -7, 12.5, 100])]
    )


def _written(random: Random) -> Any:
    """An amount as a text: with thousands marks, in brackets or with a minus; or as a number, no value, no number."""
    amount = _number(random)
    text = f"{abs(amount):,}"
    forms = [f"({text})", f"-{abs(amount)}", f"\u2212{text}"] if amount < 0 else [text, f" {text} ", str(amount)]
    if random.random() < 0.15:
        return random.choice(["", "n/a", "-", "12,34", "see note", None])
    return amount if random.random() < 0.4 else random.choice(forms)
