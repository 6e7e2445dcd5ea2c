"""What a person decides next, on a terminal: the source names whose rows are refused, and lines for the review file."""

import csv
import sys

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from finsync_pipeline.cli.review_lines import last_decisions, unused_lines
from finsync_pipeline.cli.show import console
from finsync_pipeline.cli.sources import DeclarationMistake, declared_sources
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity import Decider
from finsync_pipeline.identity.audit import open_questions
from finsync_pipeline.settings import identity_review_file, reference_path, review_path
from finsync_pipeline.statements.tables import IDENTITY_REVIEW

SHOWN = 20
COLUMNS = ("source", "source_name", "supporting_columns", "row_count", "last_period", "status", "candidates")


def show(as_csv: bool) -> int:
    """Print what is to be decided, as it was last decided; as CSV, all of it in the columns of the review file."""
    try:
        sources = [mapping.name for mapping in declared_sources()]
        decider = Decider.read(reference_path(), review_path(), sources)
    except (DeclarationMistake, ConfigurationError) as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2
    decisions = last_decisions(sources)
    questions = IDENTITY_REVIEW.conform(open_questions(decisions, decider.reference.companies))
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(questions.columns)
        writer.writerows(["" if pd.isna(cell) else cell for cell in row] for row in questions.itertuples(index=False))
        return 0
    _show_questions(questions)
    for line in unused_lines(decider.review, decisions):
        console.print(line, soft_wrap=True)
    return 0


def _show_questions(questions: pd.DataFrame) -> None:
    if questions.empty:
        console.print("Nothing to decide: no row is refused for its company.")
        return
    table = Table(*COLUMNS, title="Spellings of companies to decide on", box=SIMPLE_HEAD)
    for row in questions[list(COLUMNS)].head(SHOWN).itertuples(index=False):
        table.add_row(*("" if pd.isna(cell) else str(cell) for cell in row))
    console.print(table)
    told = f"{len(questions):,} source names, {questions['row_count'].sum():,} rows"
    console.print(f"{told}; all of them: finsync review --csv, or {identity_review_file()}", soft_wrap=True)
    where = review_path() or "review.csv beside your list of companies (or FINSYNC_REVIEW)"
    console.print(
        f"To decide one, fill in company_id (or reject), who and when in its line, and copy it to {where}; then: "
        "finsync decide",
        soft_wrap=True,
    )
