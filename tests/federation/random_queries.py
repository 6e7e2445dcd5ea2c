"""Random SELECTs over the standard views, each of which has one right answer, or answers that can be checked.

A query is a text; the values in it are drawn from the data, so that its conditions let some rows through. Where rows
are limited, either all columns of the answer decide the order, or the query says what it is without the limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from federation.random_conditions import KEYS, OF_SOURCES, SLOW, VIEW_NAMES, Columns, ConditionMaker, kind_of

from finsync_pipeline.federation.schema import VIEWS


@dataclass(frozen=True)
class RandomQuery:
    """A query. `is_ordered`: its rows have one order. `sums` are the columns that are sums of floats.

    `unlimited` is the query of which this one has some rows; `ordered_by` is a column of it by which they are ordered.
    """

    sql: str
    is_ordered: bool = False
    sums: frozenset[str] = frozenset()
    unlimited: str | None = None
    ordered_by: str | None = None


class QueryMaker(ConditionMaker):
    """Makes queries from a source of random numbers and the values in the data."""

    def query(self) -> RandomQuery:
        """The next query."""
        makers = [self.rows, self.rows, self.first_rows, self.first_rows, self.groups, self.groups, self.joined]
        makers += [
            self.groups_of_sources,
            self.joined,
            self.set_operation,
            self.windows,
            self.nested,
            self.counts,
            self.some_rows,
        ]
        return self.random.choice(makers)()

    # Whole queries

    def rows(self) -> RandomQuery:
        """Columns and expressions of the rows that fulfil a condition, in one order."""
        tables, columns = self.relation("t")
        outputs = self.outputs(columns, self.random.randint(1, 5))
        distinct = self.random.choice(["", "", "DISTINCT "])
        sql = f"SELECT {distinct}{_named(outputs)} FROM {tables}{self.where(columns)}"
        if self.random.random() < 0.4:
            return RandomQuery(f"{sql} {self.total_order(outputs)}{self.limit()}", is_ordered=True)
        return RandomQuery(sql)

    def first_rows(self) -> RandomQuery:
        """The first rows of one view by a number of it."""
        view = self.random.choice(OF_SOURCES[:1] + OF_SOURCES[2:])
        numbers = [name for name in self.samples.columns(view) if kind_of(view, name) == "number"]
        order, others = self.random.choice(numbers), [n for n in self.samples.columns(view) if n not in SLOW]
        chosen = list(dict.fromkeys([order, *self.random.sample(others, self.random.randint(1, 5))]))
        self.random.shuffle(chosen)
        where = self.where({name: kind_of(view, name) for name in others}, view, 0.5)
        sql = f"SELECT {', '.join(chosen)} FROM {view}{where}"
        direction = self.random.choice(["", " DESC", " ASC", " DESC NULLS LAST", " NULLS FIRST"])
        if self.random.random() < 0.5:
            total = "".join(f", {name}" for name in chosen if name != order)
            return RandomQuery(f"{sql} ORDER BY {order}{direction}{total}{self.limit(1)}", is_ordered=True)
        limited = f"{sql} ORDER BY {order}{direction}{self.limit(1)}"
        return RandomQuery(limited, unlimited=sql, ordered_by=order)

    def some_rows(self) -> RandomQuery:
        """Any few rows."""
        view = self.random.choice(VIEW_NAMES)
        columns = {name: kind_of(view, name) for name in self.samples.columns(view) if name not in SLOW}
        sql = f"SELECT {', '.join(self.random.sample(list(columns), 2))} FROM {view}{self.where(columns, view)}"
        return RandomQuery(sql + self.limit(1), unlimited=sql)

    def groups(self) -> RandomQuery:
        """Aggregates by some keys."""
        tables, columns = self.relation("t")
        keys = self.outputs({name: kind for name, kind in columns.items() if kind != "number"} or columns, 2)
        keys = dict(list(keys.items())[: self.random.randint(0, 2)])
        aggregates = [self.aggregate(columns, f"a{place}") for place in range(self.random.randint(1, 3))]
        by = self.random.choice([", ".join(keys.values()), "ALL"] if keys else [""])
        having = f" HAVING count(*) > {self.random.randint(1, 4)}" if keys and self.random.random() < 0.3 else ""
        named = ", ".join([*_each_named(keys), *(f"{sql} AS {name}" for name, sql, _ in aggregates)])
        sql = f"SELECT {named} FROM {tables}{self.where(columns)}{f' GROUP BY {by}' if by else ''}{having}"
        return RandomQuery(sql, sums=frozenset(name for name, _, is_sum in aggregates if is_sum))

    def groups_of_sources(self) -> RandomQuery:
        """Counts, minima and maxima of one statement, by some of its keys."""
        view = self.random.choice([name for name in OF_SOURCES if VIEWS[name].items])
        keys = self.random.sample(VIEWS[view].keys, self.random.randint(0, 3))
        items = [name for name in self.samples.columns(view) if name in VIEWS[view].items]
        forms = [
            "count(*)",
            *(f"{kind}({self.random.choice(items)})" for kind in ("count", "min", "max", "min", "max")),
        ]
        aggregates = self.random.sample(forms, self.random.randint(1, 4))
        named = self.random.choice([aggregates, [f"{each} AS a{place}" for place, each in enumerate(aggregates)]])
        where = self.where({name: kind_of(view, name) for name in VIEWS[view].keys}, view, 0.5)
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        having = f" HAVING {aggregates[0]} > {self.random.randint(0, 4)}" if keys and self.random.random() < 0.3 else ""
        return RandomQuery(f"SELECT {', '.join([*keys, *named])} FROM {view}{where}{group}{having}")

    def joined(self) -> RandomQuery:
        """Columns of two or three relations that are joined."""
        tables, columns = self.join()
        outputs = self.outputs(columns, self.random.randint(1, 5))
        if self.random.random() < 0.3:
            name, aggregate, is_sum = self.aggregate(columns, "a0")
            key = next(iter(outputs.values()))
            sql = f"SELECT {key} AS k, {aggregate} AS {name} FROM {tables}{self.where(columns)} GROUP BY {key}"
            return RandomQuery(sql, sums=frozenset([name] if is_sum else []))
        return RandomQuery(f"SELECT {_named(outputs)} FROM {tables}{self.where(columns)}")

    def set_operation(self) -> RandomQuery:
        """Two or three selections of the same kinds of columns, and a condition on what comes of them."""
        kinds = self.random.sample(["text", "date", "number", "text"], self.random.randint(1, 3))
        parts = [self.selection_of(kinds) for _ in range(self.random.choice([2, 2, 3]))]
        operations = ["UNION ALL", "UNION", "INTERSECT", "EXCEPT", "UNION ALL", "EXCEPT ALL", "INTERSECT ALL"]
        sql = parts[0][0]
        for part, _ in parts[1:]:
            sql = f"{sql} {self.random.choice(operations)} {part}"
        if self.random.random() < 0.6:
            names = parts[0][1]
            condition = self.condition({f"u.{name}": kind for name, kind in zip(names, kinds, strict=True)}, None)
            sql = f"SELECT * FROM ({sql}) AS u WHERE {condition}"
        return RandomQuery(sql)

    def selection_of(self, kinds: Sequence[str]) -> tuple[str, list[str]]:
        """A SELECT of columns of these kinds from one view, and their names."""
        found = {}
        for view in VIEW_NAMES:
            names = [name for name in self.samples.columns(view) if name not in SLOW]
            by_kind = {kind: [name for name in names if kind_of(view, name) == kind] for kind in set(kinds)}
            if all(len(by_kind[kind]) >= kinds.count(kind) for kind in kinds):
                found[view] = (by_kind, {name: kind_of(view, name) for name in names})
        view = self.random.choice(list(found))
        by_kind, columns = found[view]
        chosen: list[str] = []
        for kind in kinds:
            chosen.append(self.random.choice([name for name in by_kind[kind] if name not in chosen]))
        return f"SELECT {', '.join(chosen)} FROM {view}{self.where(columns, view)}", chosen

    def windows(self) -> RandomQuery:
        """Rows with their place among others."""
        tables, columns = self.relation("t")
        outputs = self.outputs(columns, self.random.randint(2, 4))
        first, *others = outputs.values()
        order = ", ".join([*others, first])
        function = self.random.choice(["row_number()", f"lag({first})", "count(*)", f"max({others[0]})", "rank()"])
        frame = f"PARTITION BY {first}" + ("" if function.startswith(("count", "max")) else f" ORDER BY {order}")
        sql = f"SELECT {_named(outputs)}, {function} OVER ({frame}) AS w FROM {tables}{self.where(columns)}"
        return RandomQuery(
            sql + (" QUALIFY w > 1" if function == "row_number()" and self.random.random() < 0.5 else "")
        )

    def nested(self) -> RandomQuery:
        """A CTE that is read twice, or a grouped subquery that is filtered and joined."""
        tables, columns = self.relation("t")
        key = next((name for name in columns if name.endswith("company_id")), next(iter(columns)))
        number = self.random.choice([name for name, kind in columns.items() if kind == "number"] or [key])
        group = (
            f"SELECT {key} AS k, max({number}) AS m, count(*) AS n FROM {tables}{self.where(columns)} GROUP BY {key}"
        )
        kinds = {"one.k": columns[key], "one.m": columns[number], "other.n": "count"}
        join = self.random.choice(["JOIN", "LEFT JOIN", "FULL JOIN"])
        materialized = self.random.choice(["", "MATERIALIZED ", "NOT MATERIALIZED "])
        on = self.random.choice(["USING (k)", "ON one.k = other.k AND one.n <= other.n"])
        return RandomQuery(
            f"WITH grouped AS {materialized}({group}) "
            "SELECT one.k AS a, other.k AS b, one.m, other.n FROM grouped AS one "
            f"{join} grouped AS other {on}{self.where(kinds)}"
        )

    def counts(self) -> RandomQuery:
        """The number of rows."""
        view = self.random.choice(VIEW_NAMES)
        columns = {name: kind_of(view, name) for name in self.samples.columns(view) if name not in SLOW}
        column = self.random.choice(["*", *columns, f"DISTINCT {self.random.choice(list(columns))}"])
        return RandomQuery(f"SELECT count({column}) AS n FROM {view}{self.where(columns, view)}")

    # Relations

    def relation(self, alias: str) -> tuple[str, Columns]:
        """What stands after FROM, and its columns."""
        view = self.random.choices(VIEW_NAMES, [4, 2, 4, 3, 3, 1])[0]
        names = self.names(view)
        choice = self.random.random()
        if choice < 0.6:
            return f"{view} AS {alias}", {f"{alias}.{name}": kind_of(view, name) for name in names}
        if choice < 0.85:
            columns = {name: kind_of(view, name) for name in names}
            inner = f"SELECT {', '.join(columns)} FROM {view}{self.where(columns, view)}"
            return f"({inner}) AS {alias}", {f"{alias}.{name}": kind for name, kind in columns.items()}
        return self.join()

    def names(self, view: str) -> list[str]:
        """Some columns of the view, and those by which it is joined."""
        columns = [name for name in self.samples.columns(view) if name not in SLOW or self.random.random() < 0.05]
        chosen = self.random.sample(columns, min(len(columns), self.random.randint(2, 6)))
        return list(dict.fromkeys([*(name for name in KEYS if name in VIEWS[view].columns), *chosen]))

    def join(self) -> tuple[str, Columns]:
        """Two or three views that are joined by company, and period end where they have it."""
        tables, columns = "", {}
        merged: set[str] = set()
        for place in range(self.random.choice([2, 2, 3])):
            view = self.random.choice(OF_SOURCES if place == 0 else VIEW_NAMES)
            alias, names = "xyz"[place], self.names(view)
            keys = [key for key in KEYS if key in VIEWS[view].columns]
            if place == 0:
                tables = f"{view} AS {alias}"
                columns = {f"{alias}.{name}": kind_of(view, name) for name in names}
                merged = set(keys)
                continue
            keys = [key for key in keys if key in merged]
            kind = self.random.choice(
                ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"]
            )
            if kind in ("SEMI JOIN", "ANTI JOIN"):
                tables += f" {kind} {self.filtered(view, alias)} USING ({', '.join(keys)})"
                continue
            tables += f" {kind} {self.filtered(view, alias)} USING ({', '.join(keys)})"
            columns |= {f"{alias}.{name}": kind_of(view, name) for name in names if name not in keys}
            columns = {name: kind_ for name, kind_ in columns.items() if name.partition(".")[2] not in keys}
            columns |= {key: kind_of(view, key) for key in keys}
        return tables, columns

    def filtered(self, view: str, alias: str) -> str:
        """The view, or some of its rows."""
        if self.random.random() < 0.6:
            return f"{view} AS {alias}"
        columns = {name: kind_of(view, name) for name in self.samples.columns(view) if name not in SLOW}
        return f"(SELECT {', '.join(columns)} FROM {view}{self.where(columns, view, 1)}) AS {alias}"

    # Parts

    def outputs(self, columns: Columns, count: int) -> dict[str, str]:
        """Names of the answer, some of them those of other columns, and what they are."""
        chosen = self.random.sample(list(columns), min(count, len(columns)))
        taken = ["currency", "revenue", "company_id", "value", "period_end", "item"]
        names = [f"c{place}" for place in range(len(chosen))]
        if self.random.random() < 0.3:
            names = self.random.sample(taken, len(chosen)) if len(chosen) <= len(taken) else names
        return {name: self.expression(column, columns) for name, column in zip(names, chosen, strict=True)}

    def expression(self, column: str, columns: Columns) -> str:
        """The column, or something that is computed from it."""
        if self.random.random() < 0.7:
            return column
        kind, value = columns[column], self.value(column, columns[column])
        return self.random.choice(
            {
                "number": [f"-{column}", f"{column} / 2", f"coalesce({column}, 0)", f"CAST({column} AS VARCHAR)"],
                "count": [f"{column} // 4", f"{column} % 5"],
                "text": [f"lower({column})", f"length({column})", f"{column} || '_'", f"coalesce({column}, 'none')"],
                "date": [f"year({column})", f"CAST({column} AS VARCHAR)", f"last_day({column})"],
            }[kind]
            + [f"CASE WHEN {column} >= {value} THEN {column} END"]
        )

    def aggregate(self, columns: Columns, name: str) -> tuple[str, str, bool]:
        """Name, SQL, and whether it is a sum of floats."""
        column = self.random.choice(list(columns))
        kinds = ["count(*)", f"count({column})", f"min({column})", f"max({column})", f"count(DISTINCT {column})"]
        if columns[column] == "number":
            kinds += [f"sum({column})", f"avg({column})", f"median({column})"]
        if columns[column] == "text":
            kinds += [f"string_agg(DISTINCT {column}, '|' ORDER BY {column})"]
        chosen = self.random.choice(kinds)
        if self.random.random() < 0.2:
            chosen = f"{chosen} FILTER (WHERE {self.condition(columns, None, 0)})"
        return name, chosen, chosen.startswith(("sum", "avg"))

    def total_order(self, outputs: Mapping[str, str]) -> str:
        """ORDER BY all columns of the answer."""
        directions = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]
        places = self.random.sample(range(1, len(outputs) + 1), len(outputs))
        return f"ORDER BY {', '.join(f'{place}{self.random.choice(directions)}' for place in places)}"

    def limit(self, probability: float = 0.5) -> str:
        """A LIMIT, with OFFSET for some."""
        if self.random.random() >= probability:
            return ""
        offset = f" OFFSET {self.random.randint(0, 20)}" if self.random.random() < 0.25 else ""
        return f" LIMIT {self.random.choice([1, 2, 5, 10, 40, 700])}{offset}"


def _each_named(outputs: Mapping[str, str]) -> list[str]:
    return [f"{sql} AS {name}" for name, sql in outputs.items()]


def _named(outputs: Mapping[str, str]) -> str:
    return ", ".join(_each_named(outputs))
