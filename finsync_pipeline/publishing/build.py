"""Making a release from the tables of all sources: what may be published, the summary, the account of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa
from pandera.errors import SchemaErrors

from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import financials, source_means
from finsync_pipeline.aggregation.summary import company_summary, in_basis, text_disagreements
from finsync_pipeline.publishing.consistency import refuse_mixed, refuse_unequal
from finsync_pipeline.publishing.manifest import basis_account, source_account
from finsync_pipeline.publishing.release import Release, publish
from finsync_pipeline.publishing.staleness import MadeBy, quarter_statuses, refuse_missing
from finsync_pipeline.statements.tables import (
    COMPANY_IDS,
    FACTS,
    FINANCIALS,
    INVENTORY,
    LEDGER,
    REJECTS,
    SUMMARY,
    TEXTS,
    Table,
)
from finsync_pipeline.storage.parquet import read_frame


@dataclass(frozen=True)
class SourceTables:
    """The Parquet files of one source's tables; an empty list where there is none."""

    inventory: list[Path]
    unassigned: list[Path]
    facts: list[Path]
    texts: list[Path]
    rejects: list[Path]
    company_ids: list[Path]
    ledger: list[Path]


class TableOutdated(ValueError):
    """A table was written in another form than it has now; the message says which."""


class FinancialsOutdated(ValueError):
    """The financials were made from other facts than there are now; the message says which quarters to make anew."""


def make_release(
    sources: Mapping[str, SourceTables],
    financials_files: Sequence[Path],
    companies: pd.DataFrame,
    made_by: Mapping[str, MadeBy],
    allow_missing: Sequence[str],
    published: Path,
    decided_alike: Mapping[str, Collection[date]] | None = None,
) -> tuple[Release, pd.DataFrame]:
    """Publish what the tables hold; returns the release and its table SUMMARY.

    `companies` has the columns company_id and name; `made_by` says of each source what its mapping, the list of
    companies and the review are now, `decided_alike` which quarters another list or review decided the same.

    Raises SourceMissing for a source that lacks quarters, or has outdated ones, and is not named in `allow_missing`;
    TablesMixed if tables are not of one run; FinancialsOutdated if the financials are not those of the facts;
    TableOutdated if another version wrote them; ValueError for a name in `allow_missing` that is not a source.
    """
    unknown = sorted(set(allow_missing) - set(sources))
    if unknown:
        raise ValueError(f"allow_missing: no source {', '.join(unknown)}; there are {', '.join(sources)}")
    alike = decided_alike or {}
    accounts = {
        name: _account(name, tables, made_by[name], allow_missing, alike.get(name, ()))
        for name, tables in sources.items()
    }
    with DuckDBEngine() as engine:
        facts = engine.scan(_files(sources, "facts"), FACTS.arrow)
        texts = engine.scan(_files(sources, "texts"), TEXTS.arrow)
        means = engine.materialized(source_means(facts))
        wide = engine.collect(financials(means), FINANCIALS.arrow)
        _refuse_outdated(wide, financials_files)
        summary = company_summary(means, texts, engine.table(companies))
        summary_frame = SUMMARY.validate(engine.collect(summary, SUMMARY.arrow))
        keys = ["company_id", "item", "period_end", "months", "currency", "source"]
        tables = {
            "financials": wide,
            "facts": engine.collect(facts.sort(keys), FACTS.arrow),
            "texts": engine.collect(texts.sort("company_id", "item", "source", "row_key"), TEXTS.arrow),
            "rejects": _read(REJECTS, [*_files(sources, "rejects"), *_files(sources, "unassigned")]),
            "company_ids": _read(COMPANY_IDS, _files(sources, "company_ids")),
            "ledger": _read(LEDGER, _files(sources, "ledger")),
        }
        refuse_mixed(tables["ledger"], tables["facts"], tables["texts"], tables["rejects"], tables["company_ids"])
        basis = basis_account(len(tables["facts"]), _count(in_basis(means)))
        differing = text_disagreements(texts).to_native().to_arrow_table().to_pylist()
    account = {"allow_missing": list(allow_missing), **basis, "sources": accounts, "text_disagreements": differing}
    return publish(summary_frame, tables, account, published), summary_frame


def decisions_in(files: Sequence[Path]) -> pd.DataFrame:
    """All decisions of the files, as a table COMPANY_IDS. Raises TableOutdated."""
    return _read(COMPANY_IDS, files)


def corrections(decisions: pd.DataFrame) -> pd.DataFrame:
    """Those of the decisions that are on source names which are not exactly a listed id, those in doubt first."""
    corrected = decisions[(decisions["company_id"] != decisions["source_name"]).fillna(True)]
    order = ["status", "row_count", "source", "source_name", "period_end"]
    return corrected.sort_values(order, ascending=[False, False, True, True, True], ignore_index=True)


def _account(
    name: str, tables: SourceTables, made_by: MadeBy, allow_missing: Sequence[str], decided_alike: Collection[date]
) -> dict[str, Any]:
    inventory = _read(INVENTORY, tables.inventory) if tables.inventory else None
    ledger = _read(LEDGER, tables.ledger)
    is_allowed = name in allow_missing
    asked = inventory is not None or len(ledger) > 0
    in_force = None if is_allowed else made_by
    statuses = quarter_statuses(inventory, ledger, in_force, decided_alike) if asked else None
    refuse_missing(name, statuses, allow_missing)
    unassigned, rejects = _read(REJECTS, tables.unassigned), _read(REJECTS, tables.rejects)
    if inventory is not None and not is_allowed:
        refuse_unequal(name, int(ledger["rows_in"].sum()), len(unassigned), int(inventory["row_count"].sum()))
    return source_account(statuses, inventory, unassigned, rejects, ledger, is_allowed)


def _refuse_outdated(made_now: pd.DataFrame, files: Sequence[Path]) -> None:
    order = ["company_id", "period_end", "months", "currency"]
    try:
        stored = _read(FINANCIALS, files)
    except TableOutdated:
        raise FinancialsOutdated(
            "Nothing is published: financials were made with other standard items than there are now. Materialize "
            "financials for all quarters again."
        ) from None
    stored = stored.sort_values(order, ignore_index=True)
    now = made_now.sort_values(order, ignore_index=True)
    if now.equals(stored):
        return
    differing = pd.concat([now, stored]).drop_duplicates(keep=False)["period_end"]
    days = sorted({str(day) for day in differing})
    raise FinancialsOutdated(
        f"Nothing is published: financials of periods ending {', '.join(days[:4])} were made from other facts than "
        "there are now. Materialize financials for their quarters again."
    )


def _count(table: nw.LazyFrame[Any]) -> int:
    return int(table.select(nw.col("n").sum()).collect().item() or 0)


def _files(sources: Mapping[str, SourceTables], table: str) -> list[Path]:
    return [file for tables in sources.values() for file in getattr(tables, table)]


def _read(table: Table, files: Iterable[Path]) -> pd.DataFrame:
    files = list(files)
    try:
        return table.validate(read_frame(files)) if files else table.frame()
    except (SchemaErrors, pa.ArrowInvalid):
        raise TableOutdated(
            f"Nothing is published: {table.name} has other columns than now, so another version of FinSync wrote it. "
            "Materialize all quarters again."
        ) from None
