"""Reading a CSV file as text, with the file, the row and the column of every mistake in it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path


class ReferenceMistake(ValueError):
    """A mistake in the list of companies, the aliases or the review; the message names file, row, column and cure."""


@dataclass(frozen=True)
class Row:
    """One row of a file: its number as a spreadsheet counts (the header is 1), its cells, null if blank."""

    file: Path
    number: int
    cells: dict[str, str | None]

    def required(self, column: str, cure: str) -> str:
        """The cell, or a `ReferenceMistake` where it is blank."""
        cell = self.cells[column]
        if cell is None:
            raise self.mistake(column, f"is blank: {cure}")
        return cell

    def day(self, column: str, cure: str = "write it as 2016-09-02, or leave it blank") -> date | None:
        """The cell as a date, null if it is blank. Raises `ReferenceMistake` if it is none."""
        text = self.cells.get(column)
        if text is None:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.isoformat() != text:
            raise self.mistake(column, f"{text!r} is not a date: {cure}")
        return day

    def days(self) -> tuple[date | None, date | None]:
        """valid_from and valid_to. Raises `ReferenceMistake` if the first is after the last."""
        valid_from, valid_to = self.day("valid_from"), self.day("valid_to")
        if valid_from is not None and valid_to is not None and valid_from > valid_to:
            raise self.mistake("valid_from", f"{valid_from} is after valid_to {valid_to}: exchange or correct them")
        return valid_from, valid_to

    def mistake(self, column: str, what: str) -> ReferenceMistake:
        """A mistake in this row, to be raised."""
        return ReferenceMistake(f"{self.file}, row {self.number}, column {column}: {what}")


def read_rows(file: Path, *, required: tuple[str, ...], copied_from: tuple[str, ...] = ()) -> list[Row]:
    """The rows of a CSV file with a header; blank rows are left out.

    `copied_from`: the columns of a longer file that begins with those of the header. A row that was copied whole from
    there has more cells than the header, the first of them a number; they are left out.
    Raises `ReferenceMistake` for a file that is missing, is not UTF-8, lacks a required column, names a
    column twice, or has a row with more or fewer cells than its header, or with a quote that is not closed in it.
    """
    header: list[str] | None = None
    rows: list[Row] = []
    for number, values in enumerate(_records(file, _read_text(file)), start=1):
        cells = [value.strip() for value in values]
        if header is None:
            header = [cell.lower() for cell in cells]
            _check_header(file, header, required)
        elif any(cells):
            cells = _as_long_as(header, cells, copied_from, f"{file}, row {number}")
            rows.append(Row(file, number, {c: cell or None for c, cell in zip(header, cells, strict=True)}))
    if header is None:
        raise ReferenceMistake(f"{file}: is empty: it needs a header row with the column {required[0]}")
    return rows


def _as_long_as(header: list[str], cells: list[str], copied_from: tuple[str, ...], place: str) -> list[str]:
    """The cells of the header's columns. Raises ReferenceMistake where there are more or fewer."""
    count = len(header)
    if len(cells) == len(copied_from) > count and tuple(header) == copied_from[:count] and cells[count].isdecimal():
        return cells[:count]
    if len(cells) == count:
        return cells
    cure = "put a cell that holds a comma between double quotes"
    if len(cells) == len(copied_from):
        cure = f"if it was copied from another file, put its header first, {','.join(copied_from)}; else {cure}"
    raise ReferenceMistake(f"{place}: has {len(cells)} cells where the header has {count}: {cure}")


def _records(file: Path, text: str) -> Iterator[list[str]]:
    """The cells of each line. No cell of these lists needs a line break: a quote left open would swallow other rows."""
    lines = csv.reader(_lines(file, text), strict=True, skipinitialspace=True)
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if lines.line_num > number:
                raise _open_quote(file, number)
            yield cells
    except csv.Error:
        raise _open_quote(file, number + 1) from None


def _lines(file: Path, text: str) -> Iterator[str]:
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if line.count('"') % 2:
            raise _open_quote(file, number)
        yield line


def _open_quote(file: Path, number: int) -> ReferenceMistake:
    return ReferenceMistake(
        f"{file}, row {number}: has a double quote that opens or closes no cell of this line: close it before the next "
        'comma or the end of the line, remove it, or, where it belongs to the text, write the cell as "7"" pipe"'
    )


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ReferenceMistake(f"{file}: there is no such file: write it, or correct the path") from None
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise ReferenceMistake(f"{file}, row {row}: is not UTF-8 text: save the file as 'CSV UTF-8'") from None


def _check_header(file: Path, header: list[str], required: tuple[str, ...]) -> None:
    for column in required:
        if column not in header:
            columns = ", ".join(header)
            raise ReferenceMistake(
                f"{file}, row 1: has no column {column} (it has {columns}): rename the column that holds it"
            )
    twice = sorted(column for column, count in Counter(header).items() if count > 1 and column)
    if twice:
        raise ReferenceMistake(f"{file}, row 1, column {twice[0]}: is there twice: rename or remove one of the two")
