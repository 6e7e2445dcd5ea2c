"""What rows must look like before their cells are read: columns that must be there, a key and a company in each row.

Without a mapped column nothing of the source can be used (`SourceInvalid`); a row that breaks a check is rejected with
the reason `schema:<check>`.
"""

from collections.abc import Callable
from difflib import get_close_matches

import pandas as pd
import pandera.pandas as pandera
from pandera.errors import SchemaErrors

from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import raw_table


def check_columns(mapping: SourceMapping, delivered: list[str]) -> list[str]:
    """The delivered columns that the mapping does not name. Raises SourceInvalid if a named one is missing."""
    for column in mapping.columns:
        if column not in delivered:
            near = get_close_matches(column, delivered, n=3, cutoff=0.5)
            guess = f"; it may now be called {' or '.join(map(repr, near))}" if near else ""
            raise SourceInvalid(
                f"column {column!r} of table {mapping.table!r} is not delivered{guess}",
                f"Correct the mapping in defs/sources/{mapping.name}/defs.yaml, or have the source give the column "
                f"again; it delivers {', '.join(map(repr, delivered))}",
                where=mapping.name,
            )
    return [column for column in delivered if column not in mapping.columns]


def row_schema(mapping: SourceMapping) -> pandera.DataFrameSchema:
    """Pandera schema of a quarter's raw rows: every cell text, each row with its own key and a company."""
    columns = raw_table(mapping).pandera.columns
    columns[mapping.row_key].checks = [pandera.Check(_is_present, name="row_key_present", ignore_na=False)]
    company = columns[mapping.company.column]
    company.checks = [*company.checks, pandera.Check(_is_present, name="company_present", ignore_na=False)]
    unique = pandera.Check(_has_key_of_its_own(mapping.row_key), name="row_key_unique")
    return pandera.DataFrameSchema(columns, checks=[unique], name=f"{mapping.name}/raw", strict=True)


def failing(schema: pandera.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the frame that break a check: index of the frame -> `reason` (`schema:<check>`), the first
    check first.

    Raises pandera's SchemaErrors if the frame lacks columns of the schema or has other types.
    """
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        checks = [check.name for part in (schema, *schema.columns.values()) for check in part.checks]
        if not cases["check"].isin(checks).all():
            raise
        # In the order of the checks: pandera's own changes with the number of cases.
        ranked = cases.assign(rank=cases["check"].map(checks.index)).sort_values(["index", "rank"])
        first = ranked.drop_duplicates("index").set_index("index")["check"]
        return pd.DataFrame({"reason": "schema:" + first})
    return pd.DataFrame({"reason": []})


def _is_present(values: "pd.Series[str]") -> "pd.Series[bool]":
    return values.notna() & (values.str.strip() != "")


def _has_key_of_its_own(row_key: str) -> Callable[[pd.DataFrame], "pd.Series[bool]"]:
    """Within a quarter: a range of quarters must come out as each of them alone."""

    def check(rows: pd.DataFrame) -> "pd.Series[bool]":
        quarter = rows["finsync_period_end"].map(quarter_of)
        repeated = pd.DataFrame({"key": rows[row_key], "quarter": quarter}).duplicated(keep=False)
        return ~repeated | ~_is_present(rows[row_key])

    return check
