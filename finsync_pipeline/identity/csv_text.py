"""Reading a CSV file as text, with the file, the row and the column of every mistake in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path


class ReferenceMistake(ValueError):
    """A mistake in the list of companies, the aliases or the review; the message names file, row, column and cure."""


@dataclass(frozen=True)
class Row:
    """One row of a file: its number as a spreadsheet counts (the header is 1), and its cells that are not blank."""

    file: Path
    number: int
    cells: dict[str, str]

    def day(self, column: str, cure: str = "write it as 2016-09-02, or leave it blank") -> date:
        """The cell, which must not be blank, as a date. Raises `ReferenceMistake` if it is none."""
        text = self.cells[column]
        with suppress(ValueError):
            if (day := date.fromisoformat(text)).isoformat() == text:
                return day
        raise self.mistake(column, f"{text!r} is not a date: {cure}")

    def days(self) -> dict[str, date | None]:
        """valid_from and valid_to, None if blank. Raises `ReferenceMistake` if the first is after the last."""
        first, last = (self.day(c) if c in self.cells else None for c in ("valid_from", "valid_to"))
        if first and last and first > last:
            raise self.mistake("valid_from", f"{first} is after valid_to {last}: exchange or correct them")
        return {"valid_from": first, "valid_to": last}

    def mistake(self, column: str, what: str) -> ReferenceMistake:
        """A mistake in this row, to be raised."""
        return ReferenceMistake(f"{self.file}, row {self.number}, column {column}: {what}")


def read_rows(file: Path, *, required: Mapping[str, str], copied_from: tuple[str, ...] = ()) -> list[Row]:
    """The rows of a CSV file with a header; blank rows are left out.

    `required`: the columns in which no row may be blank, with the cure. `copied_from`: the columns of a longer file
    that begins with those of the header, then a number: of a row copied whole from there the rest is left out.
    Raises `ReferenceMistake` for a file that is missing, is not UTF-8, lacks a required column or cell, names a
    column twice, or has a row with more or fewer cells than its header, or with a quote that is not closed in it.
    """
    lines = _read_text(file, required).split("\n")
    header = tuple(cell.lower() for cell in _read_cells(file, 1, lines[0]))
    _check_header(file, header, required)
    count = len(header)
    rows: list[Row] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = _read_cells(file, number, line)
        if len(cells) == len(copied_from) > count and header == copied_from[:count] and cells[count].isdecimal():
            cells = cells[:count]
        if not any(cells):
            continue
        if len(cells) != count:
            cure = "put a cell with a comma between double quotes; for a row of another file, put its header first"
            raise ReferenceMistake(f"{file}, row {number}: has {len(cells)} cells where the header has {count}: {cure}")
        row = Row(file, number, {column: cell for column, cell in zip(header, cells, strict=True) if cell})
        if blank := [column for column in required if column not in row.cells]:
            raise row.mistake(blank[0], f"is blank: {required[blank[0]]}")
        rows.append(row)
    return rows


def _read_text(file: Path, required: Iterable[str]) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ReferenceMistake(f"{file}: there is no such file: write it, or correct the path") from None
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise ReferenceMistake(f"{file}, row {row}: is not UTF-8 text: save the file as 'CSV UTF-8'") from None
    if not text:
        raise ReferenceMistake(f"{file}: is empty: it needs a header row with {', '.join(required)}")
    return text


def _read_cells(file: Path, number: int, line: str) -> list[str]:
    """The cells of one line. No cell of these lists needs a line break: a quote left open would swallow other rows."""
    try:
        if line.count('"') % 2:
            raise csv.Error
        return [cell.strip() for cells in csv.reader([line], strict=True, skipinitialspace=True) for cell in cells]
    except csv.Error:
        cure = 'close it before the next comma or the end of the line, remove it, or write it as text: "7"" pipe"'
        what = f"has a double quote that opens or closes no cell of this line: {cure}"
        raise ReferenceMistake(f"{file}, row {number}: {what}") from None


def _check_header(file: Path, header: tuple[str, ...], required: Iterable[str]) -> None:
    if missing := [column for column in required if column not in header]:
        cure = f"(it has {', '.join(header)}): rename the column that holds it"
        raise ReferenceMistake(f"{file}, row 1: has no column {missing[0]} {cure}")
    if twice := [column for column in header if column and header.count(column) > 1]:
        raise ReferenceMistake(f"{file}, row 1, column {twice[0]}: is there twice: rename or remove one of the two")
