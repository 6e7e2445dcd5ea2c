"""The whole chain from a data file to the summary, in this process: no Dagster, nothing left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import yaml
from factories import FIRST_SEEN, PROJECT
from local_services import answering_service

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import KEYS, financials, means_in
from finsync_pipeline.aggregation.means import mean_of
from finsync_pipeline.aggregation.summary import company_summary
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.extraction.deliveries import compare_deliveries
from finsync_pipeline.extraction.inventory import Inventory, rows_by_quarter, take_inventory
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.identity import Decider, Reference, Review, read_reference
from finsync_pipeline.quality.reconciliation import Imbalance, imbalances, make_ledger
from finsync_pipeline.settings import SAMPLE_REFERENCE
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import COMPANY_IDS, FINANCIALS, SUMMARY, earlier_raw_table, raw_table
from source_services.settings import SERVICES

QUARTERS = [date(year, month, 1) for year in range(2004, 2011) for month in (1, 4, 7, 10)]


@dataclass(frozen=True)
class Passage:
    """What one data file became on its way to the summary."""

    inventory: Inventory
    raw: pd.DataFrame
    company_ids: pd.DataFrame
    out: StandardizedTables
    ledger: pd.DataFrame
    imbalances: list[Imbalance]


@cache
def mapping_of_source(name: str) -> SourceMapping:
    """The mapping that ships for this source, at an address where nobody listens."""
    file = PROJECT / "finsync_pipeline" / "defs" / "sources" / name / "defs.yaml"
    declared: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["attributes"]
    return SourceMapping.model_validate(declared | {"url": "http://127.0.0.1:9"})


@cache
def reference() -> Reference:
    """The list of companies that ships."""
    return read_reference(SAMPLE_REFERENCE)


def pass_through(
    data_file: Path, mapping: SourceMapping, quarters: Sequence[date] = QUARTERS, review: Review | None = None
) -> Passage:
    """Serve the file, and do with it what the assets of its source do."""
    declared = {service.name: service for service in SERVICES}
    with (
        answering_service(declared[mapping.name], data_file) as answering,
        SourceService(mapping.name, answering.url) as service,
    ):
        inventory = take_inventory(service, mapping, quarters)
        rows = fetch_rows(service, mapping, inventory.periods, quarters)
    raw, _ = compare_deliveries(rows, raw_table(mapping).frame(), earlier_raw_table(mapping).frame(), FIRST_SEEN)
    decided = Decider(reference(), review or Review()).decide(source_names(raw, mapping), mapping.name)
    decided = COMPANY_IDS.conform(decided)
    out = standardize(raw, decided, mapping)
    ledger = make_ledger(raw, out, mapping, quarters, decided)
    return Passage(inventory, raw, decided, out, ledger, imbalances(ledger, rows_by_quarter(inventory.periods)))


def summarise(passages: Sequence[Passage]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables FINANCIALS and SUMMARY of what came through."""
    facts = pd.concat([each.out.facts for each in passages])
    with DuckDBEngine() as engine:
        means = mean_of(engine.table(facts), [*KEYS, "item"], "value").rename({"mean": "value", "n": "sources_used"})
        cells = means.with_columns(verdict=nw.lit("agreed"), is_withheld=nw.lit(False))  # whatever sources say
        lazy = engine.materialized(financials(cells).with_columns(facts_version=nw.lit("v1")))
        wide = FINANCIALS.validate(engine.collect(lazy, FINANCIALS.arrow))
        texts = engine.table(pd.concat([each.out.texts for each in passages]))
        companies = engine.table(reference().companies[["company_id", "name"]])
        made = company_summary(lazy, engine.materialized(means_in(lazy)), texts, companies)
        return wide, SUMMARY.validate(engine.collect(made, SUMMARY.arrow))


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as plain Python."""
    return frames.to_arrow(frame).to_pylist()
