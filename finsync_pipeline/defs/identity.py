"""Company ids over all sources: what was corrected and how, and the queue for manual review."""

from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.identity import Review
from finsync_pipeline.identity.audit import open_questions
from finsync_pipeline.identity.results import Status
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.metadata import (
    column_schema,
    described,
    markdown_table,
    methods_by_quarter,
    queue_shown,
)
from finsync_pipeline.orchestration.partitions import ONE_RUN
from finsync_pipeline.publishing.build import corrections, decisions_in
from finsync_pipeline.publishing.csv_files import write_csv
from finsync_pipeline.settings import identity_review_file
from finsync_pipeline.statements.tables import COMPANY_IDS, IDENTITY_REVIEW, REVIEW_LINES
from finsync_pipeline.storage.parquet import ParquetFiles


@dg.definitions
def identity(context: dg.ComponentLoadContext) -> dg.Definitions:
    """company_id_corrections and identity_review over every source that there is."""
    sources = [mapping.name for mapping in StatementSource.all_in(context.component_tree)]
    ins = {source: dg.AssetIn([source, "company_ids"], dagster_type=ParquetFiles) for source in sources}

    @dg.asset(
        group_name="release",
        kinds={"parquet"},
        description="Each source name that is not exactly a company id: its decision, method and expected precision.",
        metadata=column_schema(COMPANY_IDS),
        backfill_policy=ONE_RUN,
        ins=ins,
    )
    def company_id_corrections(**company_ids: ParquetFiles) -> dg.Output[pd.DataFrame]:
        with failures_explained():
            decisions = decisions_in(_files(company_ids))
        frame = corrections(decisions)
        decision = frame["status"] + ": " + frame["method"].fillna("none")
        by_decision = {str(name): int(rows) for name, rows in frame.groupby(decision)["row_count"].sum().items()}
        metadata: dict[str, Any] = {
            "rows_by_decision": by_decision,
            "methods_by_quarter": methods_by_quarter(decisions),
        }
        return dg.Output(frame, metadata={**described(frame), **metadata})

    @dg.asset(
        group_name="release",
        kinds={"csv"},
        description="The manual review queue: source names whose rows are rejected, those with the most rows first. "
        "A line with company_id, who and when filled in can be copied to the review file.",
        metadata=column_schema(IDENTITY_REVIEW),
        backfill_policy=ONE_RUN,
        ins=ins,
    )
    def identity_review(
        companies: pd.DataFrame, review_lines: pd.DataFrame, **company_ids: ParquetFiles
    ) -> dg.Output[pd.DataFrame]:
        with failures_explained():
            decisions = decisions_in(_files(company_ids))
            review = Review.of(REVIEW_LINES.checked(review_lines))
        queue = IDENTITY_REVIEW.conform(open_questions(decisions, companies))
        with failures_explained():
            write_csv(queue, identity_review_file())
        unused = review.unused(decisions)
        columns = ("source", "source_name", "company_id", "who", "when")
        lines = [[getattr(line, column) for column in columns] for line in unused]
        metadata: dict[str, Any] = {
            "dagster/row_count": len(queue),
            "rows_rejected": int(queue.loc[queue["status"] != Status.ACCEPTED, "row_count"].sum()),
            "queue": queue_shown(queue),
            "unused_review_lines": len(unused),
            "csv": dg.MetadataValue.path(str(identity_review_file())),
        }
        if unused:
            metadata["unused"] = markdown_table(columns, lines)
        return dg.Output(queue, metadata=metadata)

    return dg.Definitions(assets=[company_id_corrections, identity_review])


def _files(company_ids: dict[str, ParquetFiles]) -> list[Any]:
    return [file for table in company_ids.values() for file in table.files]
