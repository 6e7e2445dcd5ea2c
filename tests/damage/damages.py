"""Damages of a data file, as Hypothesis strategies: real rows of the sample data, spoiled as providers spoil them."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from damage.chain import mapping_of_source
from factories import PROJECT
from hypothesis import strategies as st

SAMPLE = PROJECT / "source_services" / "sample_data"
FILES = {"pnl": "pnl.csv", "balance_sheet": "balance_sheet.csv", "cash_flow": "cash_flow.jsonl"}
EVERY = {"pnl": 8, "balance_sheet": 3, "cash_flow": 6}
WRONG_ON_PURPOSE = {
    "pnl": {"191", "385", "418", "446", "458", "522", "542"},
    "balance_sheet": {"bs-170", "bs-171", "bs-252"},
    "cash_flow": {"60", "121"},
}

WORDS = ["", " ", "\xa0", "None", "NULL", "n/a", "n/m", "-", "N.A.", "null", "#REF!", "\ufeff", "\u200b"]
NUMBERS = [
    *["0", "-0", "1", "007", "5.", ".5", "1.2e6", "-1e-3", "1E+2", "+4", "\u22125", "1,234", "12,34", "1,234,567.89"],
    *["1.234.567,89", "1 234", "1'234", "(1,234)", "(5)", "(-5)", "(5", "5)", "$5", "5%", "1e18", "-1e999", "1e-400"],
    *["999999999999999", "0.1", "inf", "nan", "0x1F", "1_000", "\u0661\u0662", "\uff15", "--5", "5-", "1e5e5", "TRUE"],
    *["9007199254740993", "0.30000000000000004", "123456789012345678901234567890", ",5", "1,2345", "e5", ".", "5\n"],
]
VALUES = [None, 0, 5, -7, 2**53 + 1, 2**70, 5.0, -0.0, 0.1, 1e16, 1e-7, 1e300, True, False, [1, "a"], []]
NUMBERS_OF_JSON = ["1E400", "-0.5e-3", "123456789012345678901234567890.5"]
DATES = [
    *[None, "", " ", "n/a", "December 31, 2009", "2009-12-31", "12/31/2009", "31.12.2009", "31/12/2009", "20091231"],
    *["0001-01-01", "January 1, 0001", "01/01/0001", "9999-12-31", "December 31, 9999", "12/31/9999", "2009-02-30"],
    *["February 30, 2009", "02/30/2009", "2010-01-03", "January 3, 2010", "01/03/2010", "1/2/2010", "2009-6-30"],
    *[
        "june 30, 2009",
        "June  30, 2009",
        "Juni 30, 2009",
        "2009-12-31T00:00:00",
        " 2009-12-31 ",
        "2009-00-10",
        "O'Neil",
    ],
    *[
        "2005-01-04",
        "2010-01-08",
        "January 8, 2010",
        "01/08/2010",
        "2010-01-07",
        "January 7, 2010",
        "01/07/2010",
        "1999-12-31",
        "December 28, 2004",
        "03/24/2010",
        "2009\\12",
        "2009-12-31; DROP TABLE pnl --",
        "%s",
    ],
]
DATES_OF_JSON = [
    20091231,
    20091231.0,
    1e300,
    -1e300,
    1e-7,
    -5,
    0.1,
    2**63 - 1,
    2**80,
    True,
    ["2009-12-31"],
    9.1e15,
    -0.0,
]
LENGTHS = [None, "", "12", "12.0", "3", "4", "1", "0", "5", "twelve", "-12", " 12 ", "012", "\u0661\u0662", "120"]
UNITS = [
    None,
    "",
    "USD",
    "usd",
    "USD thousands",
    "USD millions",
    "USD THOUSANDS",
    "EUR",
    " USD ",
    "EUR millions",
    "US$",
]
COMPANIES = [
    *[
        None,
        "",
        " ",
        "\t",
        "\u200b",
        "Nobody & Sons",
        "\u7d50\u679c",
        "\U0001f4b8",
        "e\u0301\u0301\u0301",
        "\u202eELPPA",
    ],
    *[
        "APPLE INC",
        "apple  inc.",
        "AAPL",
        "320193",
        "0000320193",
        "MMM",
        "3M CO",
        "HP",
        "\xb2",
        "\u0663",
        "Inc.",
        "&",
        "''",
    ],
    *["Merck", "General", "\u0130\u0131\xdf", "a" * 5_000, "0", "-1", "The", "(", "\\", '"', "MERCK & CO\nINC"],
]
KEYS = [None, "", " ", "1", "01", "1.0", "bs-1", "\u200b", "ABC", "a'b", 'a"b', "\U0001f4b8", "1\n"]


@dataclass(frozen=True)
class Table:
    """A data file before it is written: rows may have more or fewer cells than there are columns."""

    source: str
    columns: list[str]
    rows: list[list[Any]]

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """What is not as in the sample: Hypothesis shows this."""
        usual = sample(self.source)
        rows = [row for row in self.rows if row not in usual.rows]
        columns = "" if self.columns == usual.columns else f"{self.columns}, "
        printer.text(f"Table({self.source!r}, {columns}{len(self.rows)} rows, of them changed: {rows})")

    @property
    def is_json(self) -> bool:
        """Whether it is written as JSON lines."""
        return FILES[self.source].endswith(".jsonl")

    def places(self, *columns: str) -> list[int]:
        """Where these columns are, as far as they still are there."""
        return [place for place, name in enumerate(self.columns) if name in columns]


Damage = Callable[[Any, Table], Table]


@cache
def sample(source: str) -> Table:
    """Some ninety real rows of the source, those that are wrong on purpose among them."""
    file, key = SAMPLE / FILES[source], mapping_of_source(source).row_key
    with file.open(encoding="utf-8", newline="") as text:
        records = [_flat(json.loads(line)) for line in text] if file.suffix == ".jsonl" else [*csv.DictReader(text)]
    columns = list(dict.fromkeys(name for record in records for name in record))
    chosen = [
        record
        for number, record in enumerate(records)
        if number % EVERY[source] == 0 or str(record[key]) in WRONG_ON_PURPOSE[source]
    ]
    return Table(source, columns, [[record.get(name) for name in columns] for record in chosen])


def _flat(record: dict[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, cell in record.items():
        flat |= _flat(cell, f"{above}{name}.") if isinstance(cell, dict) else {above + name: cell}
    return flat


def written(table: Table) -> bytes:
    """The table as its source writes it, in UTF-8."""
    if table.is_json:
        return "".join(_json_line(table.columns, row) for row in table.rows).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.columns, *table.rows])
    return text.getvalue().encode()


def _json_line(columns: list[str], row: list[Any]) -> str:
    record: dict[str, Any] = {}
    for name, cell in zip(columns, row, strict=False):
        part, _, line = name.rpartition(".")
        if cell is None and part:
            continue  # a line that a company does not have is absent
        (record.setdefault(part, {}) if part else record)[line] = cell
    text = json.dumps(record, ensure_ascii=False)
    for number in NUMBERS_OF_JSON:
        text = text.replace(f'"{number}"', number)
    return text + "\n"


def row_order(draw: Any, table: Table) -> Table:
    """The rows in another order."""
    return replace(table, rows=draw(st.permutations(table.rows)))


def copied_rows(draw: Any, table: Table) -> Table:
    """Rows delivered twice: exactly, with another key, with other values, or both."""
    rows = [*table.rows]
    keys = table.places(mapping_of_source(table.source).row_key)
    items = table.places(*mapping_of_source(table.source).item_of_column)
    for number in draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=6)) if rows else []:
        copy = [*rows[number]]
        for place in keys if draw(st.booleans()) else []:
            copy[place : place + 1] = [f"{copy[place]}0"] if place < len(copy) else []
        for place in items if draw(st.booleans()) else []:
            copy[place : place + 1] = [draw(st.sampled_from(["1", "2", None]))] if place < len(copy) else []
        rows.append(copy)
    return replace(table, rows=rows)


def cut_rows(draw: Any, table: Table) -> Table:
    """Rows with fewer or more cells than they should have."""
    rows = [*table.rows]
    for number in draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=2)) if rows else []:
        rows[number] = draw(st.sampled_from([rows[number][:-1], rows[number][:3], [*rows[number], "5"], []]))
    return replace(table, rows=rows)


def other_columns(draw: Any, table: Table) -> Table:
    """A column gone, new, renamed or moved, in all rows alike."""
    kind = draw(st.sampled_from(["gone", "new", "renamed", "moved"]))
    place = draw(st.integers(0, len(table.columns) - 1))
    lines = [[*line] for line in (table.columns, *table.rows)]
    order = draw(st.permutations(range(len(table.columns)))) if kind == "moved" else []
    name = draw(st.sampled_from(["", "note", "Row", "ROW", "finsync_row", "a.b", "\u00e9'\"", "_rowid_", "x;y"]))
    for number, line in enumerate(lines):
        if len(line) < len(table.columns):
            continue
        if kind == "gone":
            del line[place]
        elif kind == "new":
            line.insert(place, name if number == 0 else "5")
        elif kind == "renamed" and number == 0:
            line[place] = draw(st.sampled_from([name, line[place].upper(), line[place] + " "]))
        elif kind == "moved":
            line[:] = [line[at] for at in order]
    return replace(table, columns=lines[0], rows=lines[1:])


def cells(*texts: list[Any], only_json: list[Any], columns: Callable[[Any], list[str]], name: str) -> Damage:
    """Cells of these columns replaced by other texts, in JSON lines also by other values; a few, or in every row."""

    def spoil(draw: Any, table: Table) -> Table:
        places = table.places(*columns(mapping_of_source(table.source)))
        if not (places and table.rows):
            return table
        choice = st.sampled_from([cell for part in (*texts, only_json if table.is_json else []) for cell in part])
        rows = [[*row] for row in table.rows]
        wanted = st.tuples(st.integers(0, len(rows) - 1), st.sampled_from(places), choice)
        for number, place, cell in draw(st.lists(wanted, min_size=1, max_size=30)):
            rows[number][place : place + 1] = [cell] if place < len(rows[number]) else []
        return replace(table, rows=rows)

    spoil.__name__ = name
    return spoil


def other_types(draw: Any, table: Table) -> Table:
    """Some rows with their numbers as text, or with texts that look like numbers as numbers."""
    if not table.rows:
        return table
    rows = [*table.rows]
    for number in draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=8)):
        rows[number] = [_other_type(cell) for cell in rows[number]]
    return replace(table, rows=rows)


def _other_type(cell: Any) -> Any:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    return float(cell) if isinstance(cell, str) and cell.isascii() and cell.isdigit() else cell


DAMAGES: list[Damage] = [
    row_order,
    copied_rows,
    cut_rows,
    other_columns,
    other_types,
    cells(WORDS, NUMBERS, only_json=[*VALUES, *NUMBERS_OF_JSON], columns=lambda m: [*m.item_of_column], name="numbers"),
    cells(DATES, only_json=DATES_OF_JSON, columns=lambda m: [m.period_end.column], name="dates"),
    cells(KEYS, only_json=[1, 1.0, True], columns=lambda m: [m.row_key], name="keys"),
    cells(COMPANIES, only_json=[320193, 0.5, False], columns=lambda m: [m.company.column], name="companies"),
    cells(LENGTHS, only_json=[4, 4.0, 2.5, True], columns=lambda m: ["Months", "quarters"], name="lengths"),
    cells(UNITS, only_json=[5], columns=lambda m: ["Units", "unit", "reportedCurrency"], name="units"),
]
USUAL = [damage for damage in DAMAGES if damage not in (cut_rows, other_columns)]


@st.composite
def tables(draw: Any, source: str, shaped: bool = False) -> Table:
    """The sample rows of the source with one to four damages, mostly of cells; `shaped` spares the columns."""
    table = sample(source)
    damages = USUAL if shaped else [*DAMAGES, *USUAL, *USUAL]
    for damage in draw(st.lists(st.sampled_from(damages), min_size=1, max_size=4)):
        table = damage(draw, table)
    return table


def every_word(source: str, name: str, words: list[Any]) -> Table:
    """The sample rows with each of the words once in the column: deterministic, so that none is left to chance."""
    table = sample(source)
    (place,) = table.places(name)
    usual = table.rows * (len(words) // len(table.rows) + 1)
    rows = [[*row[:place], word, *row[place + 1 :]] for word, row in zip(words, usual, strict=False)]
    key = table.places(mapping_of_source(source).row_key)[0]
    return replace(table, rows=[[*row[:key], f"k{number}", *row[key + 1 :]] for number, row in enumerate(rows)])


def spoiled_bytes(content: bytes) -> st.SearchStrategy[bytes]:
    """The file whole, cut off somewhere, or in another encoding."""
    text = content.decode()
    return st.one_of(
        st.just(content),
        st.integers(0, len(content)).map(lambda length: content[:length]),
        st.sampled_from(["utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]).map(
            lambda encoding: text.encode(encoding, errors="replace")
        ),
        st.sampled_from([content.replace(b"\n", b"\r\n"), content.replace(b"\n", b"\n\n"), content.rstrip(b"\n")]),
        st.sampled_from(
            [content.replace(b"31", b"3\x001"), content.replace(b'"', b""), content.replace(b"a", b"\xff")]
        ),
    )
