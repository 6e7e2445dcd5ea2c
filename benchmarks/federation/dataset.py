"""The three sources: a statement each of the same companies and quarters, with numbers as SQLite stores them.

A tenth of the ids are damaged: each company has two other spellings in each source, one in another format and one with
an edit. One company in a hundred has a restated row beside one of its first ones. All is the same in every run.
"""

import csv
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.identity.lists import random_codes
from benchmarks.identity.name_noise import vary
from benchmarks.identity.noise import damage
from finsync_pipeline.statements.items import ITEMS, Statement
from finsync_pipeline.statements.mapping import SourceMapping

QUARTERS = 50
DAYS = tuple(str(day.date()) for day in pd.date_range("2010-03-31", periods=QUARTERS, freq="QE"))
QUARTER = "2017-06-30"
SHARE_DAMAGED, SHARE_MISSING = 0.1, 0.03
COLUMNS = 30
WORDS = (
    "Aurora", "Basalt", "Cedar", "Dominion", "Ember", "Falcon", "Granite", "Harbor", "Iris", "Juniper", "Kestrel",
    "Lumen", "Meridian", "Nimbus", "Orchard", "Pinnacle", "Quarry", "Raven", "Summit", "Tundra",
)  # fmt: skip
TRADES = ("Foods", "Energy", "Systems", "Holdings", "Logistics", "Pharmaceuticals", "Motors", "Insurance")


@dataclass(frozen=True)
class Company:
    """A company of the list: its id and its name, which no other one has."""

    id: str
    name: str


@dataclass(frozen=True)
class Kind:
    """How a source writes its numbers: in which unit, and what the mapping declares of it."""

    statement: Statement
    make: Callable[[np.random.Generator, int], np.ndarray]
    declared: Mapping[str, Any]
    type: str
    unit: str = "ones"
    is_named: bool = False


def companies(number: int) -> list[Company]:
    """That many companies."""
    codes = random_codes(number, Random("companies"))
    return [Company(code, _name(place)) for place, code in enumerate(codes)]


def write_reference(listed: Sequence[Company], folder: Path) -> Path:
    """The list as a user has it; gives its folder."""
    folder.mkdir(parents=True)
    with (folder / "companies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["company_id", "name"])
        writer.writerows((company.id, company.name) for company in listed)
    return folder


def spellings(company: Company, source: str) -> list[str]:
    """How the source writes the id: right, in another format, and with an edit."""
    random = Random(f"{source} {company.id}")
    return [company.id, damage(company.id, "format", random), damage(company.id, "substitution", random)]


def write_source(name: str, listed: Sequence[Company], rows: int, folder: Path) -> Path:
    """`<name>.sqlite` with as many rows; gives the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path, kind = folder / f"{name}.sqlite", KINDS[name]
    types = {"row_id": "TEXT", "company": "TEXT", "company_name": "TEXT", "period_end": "TEXT", "months": "INTEGER"}
    types |= {"unit": "TEXT", **dict.fromkeys(_amounts(kind), kind.type)}
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {type_}' for column, type_ in types.items())})")
        marks = ", ".join("?" * len(types))
        database.executemany(f"INSERT INTO {name} VALUES ({marks})", _rows(name, kind, listed, rows))
        for column in ("company", "period_end"):
            database.execute(f"CREATE INDEX {name}_by_{column} ON {name} ({column})")
    return path


def mapping(name: str, url: str) -> SourceMapping:
    """How the source maps onto the standard items."""
    kind = KINDS[name]
    signs = {"capital_expenditure": -1, "dividends_paid": -1} if kind.statement == "cash_flow" else {}
    items = {item: {"column": f"c_{item}", "sign": signs.get(item, 1)} for item in _items(kind)}
    company = {"column": "company_name", "kind": "name", "supporting_columns": {"id": "company"}}
    return SourceMapping.model_validate(
        {
            "name": name, "url": url, "table": name, "row_key": "row_id", "period_end": "period_end",
            "company": company if kind.is_named else {"column": "company", "kind": "id"},
            "months": {"column": "months"}, "currency": "USD", "items": items, **kind.declared,
        }
    )  # fmt: skip


def _amounts(kind: Kind) -> list[str]:
    """The columns of numbers: those of the items, and some that the mapping does not name."""
    named = [f"c_{item}" for item in _items(kind)]
    return [*named, *(f"other_{place}" for place in range(COLUMNS - 6 - len(named)))]


def _items(kind: Kind) -> list[str]:
    return [item.name for item in ITEMS.values() if item.statement == kind.statement]


def _rows(name: str, kind: Kind, listed: Sequence[Company], rows: int) -> Iterator[tuple[Any, ...]]:
    """Company by company and quarter by quarter, in batches, so that memory does not grow with the rows."""
    random = np.random.default_rng(len(name) * 20_100_331)
    for first in range(0, rows, 50_000):
        number = np.arange(first, min(first + 50_000, rows))
        company, quarter = number // QUARTERS, number % QUARTERS
        is_damaged = random.random(len(number)) < SHARE_DAMAGED
        spelling = np.where(is_damaged, 1 + number % 2, 0)
        is_restated = (company % 100 == 7) & (quarter == 1)
        written = {place: spellings(listed[place], name) for place in np.unique(company).tolist()}
        names = {place: _spelled_names(listed[place], name) for place in written} if kind.is_named else {}
        plain = {place: [listed[place].name] * 3 for place in written}
        columns = [
            [f"{name}-{each}" for each in number.tolist()],
            _each(written, company, spelling),
            _each(names or plain, company, spelling),
            [DAYS[place] for place in (quarter - is_restated).tolist()],
            [3] * len(number),
            [kind.unit] * len(number),
            *(_cells(random, kind, len(number)) for _ in _amounts(kind)),
        ]
        yield from zip(*columns, strict=True)


def _each(texts: Mapping[int, Sequence[str]], company: np.ndarray, spelling: np.ndarray) -> list[str]:
    return [texts[one][other] for one, other in zip(company.tolist(), spelling.tolist(), strict=True)]


def _cells(random: np.random.Generator, kind: Kind, number: int) -> list[Any]:
    cells = kind.make(random, number).tolist()
    if kind.type == "TEXT":
        cells = [f"({-cell:,})" if cell < 0 else f"{cell:,}" for cell in cells]
    is_missing = random.random(number) < SHARE_MISSING
    return [None if missing else cell for cell, missing in zip(cells, is_missing.tolist(), strict=True)]


def _name(place: int) -> str:
    first, rest = WORDS[place % 20], place // 20
    second, third = WORDS[rest % 20], TRADES[rest // 20 % 8]
    return f"{first} {second} {third} {_letters(place)} Inc."


def _letters(place: int) -> str:
    """A word that only this place has."""
    letters = ""
    for _ in range(4):
        place, letter = divmod(place, 20)
        letters += "bcdfghjklmnpqrstvwxz"[letter] + "aeiou"[(place + letter) % 5]
    return letters.capitalize()


def _spelled_names(company: Company, source: str) -> list[str]:
    """How a source that names companies writes the name."""
    random = Random(f"{source} {company.name}")
    return [company.name, vary(company.name, "punctuation", random), vary(company.name, "one_typo", random)]


def _cents(random: np.random.Generator, number: int) -> np.ndarray:
    return np.round(random.normal(2e5, 9e5, number), 2)


def _whole(random: np.random.Generator, number: int) -> np.ndarray:
    return random.integers(1, 9_000_000, number)


def _signed(random: np.random.Generator, number: int) -> np.ndarray:
    return random.integers(-4_000_000, 9_000_000, number)


UNITS = {"column": "unit", "values": {"ones": "ones", "thousands": "thousands"}}
KINDS = {
    "income": Kind("income", _cents, {}, "REAL"),
    "balance": Kind("balance", _whole, {"scale": "thousands"}, "INTEGER", "thousands"),
    "cash_flow_statement": Kind("cash_flow", _signed, {"scale": UNITS}, "INTEGER", "thousands"),
    "bracketed": Kind("income", _signed, {"numbers": {"thousands": ",", "brackets_are_negative": True}}, "TEXT"),
    "named": Kind("income", _cents, {}, "REAL", is_named=True),
}
SOURCES = ("income", "balance", "cash_flow_statement")
