"""What a damaged file says, read a second time: plain Python, row by row, sharing no code with FinSync.

Only which company a source name means and by which method, and which codes are currencies, is taken from FinSync.
Everything else that becomes of each row and each cell is worked out here from the text of the file and from the three
sources' rules as written down below.
"""

import calendar
import csv
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import isinf
from pathlib import Path
from typing import Any

from damage.chain import QUARTERS, Passage, mapping_of_source, rows_of

from finsync_pipeline.identity.results import Method
from finsync_pipeline.statements.mapping import CURRENCIES

BLANKS = " \t\n\r\xa0"
MONTH_NAMES = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
POWERS = {"USD thousands": 3, "USD millions": 6}


@dataclass(frozen=True)
class Rules:
    """How one source writes: its special columns and its numbers."""

    key: str
    company: str
    ends: str
    length: str | None
    months_each: int
    unit: str
    units: tuple[str, ...] | None  # None: the unit is the currency, in ones
    thousands: str = ""
    has_brackets: bool = False
    null_words: tuple[str, ...] = ("",)


RULES = {
    "pnl": Rules("Row", "Company Name", "Period Ended", "Months", 1, "Units", tuple(POWERS), ",", True),
    "balance_sheet": Rules(
        "id", "symbolOrCik", "fiscalDateEnding", None, 0, "reportedCurrency", None, null_words=("", "None")
    ),
    "cash_flow": Rules("rec", "company", "asOf", "quarters", 3, "unit", ("USD millions",)),
}
Row = dict[str, str | None]
"""The cells of the columns that the mapping names, as text."""
Name = tuple[str, date]
"""A company as the source writes it, and the day on which the period ends."""
Place = tuple[str, str, date, int, str]
"""What identifies a fact: company, item, day, months, currency."""
Reading = tuple[int, str, str, float, Name]
"""Length of the key of the row, the key, the text, the number, the name."""
METHODS = [str(method) for method in Method]


@dataclass
class Outcome:
    """What must become of a file: facts by what identifies them, rejects as they must be kept, with their number."""

    facts: dict[tuple[str, str, date, int, str], tuple[str, float]]
    cells: Counter[tuple[str, str, str, str]]  # row key, item, reason, text
    rows: Counter[tuple[str, str]]  # reason, the row as JSON
    unassigned: Counter[tuple[str, str]]
    rows_in: int
    filled: int
    filled_unassigned: int


def read_rows(source: str, file: Path) -> list[Row]:
    """The rows of the file with the mapping's columns."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        records = _json_records(text) if file.suffix == ".jsonl" else _csv_records(text)
    return [{column: record.get(column) for column in mapping_of_source(source).columns} for record in records]


def _csv_records(text: Any) -> list[Row]:
    header, *lines = [cells for cells in csv.reader(text) if cells]
    if lines and len(lines[0]) == len(header) + 1:
        header = ["a running number", *header]
    return [dict(reversed([*zip(header, cells, strict=True)])) for cells in lines]


def _json_records(text: Any) -> list[Row]:
    return [{name: _text(cell) for name, cell in _flat(_record(line))} for line in text if line.strip()]


def _record(line: str) -> dict[str, Any]:
    """A number that no float64 can hold stays its text."""
    record: dict[str, Any] = json.loads(line, parse_float=lambda text: text if isinf(float(text)) else float(text))
    return record


def _flat(record: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, cell in record.items():
        flat += _flat(cell, f"{above}{name}.") if isinstance(cell, dict) else [(above + name, cell)]
    return flat


def _text(cell: Any) -> str | None:
    if isinstance(cell, bool | list):
        return json.dumps(cell, ensure_ascii=False)
    if isinstance(cell, float) and abs(cell) <= 2**53:
        return repr(cell).removesuffix(".0") if cell else "0"
    return cell if cell is None or isinstance(cell, str) else repr(cell)


def read_period_end(source: str, text: str | None) -> date | None:
    """The day, moved to a month's end at most seven days away."""
    text = (text or "").strip()
    try:
        if source == "pnl":
            month, day, year = text.replace(",", " , ").replace(" , ", " ", 1).split()
            numbers = (year, MONTH_NAMES.get(month.lower(), 0), day)
        elif source == "balance_sheet":
            numbers = tuple(text.split("-"))
        else:
            month, day, year = text.split("/")
            numbers = (year, month, day)
        year, month, day = numbers
        found = date(int(year), int(month), int(day)) if len(str(year)) == 4 else None
    except ValueError:
        return None
    if found is None:
        return None
    for away in range(8):
        for near in (found.toordinal() + away, found.toordinal() - away):
            if 1 <= near < date.max.toordinal() and (date.fromordinal(near) + timedelta(days=1)).day == 1:
                return date.fromordinal(near)
    return found


def read_number(rules: Rules, text: str, power: int) -> Decimal | None:
    """The one number that the text is in the source's notation, times a power of ten; exact."""
    negative = False
    if rules.has_brackets and text[:1] == "(" and text[-1:] == ")":
        text, negative = text[1:-1], True
    elif text[:1] in ("+", "-", "\u2212"):
        text, negative = text[1:], text[0] != "+"
    mantissa, e, exponent = text.replace("E", "e").partition("e")
    bare = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    whole, _, rest = mantissa.partition(".")
    if e and not (_is_digits(bare) and len(bare) <= 3):
        return None
    if rules.thousands and rules.thousands in whole:
        first, *groups = whole.split(rules.thousands)
        if not (_is_digits(first) and len(first) <= 3 and all(_is_digits(g) and len(g) == 3 for g in groups)):
            return None
        whole = "".join([first, *groups])
    if not _is_digits(whole + rest) or not (whole + rest):
        return None
    return Decimal(f"{'-' if negative else ''}{whole or 0}.{rest or 0}e{int(exponent or 0) + power}")


def _is_digits(text: str) -> bool:
    return bool(text) and set(text) <= set("0123456789")


def read_outcome(source: str, file: Path, passage: Passage) -> Outcome:
    """What must become of every row and every cell of the file, with the passage's decisions on companies."""
    rules, items = RULES[source], mapping_of_source(source).item_of_column
    decided = {(line["source_name"], line["period_end"]): line for line in rows_of(passage.company_ids)}
    outcome = Outcome({}, Counter(), Counter(), Counter(), 0, 0, 0)
    quarters: dict[date, list[tuple[date, Row]]] = defaultdict(list)
    named: dict[Name, list[str]] = defaultdict(list)
    for row in read_rows(source, file):
        outcome.rows_in += 1
        filled = len(_filled(rules, items, row))
        outcome.filled += filled
        day = read_period_end(source, row[rules.ends])
        quarter = None if day is None else date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        if day is None or quarter not in QUARTERS:
            outcome.unassigned["date_unreadable" if day is None else "outside_quarters", as_json(row)] += 1
            outcome.filled_unassigned += filled
        else:
            quarters[quarter].append((day, row))
    usable: dict[Place, list[Reading]] = defaultdict(list)
    unread: list[tuple[Name, tuple[str, str, str, str]]] = []
    for rows in quarters.values():
        seen: set[str] = set()
        keys = Counter(key for key, _ in {(row[rules.key], as_json(row)) for _, row in rows})
        for day, row in rows:
            decision = decided[row[rules.company], day]
            reason = _row_reason(rules, items, row, seen, keys, decision["status"])
            seen.add(as_json(row))
            if reason is not None:
                outcome.rows[reason, as_json(row)] += 1
                continue
            name = (str(row[rules.company]), day)
            named[name].append(as_json(row))
            months, power = _months(rules, row), _power(rules, row)
            for column, text in _filled(rules, items, row).items():
                item, key = items[column], str(row[rules.key])
                instant = source == "balance_sheet"
                number = read_number(rules, text, 0 if item.startswith("eps") else power or 0)
                sign = mapping_of_source(source).items[item].sign
                if number is None:
                    unread.append((name, (key, item, "not_a_number", str(row[column]))))
                elif abs(value := float(number) * sign) >= 1e18:
                    unread.append((name, (key, item, "schema:value_within_bounds", str(row[column]))))
                else:
                    currency = _currency(rules, row) or ""
                    place = (decision["company_id"], item, day, 0 if instant else months or 0, currency)
                    usable[place].append((len(key), key, str(row[column]), value, name))
    methods = {(text, day): decided[text, day]["method"] for text, day in named}
    rejected = contradicted_names(usable, methods)
    for name in rejected:
        outcome.rows.update(("company_contradicted", row) for row in named[name])
    outcome.cells.update(cell for name, cell in unread if name not in rejected)
    for place, every in usable.items():
        readings = [reading for reading in every if reading[-1] not in rejected]
        if not readings:
            continue
        lowest, *others = sorted(readings)
        agree = len({value for *_, value, _ in readings}) == 1
        if agree:
            outcome.facts[place] = (lowest[1], lowest[3])
        for _, key, text, _, _ in others if agree else readings:
            outcome.cells[key, place[1], "same_value" if agree else "conflict", text] += 1
    return outcome


def contradicted_names(usable: dict[Place, list[Reading]], methods: dict[Name, str]) -> set[Name]:
    """The names that give a value which a more certain name for the same company and day does not give.

    A name that is itself contradicted does not count against others.
    """
    said: dict[Place, dict[Name, set[float]]] = defaultdict(lambda: defaultdict(set))
    for place, readings in usable.items():
        for *_, value, name in readings:
            said[place][name].add(value)
    rejected: set[Name] = set()
    for name in sorted(methods, key=lambda name: rank(methods[name])):
        against = (
            other
            for values in said.values()
            if name in values
            for other in values
            if rank(methods[other]) < rank(methods[name])
            and letters(other[0]) != letters(name[0])
            and values[name] - values[other]
        )
        if any(other not in rejected for other in against):
            rejected.add(name)
    return rejected


def letters(text: str) -> str:
    """The name however it is written: `0000310158` and `310158` are one."""
    return "".join(char for char in text.lower() if char.isalnum() or char == "&").lstrip("0")


def rank(method: str) -> tuple[int, bool]:
    """The place of the method among those that there are, the most certain first."""
    base, *support = method.split("+")
    return METHODS.index(base), not support


def as_json(row: Row) -> str:
    """The row as refused rows are kept."""
    return json.dumps(row, ensure_ascii=False)


def _filled(rules: Rules, items: dict[str, str], row: Row) -> dict[str, str]:
    texts = {column: (row[column] or "").strip(BLANKS) for column in items}
    return {column: text for column, text in texts.items() if text not in rules.null_words}


def _row_reason(
    rules: Rules, items: dict[str, str], row: Row, seen: set[str], keys: Counter[str | None], status: str
) -> str | None:
    key, company = row[rules.key], row[rules.company]
    reasons = {
        "repeated_row": as_json(row) in seen,
        "schema:row_key_unique": (key or "").strip() != "" and keys[key] > 1,
        "schema:row_key_present": (key or "").strip() == "",
        "schema:company_present": (company or "").strip() == "",
        "length_unknown": rules.length is not None and _months(rules, row) is None,
        "currency_unknown": _currency(rules, row) is None,
        "scale_unknown": _power(rules, row) is None,
        f"company_{status}": status != "accepted",
        "row_without_values": not _filled(rules, items, row),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _months(rules: Rules, row: Row) -> int | None:
    text = (row[rules.length] or "").strip() if rules.length else ""
    text = text.removesuffix(".0")
    months = int(text) * rules.months_each if _is_digits(text) and len(text) <= 2 else None
    return months if months in (3, 6, 9, 12) else None


def _currency(rules: Rules, row: Row) -> str | None:
    text = (row[rules.unit] or "").strip()
    if rules.units is not None:
        return "USD" if text in rules.units else None
    return text if text in CURRENCIES else None


def _power(rules: Rules, row: Row) -> int | None:
    return 0 if rules.units is None else POWERS.get((row[rules.unit] or "").strip())
