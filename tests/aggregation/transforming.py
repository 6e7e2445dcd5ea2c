"""What the transforms make of facts and texts."""

from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
from factories import companies_frame

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, means_in
from finsync_pipeline.aggregation.summary import company_summary, in_basis, text_disagreements
from finsync_pipeline.quality.agreement import agreement
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, SUMMARY, TEXTS

END_2008, END_2009, JUNE_2009 = date(2008, 12, 31), date(2009, 12, 31), date(2009, 6, 30)
COMPANIES = companies_frame(c1="One, Inc.", c2="Two")


def consolidated(facts: list[dict[str, Any]], engine: DuckDBEngine) -> nw.LazyFrame[Any]:
    """The table FINANCIALS as a lazy table; suspects and disputed cells are published, too."""
    rules = Rules.model_validate({"default": {"suspects": "flag"}})
    cells = agreement(engine.connection, engine.table(FACTS.frame(facts)).to_native(), rules)
    return engine.materialized(financials(nw.from_native(cells)).with_columns(facts_version=nw.lit("v1")))


def financials_of(facts: list[dict[str, Any]]) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        return FINANCIALS.validate(engine.collect(consolidated(facts, engine), FINANCIALS.arrow))


def summary_of(facts: list[dict[str, Any]], texts: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        wide, words = consolidated(facts, engine), engine.table(TEXTS.frame(texts or []))
        made = company_summary(wide, engine.materialized(means_in(wide)), words, engine.table(COMPANIES))
        return SUMMARY.validate(engine.collect(made, SUMMARY.arrow))


def basis_of(facts: list[dict[str, Any]]) -> list[tuple[str, date, int]]:
    with DuckDBEngine() as engine:
        rows = in_basis(means_in(consolidated(facts, engine))).to_native().to_arrow_table().to_pylist()
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
