"""Consolidation: the facts of all sources and quarters as tables: how they agree, what accounts prove, the financials.

All quarters at once, since the neighbours in time of a value are evidence about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import pandas as pd
import pyarrow as pa

from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials
from finsync_pipeline.publishing.consistency import facts_versions
from finsync_pipeline.quality.accounting import accounting_tables
from finsync_pipeline.quality.agreement import KEYS, Vintage, agreement
from finsync_pipeline.quality.history import history, make_macros
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.tables import (
    ACCOUNTING_CHECKS,
    ACCOUNTING_GRADES,
    AGREEMENT,
    COMPANIES,
    FACTS,
    FINANCIALS,
    HISTORY,
    REVISIONS,
    VERSIONS,
)

CHECK_KEYS = ("company_id", "period_end", "months", "currency", "source", "identity", "equation")


@dataclass(frozen=True)
class Consolidated:
    """The tables AGREEMENT, ACCOUNTING_CHECKS, ACCOUNTING_GRADES, FINANCIALS, HISTORY and REVISIONS."""

    agreement: pd.DataFrame
    accounting_checks: pd.DataFrame
    accounting_grades: pd.DataFrame
    financials: pd.DataFrame
    history: pd.DataFrame
    revisions: pd.DataFrame


def consolidate(
    files: Sequence[Path],
    version_files: Sequence[Path],
    rules: Rules,
    vintages: Mapping[str, Vintage],
    companies: pd.DataFrame | None = None,
) -> Consolidated:
    """Compare the facts in the files (table FACTS, of all sources) by the rules; `vintages` has that of each source.

    `version_files` are those of the table VERSIONS, of all sources; `companies` is a table COMPANIES: some items
    do not apply to the industry of a company.
    """
    versions_known, revised, older_used = _history(version_files)
    with DuckDBEngine() as engine:
        facts = engine.scan(files, FACTS.arrow)
        versions = facts_versions(facts)
        relation = agreement(engine.connection, facts.to_native(), rules, vintages, older_used)
        cells = nw.from_native(relation)
        ordered = engine.collect(cells.sort(*KEYS), AGREEMENT.arrow)
        found, graded = (
            nw.from_native(table) for table in accounting_tables(engine.connection, _industries(companies))
        )
        failing = engine.collect(found.sort(*CHECK_KEYS), ACCOUNTING_CHECKS.arrow)
        grades = engine.collect(graded.sort("source", "item", "year"), ACCOUNTING_GRADES.arrow)
        wide = engine.collect(financials(cells).with_columns(facts_version=nw.lit("")), FINANCIALS.arrow)
    quarters = wide["period_end"].map(quarter_of)
    wide = FINANCIALS.conform(wide.assign(facts_version=quarters.map(versions)))
    return Consolidated(
        AGREEMENT.validate(ordered),
        ACCOUNTING_CHECKS.validate(failing),
        ACCOUNTING_GRADES.validate(grades),
        wide,
        versions_known,
        revised,
    )


def _industries(companies: pd.DataFrame | None) -> dict[str, str]:
    """The industry of each company of which it is known."""
    listed = (COMPANIES.frame() if companies is None else companies).dropna(subset=["industry"])
    return dict(zip(listed["company_id"], listed["industry"], strict=True))


def _history(files: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame, pa.Table]:
    """The tables HISTORY and REVISIONS, and the facts that an older version stands for (see `agreement`)."""
    with DuckDBEngine() as engine:
        found = history(engine.connection, engine.scan(files, VERSIONS.arrow).to_native())
        found.create_view("history")
        make_macros(engine.connection)
        revised = engine.connection.table_function("revisions")
        keys = (*KEYS, "source", "known_since", "first_seen")
        versions = engine.collect(nw.from_native(found).sort(*keys, "row_key", "value"), HISTORY.arrow)
        changes = engine.collect(nw.from_native(revised).sort(*keys, "after"), REVISIONS.arrow)
        older_used = engine.connection.table_function("older_used").to_arrow_table()
    return versions, REVISIONS.validate(changes), older_used
