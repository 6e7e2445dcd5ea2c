"""Facts and texts made of a few words, and what the transforms make of them."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.aggregation.summary import company_summary, in_basis, text_disagreements
from finsync_pipeline.statements.tables import FACTS, FINANCIALS, SUMMARY, TEXTS

END_2008, END_2009, JUNE_2009 = date(2008, 12, 31), date(2009, 12, 31), date(2009, 6, 30)
COMPANIES = [("c1", "One, Inc."), ("c2", "Two")]


def fact(value: float, item: str = "revenue", **told: Any) -> dict[str, Any]:
    """A fact of c1 for the year 2009 in USD from pnl, unless told otherwise; an instant has 0 months."""
    return {
        "company_id": "c1",
        "item": item,
        "period_end": END_2009,
        "months": 12,
        "currency": "USD",
        "value": value,
        "source": "pnl",
        "row_key": "1",
        "data_version": "v1",
        **told,
    }


def text(words: str, item: str = "sector", **told: Any) -> dict[str, Any]:
    without = {key: cell for key, cell in fact(0, item).items() if key not in ("value", "currency")}
    return {**without, "text": words, **told}


def companies_frame() -> pd.DataFrame:
    schema = pa.schema([("company_id", pa.string()), ("name", pa.string())])
    return frames.frame_of([{"company_id": key, "name": name} for key, name in COMPANIES], schema)


def financials_of(facts: list[dict[str, Any]]) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        wide = financials(source_means(engine.table(FACTS.frame(facts))))
        return FINANCIALS.validate(engine.collect(wide, FINANCIALS.arrow))


def summary_of(facts: list[dict[str, Any]], texts: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    with DuckDBEngine() as engine:
        means = engine.held(source_means(engine.table(FACTS.frame(facts))))
        words = engine.table(TEXTS.frame(texts or []))
        made = company_summary(means, words, engine.table(companies_frame()))
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
