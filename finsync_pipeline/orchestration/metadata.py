"""Metadata for the Dagster UI: a table's columns, its number of rows, a preview, and the decisions in it."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.identity.audit import rows_by_decision, share_accepted
from finsync_pipeline.orchestration.partitions import days_of
from finsync_pipeline.statements.dates import quarter_label, quarter_of
from finsync_pipeline.statements.tables import Field, Table

PREVIEW_ROWS = 8
QUEUE_SHOWN = 20


def column_schema(table: Table) -> dict[str, Any]:
    """Definition metadata: the table's columns with types, descriptions and constraints."""
    return {"dagster/column_schema": dg.TableSchema([_column(field) for field in table.fields])}


def table_outs(descriptions: Iterable[tuple[Table, str]], group: str, kind: str) -> dict[str, dg.AssetOut]:
    """The outputs of a step that makes these tables, each with its description, by the names of the tables."""
    return {
        table.name: dg.AssetOut(group_name=group, kinds={kind}, description=description, metadata=column_schema(table))
        for table, description in descriptions
    }


def described(frame: pd.DataFrame) -> dict[str, Any]:
    """Metadata of a materialization: number of rows, and the first of them."""
    preview = frame.head(PREVIEW_ROWS)
    return {"dagster/row_count": len(frame), "preview": _preview(preview)}


def described_by_quarter(
    context: dg.AssetExecutionContext,
    frame: pd.DataFrame,
    column: str,
    asset_key: dg.AssetKey,
    partition_keys: Sequence[str],
) -> None:
    """Add the metadata of each quarter's rows to its materialization. `column` is the date that places a row."""
    quarters = frame[column].map(quarter_of)
    for key, day in zip(partition_keys, days_of(partition_keys), strict=True):
        rows = frame[quarters == day] if len(frame) else frame
        context.add_asset_metadata(
            {"dagster/partition_row_count": len(rows), "preview": _preview(rows.head(PREVIEW_ROWS))},
            asset_key=asset_key,
            partition_key=key,
        )


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> dg.MetadataValue[Any]:
    """The rows as a table in the UI; None is an empty cell, and long texts are cut."""
    columns = list(columns)
    lines = [_line(columns), _line(["---"] * len(columns))]
    lines += [_line("" if pd.isna(cell) else cell for cell in row) for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def counted_by_quarter(context: dg.AssetExecutionContext, decisions: pd.DataFrame) -> None:
    """Add to each quarter of company_ids the rows of each method and status, and the share that is accepted."""
    counts = rows_by_decision(decisions)
    keys = context.partition_keys
    for key, day in zip(keys, days_of(keys), strict=True):
        if day in counts:
            metadata: dict[str, Any] = {f"rows_{decision}": rows for decision, rows in counts[day].items()}
            metadata["share_accepted"] = share_accepted(counts[day])
            context.add_asset_metadata(metadata, asset_key=context.asset_key, partition_key=key)


def methods_by_quarter(decisions: pd.DataFrame) -> dg.MetadataValue[Any]:
    """A table with a line for each quarter, the newest first: rows of each method and status, the share accepted."""
    counts = rows_by_decision(decisions)
    if not counts:
        return dg.MetadataValue.text("no rows")
    columns = list(next(iter(counts.values())))
    lines = [
        (quarter_label(quarter), *(f"{row[column]:,}" for column in columns), f"{share_accepted(row):.2%}")
        for quarter, row in sorted(counts.items(), reverse=True)
    ]
    return markdown_table(("quarter", *columns, "accepted"), lines)


def queue_shown(queue: pd.DataFrame) -> dg.MetadataValue[Any]:
    """The first lines of the review queue as a table."""
    columns = (
        "source",
        "source_name",
        "supporting_columns",
        "row_count",
        "first_period",
        "last_period",
        "status",
        "candidates",
    )
    rows: Sequence[Any] = list(queue[list(columns)].head(QUEUE_SHOWN).itertuples(index=False))
    return markdown_table(columns, rows) if rows else dg.MetadataValue.text("nothing to decide")


def _column(field: Field) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=field.nullable, other=_constraints(field))
    return dg.TableColumn(field.name, str(field.type), description=field.description, constraints=constraints)


def _constraints(field: Field) -> list[str]:
    texts = []
    if field.allowed is not None and len(field.allowed) <= PREVIEW_ROWS:
        texts.append("one of " + ", ".join(map(str, field.allowed)))
    if field.bound is not None:
        texts.append(f"below {field.bound:g}")
    if field.pattern is not None:
        texts.append(field.pattern)
    return texts


def _preview(rows: pd.DataFrame) -> dg.MetadataValue[Any]:
    if rows.empty:
        return dg.MetadataValue.text("no rows")
    return markdown_table(rows.columns, rows.itertuples(index=False))


def _line(cells: Any) -> str:
    return "| " + " | ".join(_shortened(str(cell)) for cell in cells) + " |"


def _shortened(text: str, width: int = 60) -> str:
    text = text.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= width else text[: width - 1] + "…"
