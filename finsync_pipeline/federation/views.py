"""The standard views over tables that are there: facts and texts, by source or of a release.

A view of a statement puts the facts of one source side by side: one row for each company, period, length and
currency of which the source has an item of the statement.
"""

from finsync_pipeline.federation.schema import VIEWS
from finsync_pipeline.statements.items import ITEMS


def statement_sql(view: str, facts: str) -> str:
    """SQL of a view of a statement over a table FACTS of this name."""
    columns = ", ".join(
        f"max(value) FILTER (item = '{name}') AS {name}" if name in ITEMS else name for name in VIEWS[view].columns
    )
    items = ", ".join(f"'{item}'" for item in VIEWS[view].items)
    return f"SELECT {columns} FROM {facts} WHERE item IN ({items}) GROUP BY {', '.join(VIEWS[view].keys)}"


def wide_rows_sql(view: str, source: str, items: set[str], is_certain: bool) -> str:
    """SQL of a view of a statement over the rows of one source, in which no fact has two rows.

    Of the view's items the rows have these; `is_certain` says that each row has an item of the statement, if it is none
    of these.
    """
    length = "0" if ITEMS[VIEWS[view].items[0]].kind == "instant" else "months"
    keys = f"source, company_id, period_end, {length} AS months, currency"
    own = [item for item in VIEWS[view].items if item in items]
    columns = ", ".join(item if item in items else f"NULL::DOUBLE AS {item}" for item in VIEWS[view].items)
    condition = "" if is_certain else f"WHERE coalesce({', '.join(own)}) IS NOT NULL"
    return f"SELECT {keys}, {columns} FROM rows_of_{source} {condition}" if own or is_certain else ""
