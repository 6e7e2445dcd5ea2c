"""The rows of one source as standard facts, read by SQL: one row at a time, by the mapping.

Dependent rows (`source_index`) are not among them: their facts were made by the pipeline's own code.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline import frames
from finsync_pipeline.extraction.cell_text import as_literals, as_text
from finsync_pipeline.federation.conditions import MOST
from finsync_pipeline.federation.source_index import SourceIndex, has_numeric_words, name_columns
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.numbers import number_parts_sql, number_sql
from finsync_pipeline.statements.row_context import read_column
from finsync_pipeline.statements.standardize import BLANKS
from finsync_pipeline.statements.tables import FACTS, TEXTS

ROW_COLUMNS = (
    "source", "row_key", "company_id", "period_end", "months", "currency", "data_version", "known_since", "first_seen",
)  # fmt: skip
STORED = (pa.int64(), pa.float64())
"""Types of cells that are read by arithmetic."""
FEW_ROWS = 10_000
"""As many rows are read at once: a view would be planned again by each view over it."""
EXACT = 2**53
"""A float64 represents every integer up to this one."""


def readable(tables: Sequence[pa.Table], mapping: SourceMapping) -> pa.Table:
    """The fetched rows in the form that `register_rows` reads.

    Key, names and the literal of the period end as text; what the mapping declares of a row as read; the cells of each
    item in a column of its name, as numbers where they came so.
    """
    numbers = frozenset(
        item
        for item, declared in mapping.items.items()
        if _are_numbers([each[declared.column].type for each in tables])
    )
    numbers = frozenset() if has_numeric_words(mapping) else numbers
    return pa.concat_tables([_readable(table, mapping, numbers) for table in tables], promote_options="permissive")


def register_rows(
    connection: duckdb.DuckDBPyConnection, mapping: SourceMapping, index: SourceIndex, rows: pa.Table
) -> None:
    """Make `rows_of_<source>` of the rows (`readable`): a line for each row that can be used.

    Columns: ROW_COLUMNS, one for each item of the mapping, and how many cells of numeric items are given, and cannot be
    read: finsync_given, finsync_unread. known_since is null if the mapping has none, first_seen always.
    """
    name = mapping.name
    places = dict(zip(name_columns(mapping), _name_places(mapping), strict=True))
    names = index.arrow["names"]
    names = names.rename_columns([places.get(column, column) for column in names.column_names])
    for table in ("periods", "dependent"):
        connection.register(f"{table}_of_{name}", index.arrow[table])
    connection.register(f"names_of_{name}", names)
    connection.register(f"fetched_of_{name}", rows)
    kind = "TABLE" if len(rows) <= FEW_ROWS else "VIEW"
    connection.execute(f"CREATE OR REPLACE TEMP {kind} rows_of_{name} AS {_rows_sql(mapping, rows)}")


def facts_sql(mapping: SourceMapping) -> str:
    """The facts in `rows_of_<source>`: a table FACTS."""
    numeric = [item for item in mapping.items if ITEMS[item].kind != "text"]
    instants = ", ".join(f"'{item}'" for item in numeric if ITEMS[item].kind == "instant")
    length = f"CASE WHEN item IN ({instants}) THEN 0 ELSE months END" if instants else "months"
    return _long_sql(mapping, numeric, "value", length, FACTS.arrow.names)


def texts_sql(mapping: SourceMapping) -> str:
    """The texts in `rows_of_<source>`: a table TEXTS."""
    texts = [item for item in mapping.items if ITEMS[item].kind == "text"]
    return _long_sql(mapping, texts, "text", "coalesce(months, 0)", TEXTS.arrow.names)


def _long_sql(mapping: SourceMapping, items: Sequence[str], value: str, length: str, columns: Sequence[str]) -> str:
    if not items:
        return f"SELECT {', '.join(columns)} FROM empty_{value}s"
    selected = ", ".join(f"{length} AS months" if name == "months" else name for name in columns)
    return f"""
        SELECT {selected}
        FROM (
            UNPIVOT (SELECT * FROM rows_of_{mapping.name}) ON {", ".join(items)} INTO NAME item VALUE {value}
        )
    """


def _are_numbers(types: Sequence[pa.DataType]) -> bool:
    """Whether a column of several tables is of one type of numbers: to read whole ones as floats may change them."""
    distinct = set(types) - {pa.null()}
    return len(distinct) == 1 and distinct <= set(STORED)


def _readable(table: pa.Table, mapping: SourceMapping, numbers: Collection[str]) -> pa.Table:
    """One table in that form, the items in `numbers` as they came, all others as text."""
    columns = {"finsync_key": as_text(table[mapping.row_key])}
    columns["finsync_literal"] = as_literals(table[mapping.period_end.column])
    for place, name in zip(_name_places(mapping), name_columns(mapping), strict=True):
        columns[place] = as_text(table[name])
    frame = frames.from_arrow(pa.table(_declared_texts(table, mapping)))
    for name, declared, dtype in _declared(mapping):
        columns[f"finsync_{name}"] = pa.array(read_column(frame, declared, dtype), dtype, from_pandas=True)
    if mapping.known_since is not None:
        text = frame[mapping.known_since.column].str.strip().fillna("")
        columns["finsync_is_dated"] = pa.array(text != "", pa.bool_())
    for item, declared in mapping.items.items():
        cells = table[declared.column]
        columns[item] = cells if item in numbers else as_text(cells, mapping.numbers.decimal)
    return pa.table(columns)


def _declared(mapping: SourceMapping) -> list[tuple[str, Any, pa.DataType]]:
    """What the mapping declares of a row: name, constant or column, type."""
    return [
        ("months", mapping.months, pa.int64()),
        ("currency", mapping.currency, pa.string()),
        ("exponent", mapping.scale, pa.int64()),
        ("known_since", mapping.known_since, pa.date32()),
    ]


def _declared_texts(table: pa.Table, mapping: SourceMapping) -> dict[str, pa.ChunkedArray]:
    named = [declared.column for _, declared, _ in _declared(mapping) if hasattr(declared, "column")]
    return {name: as_text(table[name]) for name in (mapping.row_key, *named)}


def _name_places(mapping: SourceMapping) -> list[str]:
    return [f"finsync_name_{place}" for place, _ in enumerate(name_columns(mapping))]


def _rows_sql(mapping: SourceMapping, fetched: pa.Table) -> str:
    """The rows that can be used, in steps: what a cell holds, its parts if it may be a text, its value."""
    cells = _cells_of(mapping, fetched)
    columns = ", ".join(
        f"text_{item} AS {item}"
        if ITEMS[item].kind == "text"
        else f"CASE WHEN abs({item}) < {MOST!r} THEN {item} END AS {item}"
        for item in cells
    )
    numeric = {item: cell for item, cell in cells.items() if ITEMS[item].kind != "text"}
    given = " + ".join(f"({cell.given_sql})::INTEGER" for cell in numeric.values()) or "0"
    unread = " + ".join(
        f"({cell.given_sql} AND coalesce(abs({item}) < {MOST!r}, false) = false)::INTEGER"
        for item, cell in numeric.items()
    )
    unread = unread or "0"
    counted = f"{given} AS finsync_given, {unread} AS finsync_unread"
    return f"SELECT {', '.join(ROW_COLUMNS)}, {counted}, {columns} FROM ({_read_rows_sql(mapping, cells)})"


def _cells_of(mapping: SourceMapping, fetched: pa.Table) -> dict[str, "_Cell"]:
    return {item: _Cell(item, *_kind_of(item, mapping, fetched), mapping) for item in mapping.items}


def _read_rows_sql(mapping: SourceMapping, cells: Mapping[str, "_Cell"]) -> str:
    """The usable rows, with the text of each cell that may be one, and the number of each numeric item."""
    numbers = {item: cell for item, cell in cells.items() if ITEMS[item].kind != "text"}
    rows = _usable_rows_sql(mapping, cells)
    rows = _with_columns(rows, {item: cell.parts_sql for item, cell in numbers.items() if not cell.is_exact})
    return _with_columns(rows, {item: cell.number_sql for item, cell in numbers.items()})


def _kind_of(item: str, mapping: SourceMapping, fetched: pa.Table) -> tuple[bool, bool]:
    """Whether the item's cells are stored as numbers, and whether arithmetic reads all of them without rounding."""
    cells, exponent = fetched[item], mapping.exponent_of(item)
    if ITEMS[item].kind == "text" or cells.type not in STORED:
        return cells.type in STORED, False
    if exponent == 0:
        return True, True
    greatest = pc.max(pc.abs(fetched["finsync_exponent"])).as_py() if exponent is None else abs(exponent)
    numbers = cells.cast(pa.float64(), safe=False)
    is_exact = pc.and_(
        pc.equal(numbers, pc.trunc(numbers)), pc.less_equal(pc.abs(numbers), EXACT / 10.0 ** (greatest or 0))
    )
    return True, pc.all(is_exact).as_py() is not False


def _with_columns(rows: str, columns: Mapping[str, tuple[str, str]]) -> str:
    """The rows with one more column for each of these: its name and its SQL."""
    added = "".join(f", {sql} AS {name}" for name, sql in columns.values())
    return f"SELECT *{added} FROM ({rows})"


def _usable_rows_sql(mapping: SourceMapping, cells: Mapping[str, "_Cell"]) -> str:
    name = mapping.name
    same_name = " AND ".join(f"f.{place} IS NOT DISTINCT FROM n.{place}" for place in _name_places(mapping))
    given = "".join(
        f", f.{item} AS cell_{item}" + ("" if cell.is_exact else f", {cell.text_sql} AS text_{item}")
        for item, cell in cells.items()
    )
    return f"""
        SELECT
            '{name}' AS source, f.finsync_key AS row_key, n.finsync_company AS company_id, p.period_end,
            f.finsync_months AS months, f.finsync_currency AS currency, p.quarter_version AS data_version,
            f.finsync_known_since AS known_since, NULL::DATE AS first_seen,
            f.finsync_exponent, 10.0::DOUBLE ** abs(f.finsync_exponent) AS finsync_power{given}
        FROM fetched_of_{name} AS f
        JOIN periods_of_{name} AS p ON f.finsync_literal = p.literal
        JOIN names_of_{name} AS n ON {same_name} AND p.epoch = n.finsync_epoch
        ANTI JOIN dependent_of_{name} AS d
            ON f.finsync_key IS NOT DISTINCT FROM d.row_key AND f.finsync_literal = d.literal
        WHERE {" AND ".join(_usable(mapping))}
    """


def _usable(mapping: SourceMapping) -> list[str]:
    """The conditions under which a row is used."""
    conditions = ["n.finsync_company IS NOT NULL", "f.finsync_currency IS NOT NULL", "f.finsync_exponent IS NOT NULL"]
    if mapping.months is not None:
        conditions.append("f.finsync_months IS NOT NULL")
    if mapping.known_since is not None:
        conditions.append("NOT (f.finsync_is_dated AND f.finsync_known_since IS NULL)")
        is_after = f"f.finsync_known_since >= p.period_end - {mapping.period_end.snap_days}"
        conditions.append(f"(NOT f.finsync_is_dated OR {is_after})")
    return conditions


@dataclass(frozen=True)
class _Cell:
    """The SQL of one item's cell: `is_stored` as a number (`is_exact`: arithmetic reads all), or a text."""

    item: str
    is_stored: bool
    is_exact: bool
    mapping: SourceMapping

    @property
    def exponent(self) -> str:
        """The power of ten of the cell."""
        exponent = self.mapping.exponent_of(self.item)
        return "finsync_exponent" if exponent is None else str(exponent)

    @property
    def given_sql(self) -> str:
        """Whether the cell of a row is given."""
        return f"{'cell' if self.is_stored else 'text'}_{self.item} IS NOT NULL"

    @property
    def text_sql(self) -> str:
        """The text that is read: of a number only where arithmetic would round."""
        cell = f"f.{self.item}"
        if self.is_stored:
            decimal = self.mapping.numbers.decimal.replace("'", "''")
            digits = f"replace(CAST({cell} AS VARCHAR), '.', '{decimal}')"
            return f"CASE WHEN {self._is_read_exactly(cell)} THEN NULL ELSE {digits} END"
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in ("", *self.mapping.numbers.null_words))
        trimmed = f"trim({cell}, {BLANKS})"
        return f"CASE WHEN {trimmed} NOT IN ({words}) THEN {trimmed} END"

    @property
    def parts_sql(self) -> tuple[str, str]:
        """The parts of the text, by their name."""
        return f"parts_{self.item}", number_parts_sql(self.mapping.numbers, f"text_{self.item}")

    @property
    def number_sql(self) -> tuple[str, str]:
        """The number, by its name: by arithmetic where that is exact, and else by its digits."""
        sign = self.mapping.items[self.item].sign
        read = number_sql(self.mapping.numbers, f"parts_{self.item}", self.exponent, str(sign))
        if not self.is_stored:
            return self.item, read
        number, power = f"CAST(cell_{self.item} AS DOUBLE)", self._power
        scaled = f"CASE WHEN {self.exponent} >= 0 THEN {number} * {power} ELSE {number} / {power} END"
        scaled = f"({number if self.exponent == '0' else scaled}) * {sign} + 0.0"
        return (
            self.item,
            scaled if self.is_exact else f"CASE WHEN text_{self.item} IS NULL THEN {scaled} ELSE {read} END",
        )

    def _is_read_exactly(self, cell: str) -> str:
        number = f"CAST({cell} AS DOUBLE)"
        exponent = "f.finsync_exponent" if self.exponent == "finsync_exponent" else self.exponent
        return f"{number} = trunc({number}) AND abs({number}) <= {EXACT} / (10.0::DOUBLE ** abs({exponent}))"

    @property
    def _power(self) -> str:
        return (
            "finsync_power" if self.exponent == "finsync_exponent" else f"(10.0::DOUBLE ** {abs(int(self.exponent))})"
        )
