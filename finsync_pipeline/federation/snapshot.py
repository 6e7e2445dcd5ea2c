"""What a release made now would publish: the rows of all sources, standardized and compared by the pipeline's own code.

Whether a value agrees is decided over all companies, periods and sources: so nothing less than all rows will do.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.extraction.deliveries import compare_deliveries, stored_deliveries, today
from finsync_pipeline.extraction.inventory import take_inventory
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.federation.source_index import Learner
from finsync_pipeline.publishing.consolidate import consolidate
from finsync_pipeline.quality.fit import check_dates, check_source, misfits_by_quarter
from finsync_pipeline.quality.reconciliation import make_ledger
from finsync_pipeline.quality.rules import read_rules
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import COMPANY_IDS
from finsync_pipeline.storage.parquet import write_frame


def standardized_now(service: Service, mapping: SourceMapping, learner: Learner) -> StandardizedTables:
    """The tables of the source, of what it has now and of what is stored of earlier deliveries.

    Raises SourceError; of these, SourceInvalid where the mapping does not fit, as a run does.
    """
    inventory = take_inventory(service, mapping, learner.quarters)
    check_dates(mapping, inventory.unassigned, inventory.row_count)
    fetched = fetch_rows(service, mapping, inventory.periods, learner.quarters)
    stored = stored_deliveries(learner.tables, mapping, learner.quarters)
    raw, earlier = compare_deliveries(fetched, *stored, day=today())
    decided = COMPANY_IDS.conform(learner.decider.decide(source_names(raw, mapping, earlier), mapping.name))
    made = standardize(raw, decided, mapping, earlier)
    quarters = sorted(set(inventory.periods["quarter"].dropna()))
    ledger = make_ledger(raw, made, mapping, quarters, decided)
    misfits = misfits_by_quarter(mapping, made, ledger)
    if misfits:
        raise next(iter(misfits.values()))
    check_source(mapping, ledger, made.rejects)
    return made


def financials_of(
    made: Mapping[str, StandardizedTables],
    mappings: Mapping[str, SourceMapping],
    agreement: Path | None,
    companies: pd.DataFrame,
) -> pd.DataFrame:
    """The table FINANCIALS of these sources by the rules in the file. Raises ConfigurationError."""
    rules = read_rules(agreement, list(mappings))
    vintages = {name: mappings[name].vintage for name in made}
    with tempfile.TemporaryDirectory(prefix="finsync_") as folder:
        files = {
            table: [
                _written(Path(folder) / f"{name}_{table}.parquet", getattr(each, table)) for name, each in made.items()
            ]
            for table in ("facts", "versions")
        }
        return consolidate(files["facts"], files["versions"], rules, vintages, companies).financials


def _written(file: Path, frame: pd.DataFrame) -> Path:
    write_frame(frame, file)
    return file
