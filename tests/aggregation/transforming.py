"""What the transforms make of facts and texts."""

from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
from factories import companies_frame

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.aggregation.summary import company_summary, in_basis, text_disagreements
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, SUMMARY, TEXTS

END_2008, END_2009, JUNE_2009 = date(2008, 12, 31), date(2009, 12, 31), date(2009, 6, 30)
COMPANIES = companies_frame(c1="One, Inc.", c2="Two")


def financials_of(facts: list[dict[str, Any]]) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        wide = financials(source_means(engine.table(FACTS.frame(facts)))).with_columns(facts_version=nw.lit("v1"))
        return FINANCIALS.validate(engine.collect(wide, FINANCIALS.arrow))


def summary_of(facts: list[dict[str, Any]], texts: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        means = engine.materialized(source_means(engine.table(FACTS.frame(facts))))
        words = engine.table(TEXTS.frame(texts or []))
        made = company_summary(means, words, engine.table(COMPANIES))
        return SUMMARY.validate(engine.collect(made, SUMMARY.arrow))


def basis_of(facts: list[dict[str, Any]]) -> list[tuple[str, date, int]]:
    with DuckDBEngine() as engine:
        rows = in_basis(source_means(engine.table(FACTS.frame(facts)))).to_native().to_arrow_table().to_pylist()
    return sorted((row["item"], row["period_end"], row["months"]) for row in rows)


def disagreements_of(texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with DuckDBEngine() as engine:
        found = text_disagreements(engine.table(TEXTS.frame(texts)))
        return list(found.to_native().to_arrow_table().to_pylist())


def only_row(frame: pd.DataFrame) -> dict[str, Any]:
    """The one row of the frame, nulls as None."""
    rows = frames.to_arrow(frame).to_pylist()
    assert len(rows) == 1
    return dict(rows[0])


def scan_of(files: list[Path]) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        return engine.collect(engine.scan(files, FACTS.arrow), FACTS.arrow)
