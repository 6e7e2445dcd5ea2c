"""Random conditions on the columns of a query, with values that are drawn from the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import duckdb
import pyarrow as pa

from finsync_pipeline.federation.schema import VIEWS

VIEW_NAMES = ("facts", "texts", "income_statement", "balance_sheet", "cash_flow", "companies")
OF_SOURCES = VIEW_NAMES[:-1]
KEYS = ("company_id", "period_end")
SLOW = {"known_since", "first_seen"}
"""Columns for which all rows of a source are fetched: they are rarely read."""
Columns = Mapping[str, str]
"""Columns of a relation as they are written in the query, and the kind of each: number, count, text, date."""


@dataclass(frozen=True)
class Samples:
    """Values that occur: by view and column."""

    values: Mapping[tuple[str, str], Sequence[Any]]

    @classmethod
    def of(cls, reference: duckdb.DuckDBPyConnection) -> "Samples":
        """The distinct values of each column of the reference's tables."""
        found = {}
        for view in VIEW_NAMES:
            for column in VIEWS[view].columns:
                sql = f"SELECT DISTINCT {column} FROM {view} WHERE {column} IS NOT NULL ORDER BY 1"
                found[view, column] = [value for (value,) in reference.execute(sql).fetchall()]
        return cls(found)

    def columns(self, view: str) -> list[str]:
        """The columns of the view that have values, and one that has none."""
        columns = VIEWS[view].columns
        return [name for name in columns if self.values[view, name]] + [n for n in columns if not self.values[view, n]][
            :1
        ]


def kind_of(view: str, column: str) -> str:
    """The kind of the view's column."""
    kind = VIEWS[view].arrow.field(column).type
    return {pa.float64(): "number", pa.int64(): "count", pa.date32(): "date"}.get(kind, "text")


class ConditionMaker:
    """Makes conditions from a source of random numbers and the values in the data."""

    def __init__(self, random: Random, samples: Samples) -> None:
        self.random, self.samples = random, samples

    def where(self, columns: Columns, view: str | None = None, probability: float = 0.75) -> str:
        """A WHERE, or nothing."""
        return f" WHERE {self.condition(columns, view)}" if columns and self.random.random() < probability else ""

    def condition(self, columns: Columns, view: str | None = None, depth: int = 2) -> str:
        """A condition on the columns."""
        choice = self.random.random() if depth else 1
        if choice < 0.25:
            return f"{self.condition(columns, view, depth - 1)} AND {self.condition(columns, view, depth - 1)}"
        if choice < 0.4:
            return f"({self.condition(columns, view, depth - 1)} OR {self.condition(columns, view, depth - 1)})"
        if choice < 0.48:
            return f"NOT ({self.condition(columns, view, depth - 1)})"
        if choice < 0.56:
            return self.subquery_condition(columns)
        column = self.random.choice(list(columns))
        plain = {"number": self.of_number, "count": self.of_count, "text": self.of_text, "date": self.of_date}
        return plain[columns[column]](column, columns)

    def of_number(self, column: str, columns: Columns) -> str:
        low, high = sorted((self.number(column), self.number(column)))
        sign = self.random.choice(["<", "<=", ">", ">=", "=", "<>", ">", "<"])
        others = [name for name, kind in columns.items() if kind == "number"]
        return self.random.choice(
            [
                f"{column} {sign} {low!r}",
                f"{column} {sign} {low!r}",
                f"{low!r} {sign} {column}",
                f"{column} BETWEEN {low!r} AND {high!r}",
                f"{column} NOT BETWEEN {low!r} AND {high!r}",
                f"{column} IN ({low!r}, {high!r}, NULL)",
                f"{column} IN ({low!r}, {high!r})",
                f"{column} NOT IN ({low!r}, {high!r})",
                f"{column} IS NULL",
                f"{column} IS NOT NULL",
                f"{column} IS DISTINCT FROM {low!r}",
                f"abs({column}) > {abs(low)!r}",
                f"{column} / 2 {sign} {low / 2!r}",
                f"-{column} {sign} {low!r}",
                f"{column} % 7 {sign} 3",
                f"{column} {sign} {self.random.choice(others)}",
                f"CASE WHEN {column} > 0 THEN {column} ELSE 1 END > {high!r}",
                f"coalesce({column}, 0) {sign} {low!r}",
                f"{column} * 1000 {sign} {low * 1000!r}",
            ]
        )

    def of_count(self, column: str, columns: Columns) -> str:
        value = self.random.choice([0, 3, 6, 9, 12])
        return self.random.choice([f"{column} = {value}", f"{column} > {value}", f"{column} IN (0, {value})"])

    def of_text(self, column: str, columns: Columns) -> str:
        one, other = self.value(column, "text"), self.value(column, "text")
        pattern = self.pattern(column)
        return self.random.choice(
            [
                f"{column} = {one}",
                f"{column} = {one}",
                f"{column} IN ({one}, {other})",
                f"{column} IN ({one}, {other})",
                f"{column} <> {one}",
                f"{column} NOT IN ({one}, {other})",
                f"{column} LIKE {pattern}",
                f"{column} NOT LIKE {pattern}",
                f"{column} ILIKE {pattern}",
                f"upper({column}) = upper({one})",
                f"{column} > {one}",
                f"{column} BETWEEN {one} AND {other}",
                f"length({column}) > {len(one) - 2}",
                f"starts_with({column}, '{one[1:3].replace(chr(39), '')}')",
                f"{column} IS NOT NULL",
                f"{column} IS NULL",
                f"{column} NOT IN ({one}, NULL)",
                f"CASE {column} WHEN {one} THEN 1 ELSE 0 END = 1",
            ]
        )

    def of_date(self, column: str, columns: Columns) -> str:
        one, other = self.value(column, "date"), self.value(column, "date")
        year = int(one[6:10])
        return self.random.choice(
            [
                f"{column} = {one}",
                f"{column} = {one[5:]}",
                f"{column} >= {one}",
                f"{column} < {one}",
                f"{column} BETWEEN {one} AND {other}",
                f"{column} IN ({one}, {other})",
                f"{column} <> {one}",
                f"year({column}) = {year}",
                f"{column} IS NOT NULL",
                f"quarter({column}) = 4",
                f"{column} + INTERVAL 1 DAY > {one}",
                f"CAST({column} AS VARCHAR) LIKE '{year}%'",
                f"date_trunc('year', {column}) = DATE '{year}-01-01'",
            ]
        )

    def subquery_condition(self, columns: Columns) -> str:
        """A condition with a subquery, correlated or not."""
        view = self.random.choice(OF_SOURCES)
        inner = {f"e.{name}": kind_of(view, name) for name in self.samples.columns(view) if name not in SLOW}
        keys = [name for name in columns if "." in name and name.partition(".")[2] in KEYS]
        numbers = [name for name, kind in columns.items() if kind == "number"]
        if numbers and self.random.random() < 0.3:
            number = self.random.choice([name for name, kind in inner.items() if kind == "number"] or ["1"])
            sql = f"SELECT {self.random.choice(['max', 'min'])}({number}) FROM {view} AS e{self.where(inner, view)}"
            return f"{self.random.choice(numbers)} {self.random.choice(['<', '>', '='])} ({sql})"
        if not keys:
            return "1 = 1"
        key = self.random.choice(keys)
        name, condition = key.partition(".")[2], self.condition(inner, view, 0)
        negated = self.random.choice(["", "NOT "])
        if self.random.random() < 0.5:
            return f"{key} {negated}IN (SELECT e.{name} FROM {view} AS e WHERE {condition})"
        return f"{negated}EXISTS (SELECT 1 FROM {view} AS e WHERE e.{name} = {key} AND {condition})"

    # Values

    def value(self, column: str, kind: str) -> str:
        """A literal of this kind, which mostly occurs in the column."""
        if kind in ("number", "count"):
            return repr(self.number(column)) if kind == "number" else "12"
        values = self._values(column)
        value = self.random.choice(values or (["none"] if kind == "text" else [date(2009, 12, 31)]))
        return f"DATE '{value}'" if kind == "date" else "'" + str(value).replace("'", "''") + "'"

    def number(self, column: str) -> float:
        """A number near to one that occurs in the column, or that very one."""
        value = float(self.random.choice(self._values(column) or [0.0]))
        return value * self.random.choice([1, 1, 1, 1.5, 1 + 1e-13, 0.001, -1])

    def pattern(self, column: str) -> str:
        """A pattern of LIKE."""
        text = self.value(column, "text")[1:-1].replace("''", "'")
        start = self.random.randrange(max(1, len(text)))
        part = text[start : start + self.random.randint(1, 6)]
        forms = [
            f"{text[:4]}%",
            f"%{part}%",
            f"%{text[-3:]}",
            text.replace("a", "_"),
            text.upper(),
            "%\\_%' ESCAPE '\\",
        ]
        form = self.random.choice(forms)
        return f"'{form}'" if "ESCAPE" in form else "'" + form.replace("'", "''") + "'"

    def _values(self, column: str) -> Sequence[Any]:
        name = column.rpartition(".")[2]
        found = [values for (_, each), values in self.samples.values.items() if each == name and values]
        return self.random.choice(found) if found else []
