"""Reading a CSV file as text, with the file, the row and the column of every mistake in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.frames import plain

RENAMED = {"spelling": "source_name", "evidence": "supporting_columns"}  # columns of an earlier version


@dataclass(frozen=True)
class Row:
    """One row of a file: its number as a spreadsheet counts (the header is 1), and its cells that are not blank."""

    file: Path
    number: int
    cells: dict[str, str]

    def day(self, column: str, fix: str = "Write it as 2016-09-02, or leave it blank") -> date:
        """The cell, which must not be blank, as a date. Raises ConfigurationError if it is not a date."""
        text = self.cells[column]
        with suppress(ValueError):
            if (day := date.fromisoformat(text)).isoformat() == text:
                return day
        raise self.error(column, f"{text!r} is not a date", fix)

    def days(self) -> dict[str, date | None]:
        """valid_from and valid_to, None if blank. Raises ConfigurationError if the first is after the last."""
        first, last = (self.day(c) if c in self.cells else None for c in ("valid_from", "valid_to"))
        if first and last and first > last:
            raise self.error("valid_from", f"{first} is after valid_to {last}", "Exchange or correct them")
        return {"valid_from": first, "valid_to": last}

    def error(self, column: str, what: str, fix: str) -> ConfigurationError:
        """The error for a mistake in this row, to be raised."""
        return ConfigurationError(what, fix, where=f"{self.file}, row {self.number}, column {column}")


def read_rows(file: Path, *, required: Mapping[str, str], copied_from: Sequence[str] = ()) -> list[Row]:
    """The rows of a CSV file with a header; blank rows are left out.

    `required`: the columns in which no row may be blank, with the fix. `copied_from`: the columns of a longer file
    that begins with those of the header, then a number: of a row copied whole from there the rest is left out.
    Raises ConfigurationError for a file that is missing, is not UTF-8, lacks a required column or cell, names a
    column twice, or has a row with more or fewer cells than its header, or with a quote that is not closed in it.
    """
    lines = _read_text(file, required).split("\n")
    header = [RENAMED.get(cell.lower(), cell.lower()) for cell in _read_cells(file, 1, lines[0])]
    _check_header(file, header, required)
    count = len(header)
    rows: list[Row] = []
    for number, line in enumerate(lines[1:], start=2):
        cells = _read_cells(file, number, line)
        if len(cells) == len(copied_from) > count and header == list(copied_from[:count]) and cells[count].isdecimal():
            cells = cells[:count]
        if not any(cells):
            continue
        if len(cells) != count:
            fix = "Put a cell with a comma between double quotes; for a row of another file, put its header first"
            raise ConfigurationError(f"has {len(cells)} cells, the header {count}", fix, f"{file}, row {number}")
        row = Row(file, number, {column: cell for column, cell in zip(header, cells, strict=True) if cell})
        if blank := [column for column in required if column not in row.cells]:
            raise row.error(blank[0], "is blank", required[blank[0]])
        rows.append(row)
    return rows


def _read_text(file: Path, required: Iterable[str]) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError("there is no such file", "Write it, or correct the path", where=file) from None
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError("is not UTF-8 text", "Save the file as 'CSV UTF-8'", f"{file}, row {row}") from None
    if not text:
        raise ConfigurationError("is empty", f"Write a header row with {', '.join(required)}", where=file)
    return text


def _read_cells(file: Path, number: int, line: str) -> list[str]:
    """The cells of one line. No cell of these lists needs a line break: a quote left open would swallow other rows."""
    try:
        if line.count('"') % 2:
            raise csv.Error
        return [plain(cell) for cells in csv.reader([line], strict=True, skipinitialspace=True) for cell in cells]
    except csv.Error:
        fix = 'Close it before the next comma or the end of the line, remove it, or write it as text: "7"" pipe"'
        raise ConfigurationError("has a stray double quote", fix, f"{file}, row {number}") from None


def _check_header(file: Path, header: list[str], required: Iterable[str]) -> None:
    if missing := [column for column in required if column not in header]:
        what = f"has no column {missing[0]} (it has {', '.join(header)})"
        raise ConfigurationError(what, "Rename the column that holds it", where=f"{file}, row 1")
    if twice := [column for column in header if column and header.count(column) > 1]:
        raise ConfigurationError("is there twice", "Rename or remove one", f"{file}, row 1, column {twice[0]}")
