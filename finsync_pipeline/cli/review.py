"""What a person decides next, on a terminal: the review queue, and how to decide an entry of it."""

from collections.abc import Sequence

import pandas as pd

from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console, table, write_text
from finsync_pipeline.identity import Decider, Review
from finsync_pipeline.identity.audit import open_questions
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.publishing.staleness import read_decisions, stored_quarters
from finsync_pipeline.settings import identity_review_file, reference_path, review_path, tables_folder
from finsync_pipeline.statements.tables import IDENTITY_REVIEW

SHOWN = 20
COLUMNS = ("source", "source_name", "supporting_columns", "row_count", "last_period", "status", "candidates")


def review(as_csv: bool) -> int:
    """Print the queue by the stored decisions; as CSV, all of it in the columns of the review file."""
    sources = [mapping.name for mapping in declared_sources()]
    decider = Decider.read(reference_path(), review_path(), sources)
    decisions = last_decisions(sources)
    questions = IDENTITY_REVIEW.conform(open_questions(decisions, decider.reference.companies))
    if as_csv:
        write_text(questions.to_csv(index=False, lineterminator="\n"))
        return 0
    _show_questions(questions)
    for line in unused_lines(decider.review, decisions):
        console.print(line, soft_wrap=True)
    return 0


def _show_questions(questions: pd.DataFrame) -> None:
    if questions.empty:
        console.print("Nothing to decide: no row is rejected for its company.")
        return
    shown = table("Source names whose company a person has to decide", *COLUMNS)
    for row in questions[list(COLUMNS)].head(SHOWN).itertuples(index=False):
        shown.add_row(*("" if pd.isna(cell) else str(cell) for cell in row))
    console.print(shown)
    console.print(
        f"{len(questions):,} source names, {questions['row_count'].sum():,} rows; "
        f"all of them: finsync review --csv, or {identity_review_file()}",
        soft_wrap=True,
    )
    file = review_path() or "review.csv in the folder of your companies (or FINSYNC_REVIEW)"
    console.print(
        f"To decide one, fill in company_id (or reject), who and when in its line, and copy it to {file}; then: "
        "finsync re-resolve",
        soft_wrap=True,
    )


def last_decisions(sources: Sequence[str]) -> pd.DataFrame:
    """The stored decisions of the sources, as a table COMPANY_IDS."""
    quarters = all_quarters()
    return read_decisions(each for source in sources for each in stored_quarters(tables_folder(), source, quarters))


def unused_lines(review: Review, decisions: pd.DataFrame) -> list[str]:
    """A sentence for each line of the review that decides none of the rows, such as a misspelt one.

    Lines on a source without rows are left out.
    """
    processed = {*decisions["source"].unique()}
    return [
        f"Not used: the review's line on {line.source_name!r} of {line.source or 'every source'} "
        f"({line.who}, {line.when}): correct its source name, source, supporting columns or dates "
        "to those of finsync review --csv, or remove it"
        for line in (review.unused(decisions) if processed else [])
        if line.source is None or line.source in processed
    ]
