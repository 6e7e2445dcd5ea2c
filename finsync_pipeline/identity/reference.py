"""The list of companies and their aliases: reading it, refusing mistakes, and its version.

What is read stays text: `0000320193` keeps its zeros. Which source name means which company is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity.company_index import CompanyIndex, normalise_cik
from finsync_pipeline.identity.countries import read_country
from finsync_pipeline.identity.csv_text import Row, read_rows
from finsync_pipeline.identity.industries import INDUSTRIES, read_industry
from finsync_pipeline.identity.names.normal_form import fold_blanks
from finsync_pipeline.identity.tickers import normalise_ticker

COMPANY_COLUMNS = ("company_id", "name", "tickers", "cik", "lei", "isin", "cusip", "country")
_ALL_COLUMNS = (*COMPANY_COLUMNS, "industry")  # an industry decides no company, so it is not part of the version
ALIAS_COLUMNS = ("company_id", "alias", "kind", "valid_from", "valid_to", "note")
DATES = ("valid_from", "valid_to", "when")

#: Columns whose cells may hold several codes: what one looks like, what it is, and how to write it.
CODES: dict[str, tuple[Callable[[str], object], str, str]] = {
    "tickers": (normalise_ticker, "a ticker", "Write it alone, such as BRK.B"),
    "cik": (normalise_cik, "a CIK", "Write up to ten digits"),
    "lei": (re.compile(r"[0-9A-Z]{20}").fullmatch, "an LEI", "Write its 20 letters and digits"),
    "isin": (re.compile(r"[0-9A-Z]{12}").fullmatch, "an ISIN", "Write its 12 letters and digits"),
    "cusip": (re.compile(r"[0-9A-Z*@#]{6,9}").fullmatch, "a CUSIP", "Write its 9 letters and digits"),
}
_SEPARATORS = re.compile(r"[|,;]")
#: One CIK as a spreadsheet shows it, `1,067,983`, would be read as three.
_ONE_NUMBER = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")


@dataclass(frozen=True, eq=False)
class Reference:
    """The listed companies.

    `companies`: company_id, name, tickers, cik, lei, isin, cusip (of tickers and codes several separated by `|`),
    country (ISO 3166, two letters, or the text where it is not one), industry (one of INDUSTRIES); all Arrow text.
    `aliases`: company_id, alias, kind (`name` or `ticker`), valid_from, valid_to (Arrow dates, both days
    included, null = open), note. A column that the list does not have is there, and null.
    """

    companies: pd.DataFrame
    aliases: pd.DataFrame

    RULES: ClassVar[int] = 2
    """Counts up when the same list would decide otherwise than before: then kept rows are decided again, and no release
    mixes decisions by both. `tests/identity/test_rules.py` notices it."""

    @cached_property
    def version(self) -> str:
        """SHA-256 (hex) of rules and content, whatever the order of rows and columns; ignored columns are out."""
        companies, aliases = records(self.companies, COMPANY_COLUMNS), records(self.aliases, ALIAS_COLUMNS)
        return version_of({"rules": self.RULES, "companies": companies, "aliases": aliases})

    @cached_property
    def index(self) -> CompanyIndex:
        """The codes, tickers and names prepared for looking up."""
        return CompanyIndex.of(self.companies, self.aliases)


def read_reference(path: str | Path) -> Reference:
    """Read a list of companies.

    `path` is a folder with `companies.csv` and, where there is one, `aliases.csv`; or one CSV file of companies. Only
    `company_id` is required. Raises ConfigurationError, which names file, row, column and the fix.
    """
    path = Path(path)
    companies = _read_companies(path / "companies.csv" if path.is_dir() else path)
    file = path / "aliases.csv"
    aliases = _read_aliases(file, set(companies["company_id"])) if file.exists() else []
    return Reference(companies, frame_of(aliases, ALIAS_COLUMNS))


def _read_companies(file: Path) -> pd.DataFrame:
    rows = read_rows(file, required={"company_id": "Fill it in, every company has an id of its own, or remove the row"})
    if not rows:
        raise ConfigurationError("lists no company", "Add a row for each", where=file)
    seen: dict[str, Row] = {}
    for row in rows:
        company_id = row.cells["company_id"]
        other = seen.setdefault("".join(fold_blanks(company_id).casefold().split()), row)
        if other is not row:
            is_same = other.cells["company_id"] == company_id
            how = "is the id" if is_same else f"differs only by case or blanks from {other.cells['company_id']!r}"
            raise row.error("company_id", f"{company_id!r} {how} of row {other.number}", "Keep one of the two")
    return frame_of([{column: _read_cell(row, column) for column in _ALL_COLUMNS} for row in rows], _ALL_COLUMNS)


def _read_cell(row: Row, column: str) -> str | None:
    """The cell: of a country its code, of codes all that stand in it, separated by `|`."""
    cell = row.cells.get(column)
    if cell is None or column not in (*CODES, "country", "industry"):
        return cell
    if column == "industry":
        if industry := read_industry(cell):
            return industry
        fix = f"Write one of {', '.join(INDUSTRIES)}, or a SIC code of four digits, or leave it blank"
        raise row.error(column, f"{cell!r} is not an industry", fix)
    if column == "country":
        return read_country(cell) or cell
    is_one = column == "cik" and _ONE_NUMBER.fullmatch(cell)
    codes = [code.strip() for code in ([cell] if is_one else _SEPARATORS.split(cell)) if code.strip()]
    is_code, kind, fix = CODES[column]
    for code in codes:
        if not is_code(code if column in ("tickers", "cik") else re.sub(r"[\s-]", "", code).upper()):
            raise row.error(column, f"{code!r} is not {kind}", f"{fix}, several separated by |, or leave it blank")
    return "|".join(dict.fromkeys(codes)) or None


def unread_countries(companies: pd.DataFrame) -> pd.DataFrame:
    """The companies (company_id, country) whose country is none of ISO 3166: it is compared with nothing."""
    countries = companies["country"].dropna()
    return companies.loc[countries.index[countries.map(read_country).isna()], ["company_id", "country"]]


def _read_aliases(file: Path, listed: Collection[str]) -> list[dict[str, Any]]:
    required = {"company_id": "Write whose alias it is", "alias": "Write the other name or ticker, or remove the row"}
    aliases: list[dict[str, Any]] = []
    for row in read_rows(file, required=required):
        company_id, alias, kind = row.cells["company_id"], row.cells["alias"], row.cells.get("kind", "name").lower()
        if company_id not in listed:
            fix = "Add the company to companies.csv, or correct the id"
            raise row.error("company_id", f"{company_id!r} is not in companies.csv", fix)
        if kind not in ("name", "ticker"):
            raise row.error("kind", f"{kind!r} is not a kind of alias", "Write 'name' or 'ticker', or leave it blank")
        if kind == "ticker" and normalise_ticker(alias) is None:
            raise row.error("alias", f"{alias!r} is not a ticker", "Write it alone, such as BRK.B, a row for each")
        aliases.append({**row.cells, **row.days(), "kind": kind})
    return aliases


def frame_of(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    """The rows of a list in these columns: Arrow text, and Arrow dates for DATES."""
    return frames.frame_of(rows, pa.schema({c: pa.date32() if c in DATES else pa.string() for c in columns}))


def records(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[list[str]]:
    """The rows as lists of text, sorted, to be hashed; a missing cell is not an empty text."""
    rows = ([row.get(column) for column in columns] for row in frames.to_arrow(frame).to_pylist())
    return sorted(["" if cell is None else f"={cell}" for cell in row] for row in rows)


def version_of(content: object) -> str:
    """SHA-256 (hex) of the content."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
