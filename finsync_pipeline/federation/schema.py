"""The global schema: the standard views that a query may read, with the keys and types of each.

`facts`, `texts`, `companies` and `financials` are the tables of these names. A view of a statement (`income_statement`,
`balance_sheet`, `cash_flow`) has a row for what one source gives of one company, period, length and currency, and a
column for each item of the statement: the facts of the source side by side. `financials` has what FinSync publishes:
one row over all sources, by the rules of agreement.
"""

from dataclasses import dataclass

import pyarrow as pa

from finsync_pipeline.statements.items import ITEMS, Statement
from finsync_pipeline.statements.tables import COMPANIES, FACTS, FINANCIALS, TEXTS, Field

STATEMENTS: dict[str, Statement] = {
    "income_statement": "income",
    "balance_sheet": "balance",
    "cash_flow": "cash_flow",
}
"""The views of statements, and the statement of their items."""


@dataclass(frozen=True)
class View:
    """A standard view: its columns in order, those that identify a row, and what a row is."""

    name: str
    fields: tuple[Field, ...]
    keys: tuple[str, ...]
    description: str

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema: columns in order, with their types."""
        return pa.schema([(field.name, field.type) for field in self.fields])

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [field.name for field in self.fields]

    @property
    def items(self) -> list[str]:
        """The standard items that the view has a column of."""
        return [field.name for field in self.fields if field.name in ITEMS]


def _statement_view(name: str, statement: Statement) -> View:
    keys = ("source", "company_id", "period_end", "months", "currency")
    described = {field.name: field for field in FACTS.fields}
    items = (item for item in ITEMS.values() if item.statement == statement)
    fields = [Field(item.name, pa.float64(), item.description, nullable=True) for item in items]
    title = name.replace("_", " ")
    description = f"What one source gives of the {title} of a company, period, length and currency"
    return View(name, (*(described[key] for key in keys), *fields), keys, description)


_TEXT = ("company_id", "item", "period_end", "source", "row_key")
_CELL = ("company_id", "item", "period_end", "months", "currency", "source")
VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        *(_statement_view(name, statement) for name, statement in STATEMENTS.items()),
        View(
            "financials",
            FINANCIALS.fields,
            ("company_id", "period_end", "months", "currency"),
            "What FinSync publishes of a company, period, length and currency, over all sources",
        ),
        View("facts", FACTS.fields, _CELL, "One number of one source"),
        View(
            "texts", TEXTS.fields, ("company_id", "item", "period_end", "source", "row_key"), "One text of one source"
        ),
        View("companies", COMPANIES.fields, ("company_id",), "One company of the reference list"),
    )
}
