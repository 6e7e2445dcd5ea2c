"""The table DERIVED: single quarters, trailing twelve months and formulas, each with its operands; computed when asked.

A period is derived by the first of its rules whose operands are all there, from amounts of one company, item and
currency. What is published is never derived, and what is derived is never published. Only amounts of money that grow
with the period have such rules: earnings per share, and cash on a day, have none. The formulas are declared in
`statements.derived`; a formula over periods is derived for other lengths like any item. Every sum is exact.
"""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.aggregation.financials import KEYS, UNDISPUTED
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.derived import FORMULAS, Formula, decimal_sql, is_additive
from finsync_pipeline.statements.items import NUMERIC_ITEMS
from finsync_pipeline.statements.tables import DERIVED

LENGTHS = (3, 6, 9, 12)
KINDS = ("quarter", "trailing_year", "formula")
"""The kinds of derived values; trailing years are made of quarters, also where those are not asked for."""


@dataclass(frozen=True)
class Part:
    """An operand of a rule: its sign, its length, and how many months before the derived period it ends."""

    sign: int
    months: int
    before: int

    @property
    def value(self) -> str:
        """Its value in SQL: a column of what ends that many months before."""
        return f"at_{self.before}.value_{self.months}"

    @property
    def is_disputed(self) -> str:
        """Whether it is disputed, in SQL."""
        return f"at_{self.before}.is_disputed_{self.months}"


Rule = tuple[Part, ...]
QUARTER_RULES: tuple[Rule, ...] = (
    (Part(1, 6, 0), Part(-1, 3, 3)),
    (Part(1, 9, 0), Part(-1, 6, 3)),
    (Part(1, 12, 0), Part(-1, 9, 3)),
    (Part(1, 12, 0), Part(-1, 3, 3), Part(-1, 3, 6), Part(-1, 3, 9)),
)
"""A single quarter: the year to date less the one before it in the same year, or the year less its other quarters."""
TRAILING_RULES: tuple[Rule, ...] = (
    *((Part(1, 12, months), Part(1, months, 0), Part(-1, months, 12)) for months in (3, 6, 9)),
    tuple(Part(1, 3, before) for before in (0, 3, 6, 9)),
)
"""Twelve months: the year before, plus this year to date, less the same months of that year; or four quarters."""


def derived_table(
    financials: pa.Table,
    agreement: pa.Table | None = None,
    items: Collection[str] | None = None,
    kinds: Collection[str] = KINDS,
) -> pa.Table:
    """The table DERIVED of the wide table FINANCIALS of one or more companies, sorted. Otherwise as `derived_sql`."""
    with frames.empty_database() as connection:
        connection.register("financials", financials)
        if agreement is not None:
            connection.register("agreement", agreement)
        sql = derived_sql("financials", None if agreement is None else "agreement", items, kinds)
        keys = "company_id, item, period_end, months, currency, kind"
        return connection.sql(f"FROM ({sql}) ORDER BY {keys}").to_arrow_table().cast(DERIVED.arrow)


def derived_sql(
    financials: str,
    agreement: str | None = None,
    items: Collection[str] | None = None,
    kinds: Collection[str] = KINDS,
) -> str:
    """A SELECT in DuckDB with the columns of the table DERIVED, in no order.

    `financials` is the name of a wide table FINANCIALS, or a SELECT in parentheses. `agreement` is one of a table
    AGREEMENT, which knows the cells that are disputed or withheld; FINANCIALS knows only how many there are in a row,
    so that without AGREEMENT `is_disputed` is empty where a row of an operand has one. `items` are the standard and
    derived items to compute, otherwise all; the fewer, the faster. `kinds` are those of the values, by default all.
    """
    wanted = _known(items) if items is not None else {*NUMERIC_ITEMS, *FORMULAS}
    formulas = [formula for name, formula in FORMULAS.items() if name in wanted]
    additive = [name for name in NUMERIC_ITEMS if name in wanted and is_additive(name)]
    columns = dict.fromkeys((*additive, *(item for formula in formulas for item in formula.items)))
    return f"""
        WITH given AS MATERIALIZED ({_given_sql(financials, agreement, list(columns))}),
        formulas AS MATERIALIZED ({_formulas_sql(formulas)}),
        cells AS MATERIALIZED ({_cells_sql(additive, formulas)}),
        -- The day is 0 at the end of a month: the end of February is three months after the end of November
        ends AS MATERIALIZED (
            SELECT
                company_id, currency, item, period_end, {", ".join(map(_columns_of_length, LENGTHS))},
                12 * year(period_end) + month(period_end) AS month,
                CASE WHEN period_end < last_day(period_end) THEN day(period_end) ELSE 0 END AS day
            FROM cells
            GROUP BY company_id, currency, item, period_end
        ),
        quarters AS MATERIALIZED (
            SELECT *, {_total_sql("derived.parts")} AS value
            FROM ({_derived_sql("ends", "value_3", QUARTER_RULES)})
        ),
        ends_with_quarters AS MATERIALIZED (
            SELECT * EXCLUDE (derived, value) REPLACE (
                coalesce(value_3, value) AS value_3,
                CASE WHEN value IS NULL THEN is_disputed_3 ELSE derived.is_disputed END AS is_disputed_3
            )
            FROM quarters
        ),
        years AS MATERIALIZED (
            SELECT *, {_total_sql("derived.parts")} AS value
            FROM ({_derived_sql("ends_with_quarters", "value_12", TRAILING_RULES)})
        )
        {" UNION ALL ".join(_SELECTED[kind] for kind in KINDS if kind in kinds)}
    """


def _known(items: Collection[str]) -> set[str]:
    unknown = sorted(set(items) - {*NUMERIC_ITEMS, *FORMULAS})
    if unknown:
        fix = "Use numeric items of statements/items.csv, or items of statements/derived.csv"
        raise ConfigurationError(f"{', '.join(unknown)} is not an item with numbers", fix, "derived values")
    return set(items)


def _given_sql(financials: str, agreement: str | None, columns: list[str]) -> str:
    """The rows of FINANCIALS, with the list of items that are disputed or withheld; NULL if it is not known."""
    names = ", ".join([*KEYS, *map(frames.quoted, columns)])
    if agreement is None:
        of_row = "CASE WHEN disputed + withheld = 0 THEN []::VARCHAR[] END"
        return f"SELECT {names}, {of_row} AS disputed_items FROM {financials}"
    keys, verdicts = ", ".join(KEYS), ", ".join(f"'{verdict}'" for verdict in UNDISPUTED)
    return f"""
        SELECT {names}, coalesce(disputed_items, []) AS disputed_items
        FROM {financials}
        LEFT JOIN (
            SELECT {keys}, list(item) AS disputed_items
            FROM {agreement}
            WHERE is_withheld OR verdict NOT IN ({verdicts})
            GROUP BY {keys}
        ) USING ({keys})
    """


def _formulas_sql(formulas: list[Formula]) -> str:
    """A row for each given row and formula of its kind, with item, parts, value, missing, is_disputed."""
    instants = ", ".join(_formula_sql(formula) for formula in formulas if formula.kind == "instant")
    durations = ", ".join(_formula_sql(formula) for formula in formulas if formula.kind == "duration")
    keys, kind = ", ".join(KEYS), "STRUCT(item VARCHAR, parts STRUCT(sign INT, item VARCHAR, value DOUBLE)[])[]"
    missing = "list_filter(formula.parts, lambda part: part.value IS NULL)"
    return f"""
        SELECT
            {keys}, formula.item, formula.parts, list_transform({missing}, lambda part: part.item) AS missing,
            CASE WHEN missing = [] THEN {_total_sql("formula.parts")} END AS value,
            list_has_any(disputed_items, list_transform(formula.parts, lambda part: part.item)) AS is_disputed
        FROM (
            SELECT {keys}, disputed_items, unnest(
                CASE WHEN months = 0 THEN [{instants}]::{kind} ELSE [{durations}]::{kind} END
            ) AS formula
            FROM given
        )
    """


def _formula_sql(formula: Formula) -> str:
    parts = ", ".join(f"({sign}, '{item}', {frames.quoted(item)})" for sign, item in formula.operands)
    return f"('{formula.name}', [{parts}])"


def _total_sql(parts: str) -> str:
    return f"list_sum(list_transform({parts}, lambda part: part.sign * {decimal_sql('part.value')}))::DOUBLE"


def _cells_sql(additive: list[str], formulas: list[Formula]) -> str:
    """The values that periods are derived from, one a row: of these items, and of the formulas that are additive."""
    derived = ", ".join(f"'{formula.name}'" for formula in formulas if formula.is_additive)
    keys = ", ".join(KEYS)
    of_formulas = f"""
        SELECT {keys}, item, value, is_disputed
        FROM formulas
        WHERE value IS NOT NULL AND list_contains([{derived}]::VARCHAR[], item)
    """
    if not additive:
        return of_formulas
    names = ", ".join(map(frames.quoted, additive))
    return f"""
        SELECT {keys}, item, value, list_contains(disputed_items, item) AS is_disputed
        FROM (
            UNPIVOT (SELECT {keys}, disputed_items, {names} FROM given WHERE months > 0)
            ON {names} INTO NAME item VALUE value
        )
        UNION ALL
        {of_formulas}
    """


def _columns_of_length(months: int) -> str:
    of_length = f"FILTER (months = {months})"
    return f"max(value) {of_length} AS value_{months}, bool_or(is_disputed) {of_length} AS is_disputed_{months}"


def _derived_sql(ends: str, published: str, rules: tuple[Rule, ...]) -> str:
    """Each of the ends with `derived`: the parts of the first rule of which all are there, if nothing is published."""
    cases = " ".join(map(_rule_sql, rules))
    kind = "STRUCT(is_disputed BOOLEAN, parts STRUCT(sign INT, months INT, before INT, value DOUBLE)[])"
    joins = " ".join(
        _join_sql(ends, before) for before in {part.before: None for rule in rules for part in rule} if before
    )
    return f"""
        SELECT at_0.*, CASE WHEN at_0.{published} IS NULL THEN CASE {cases} END END::{kind} AS derived
        FROM {ends} AS at_0 {joins}
    """


def _join_sql(ends: str, before: int) -> str:
    at = f"at_{before}"
    same = " AND ".join(f"{at}.{key} = at_0.{key}" for key in ("company_id", "currency", "item", "day"))
    return f"LEFT JOIN {ends} AS {at} ON {same} AND {at}.month = at_0.month - {before}"


def _rule_sql(rule: Rule) -> str:
    """The rule as a branch of CASE: if no value is missing, whether one is disputed, and the parts."""
    there = " AND ".join(f"{part.value} IS NOT NULL" for part in rule)
    is_disputed = " OR ".join(part.is_disputed for part in rule)
    parts = ", ".join(f"({part.sign}, {part.months}, {part.before}, {part.value})" for part in rule)
    return f"WHEN {there} THEN ({is_disputed}, [{parts}])"


def _periods_sql(kind: str, months: int, table: str) -> str:
    """The derived periods of the table as rows of DERIVED."""
    return f"""
        SELECT
            company_id, item, period_end, {months}::BIGINT AS months, currency, value, '{kind}' AS kind,
            list_transform(derived.parts, lambda part: {{
                'sign': part.sign::BIGINT, 'item': item, 'period_end': CASE
                    WHEN day = 0 THEN last_day(period_end - to_months(part.before))
                    ELSE (period_end - to_months(part.before))::DATE
                END, 'months': part.months::BIGINT, 'value': part.value
            }}) AS operands,
            []::VARCHAR[] AS missing, derived.is_disputed AS is_disputed
        FROM {table}
        WHERE value IS NOT NULL
    """


_SELECTED = {
    "quarter": _periods_sql("quarter", 3, "quarters"),
    "trailing_year": _periods_sql("trailing_year", 12, "years"),
    "formula": """
        SELECT
            company_id, item, period_end, months, currency, value, 'formula' AS kind,
            list_transform(list_filter(parts, lambda part: part.value IS NOT NULL), lambda part: {
                'sign': part.sign::BIGINT, 'item': part.item, 'period_end': period_end, 'months': months,
                'value': part.value
            }) AS operands,
            missing, is_disputed
        FROM formulas
    """,
}
"""The rows of DERIVED of each kind."""
