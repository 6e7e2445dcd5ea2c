"""A statement as a table over time: items as rows, periods as columns, each cell with what has to be known about it.

The values are those of `statements`: what is published or what one source gives, and values that are derived of what is
published. A cell is either of them, and is marked as such; a derived value is only where nothing is published.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from finsync_pipeline.serving.explanation import FOUND
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.statements import (
    YEAR,
    DerivedKind,
    Wanted,
    derived_values,
    disputed_cells,
    fiscal_years_of,
    rows_of,
)
from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import ITEMS

ANNUAL, LAST_QUARTER = 12, 4
Place = tuple[date, int]
"""A period: the day of its end, and its months."""


@dataclass(frozen=True)
class Column:
    """A period, or a day where `months` is 0, with its fiscal year by the year end of the company."""

    period_end: date
    months: int
    fiscal_year: int | None
    fiscal_quarter: int | None
    is_year_end_assumed: bool | None

    @property
    def label(self) -> str:
        """The fiscal year and what of it the column is, such as `FY 2009`, `Q3 FY 2009` or `9 months FY 2009`."""
        if self.fiscal_year is None:
            return f"{self.months} months" if self.months else "Balance"
        year = f"FY {self.fiscal_year}"
        if self.months in (0, ANNUAL) and self.fiscal_quarter == LAST_QUARTER:
            return year
        if self.months in (0, 3):
            return f"Q{self.fiscal_quarter} {year}"
        return f"{self.months} months, Q{self.fiscal_quarter} {year}"


@dataclass(frozen=True)
class Cell:
    """A value, or why there is none. `derived` is the kind of a derived value, with its operands."""

    value: float | None
    verdict: str | None = None
    why: str | None = None
    is_withheld: bool = False
    derived: DerivedKind | None = None
    operands: Sequence[Mapping[str, Any]] = ()
    missing: Sequence[str] = ()
    is_disputed: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to show."""
        return self.value is not None or self.is_withheld


@dataclass(frozen=True)
class Line:
    """The cells of an item, by their places; of a source if it is named."""

    item: str
    cells: Mapping[Place, Cell]
    source: str | None = None

    @property
    def is_per_share(self) -> bool:
        """Whether the values are amounts per share."""
        declared = ITEMS.get(self.item)
        return declared is not None and declared.unit == "per_share"

    @property
    def is_formula(self) -> bool:
        """Whether the item is derived of others."""
        return self.item in FORMULAS


@dataclass(frozen=True)
class StatementTable:
    """Columns, the oldest first; lines in the order of the statement; items without a value; cells to look at."""

    columns: Sequence[Column]
    lines: Sequence[Line]
    without_values: Sequence[str] = ()
    notes: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @property
    def amounts(self) -> Iterable[float]:
        """All amounts of money, which one scale has to fit."""
        of_money = (line for line in self.lines if not line.is_per_share)
        return (cell.value for line in of_money for cell in line.cells.values() if cell.value is not None)


def statement_table(
    release: OpenRelease, wanted: Wanted, kinds: Collection[DerivedKind] = (), beside: Sequence[str] = ()
) -> StatementTable:
    """The table of what is wanted, which is in one currency.

    Derived values of the `kinds` are of what is published, and are left out for a source. Below each published line is
    that of each source `beside` that has a value in it.
    """
    rows, notes = rows_of(release, wanted), disputed_cells(release, wanted)
    noted = {(note["item"], note["period_end"], note["months"]): note for note in notes}
    cells = _cells(rows, noted, wanted)
    derived = [] if wanted.source else derived_values(release, wanted, kinds)
    for row in derived:
        of_item = cells.setdefault(row["item"], {})
        place = (row["period_end"], row["months"])
        if row["value"] is not None and (place not in of_item or not of_item[place].is_shown):
            of_item[place] = _derived_cell(row)
    lines = [Line(item, shown) for item in (*wanted.items, *FORMULAS) if (shown := _shown(cells.get(item, {})))]
    of_sources = {source: _of_source(release, wanted, source, noted) for source in beside}
    lines = [each for line in lines for each in (line, *_beside(line, of_sources))]
    there = {line.item for line in lines}
    return StatementTable(
        _columns(release, wanted.company_id, {place for line in lines for place in line.cells}),
        lines,
        [item for item in wanted.items if item not in there],
        notes,
    )


def _cells(
    rows: Sequence[Mapping[str, Any]], noted: Mapping[Any, Mapping[str, Any]], wanted: Wanted
) -> dict[str, dict[Place, Cell]]:
    """The cells of the rows by item and place; where nothing is published of a cell, the text of the note."""
    cells: dict[str, dict[Place, Cell]] = {}
    for row in rows:
        place = (row["period_end"], row["months"])
        for item, value in row["items"].items():
            note = noted.get((item, *place))
            if value is not None or note is not None:
                cell = _noted(value, note)
                cells.setdefault(item, {})[place] = replace(cell, is_withheld=False) if wanted.source else cell
    return cells


def _of_source(
    release: OpenRelease, wanted: Wanted, source: str, noted: Mapping[Any, Mapping[str, Any]]
) -> dict[str, dict[Place, Cell]]:
    of_source = replace(wanted, source=source)
    return _cells(rows_of(release, of_source), noted, of_source)


def _beside(line: Line, of_sources: Mapping[str, Mapping[str, Mapping[Place, Cell]]]) -> Iterable[Line]:
    for source, cells in of_sources.items():
        if shown := _shown(cells.get(line.item, {})):
            yield Line(line.item, shown, source)


def _noted(value: float | None, note: Mapping[str, Any] | None) -> Cell:
    if note is None:
        return Cell(value)
    return Cell(value, note["verdict"], reason(note), bool(note["is_withheld"]) and value is None)


def reason(note: Mapping[str, Any]) -> str:
    """Why a cell (a row of AGREEMENT) is disputed or suspect, in words."""
    found = FOUND.get(note["verdict"], str(note["verdict"]))
    return f"{found}: {note['why']}" if note["why"] else found


def _derived_cell(row: Mapping[str, Any]) -> Cell:
    return Cell(
        row["value"],
        derived=row["kind"],
        operands=row["operands"],
        missing=row["missing"],
        is_disputed=bool(row["is_disputed"]),
    )


def _shown(cells: Mapping[Place, Cell]) -> dict[Place, Cell]:
    return {place: cell for place, cell in cells.items() if cell.is_shown}


def _columns(release: OpenRelease, company_id: str, places: Collection[Place]) -> list[Column]:
    years = fiscal_years_of(release, company_id)
    return [Column(day, months, *(years.get(day, {}).get(name) for name in YEAR)) for day, months in sorted(places)]
