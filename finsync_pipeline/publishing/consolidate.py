"""Consolidation: the facts of all sources and quarters as the tables AGREEMENT and FINANCIALS.

All quarters at once, since the neighbours in time of a value are evidence about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import pandas as pd

from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials
from finsync_pipeline.publishing.consistency import facts_versions
from finsync_pipeline.quality.agreement import Vintage, agreement
from finsync_pipeline.quality.rules import Rules
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.tables import AGREEMENT, FACTS, FINANCIALS


@dataclass(frozen=True)
class Consolidated:
    """The tables AGREEMENT and FINANCIALS."""

    agreement: pd.DataFrame
    financials: pd.DataFrame


def consolidate(files: Sequence[Path], rules: Rules, vintages: Mapping[str, Vintage]) -> Consolidated:
    """Compare the facts in the files (table FACTS, of all sources) by the rules; `vintages` has that of each source."""
    with DuckDBEngine() as engine:
        facts = engine.scan(files, FACTS.arrow)
        versions = facts_versions(facts)
        relation = agreement(engine.connection, facts.to_native(), rules, vintages)
        cells = nw.from_native(relation)
        ordered = engine.collect(cells.sort("company_id", "item", "period_end", "months", "currency"), AGREEMENT.arrow)
        wide = engine.collect(financials(cells).with_columns(facts_version=nw.lit("")), FINANCIALS.arrow)
    quarters = wide["period_end"].map(quarter_of)
    wide = FINANCIALS.conform(wide.assign(facts_version=quarters.map(versions)))
    return Consolidated(AGREEMENT.validate(ordered), wide)
