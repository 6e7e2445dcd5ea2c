"""Building a release from the stored tables: what may be published, the summary, and the release summary by source."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.aggregation.financials import means_in
from finsync_pipeline.aggregation.summary import company_summary, in_basis, text_disagreements
from finsync_pipeline.publishing.consistency import check_all_rows, check_financials, check_of_one_run
from finsync_pipeline.publishing.manifest import basis_counts, source_summary
from finsync_pipeline.publishing.raw_rows import KeptRows, kept_rows
from finsync_pipeline.publishing.release import Release, ReleaseOptions, current_folder, publish, read_release
from finsync_pipeline.publishing.staleness import QuarterState, check_publishable
from finsync_pipeline.quality.agreement import near_periods
from finsync_pipeline.quality.fit import check_source
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.tables import (
    ACCOUNTING_CHECKS,
    ACCOUNTING_GRADES,
    AGREEMENT,
    COMPANY_IDS,
    FACTS,
    FINANCIALS,
    HISTORY,
    INVENTORY,
    LEDGER,
    REJECTS,
    REVISIONS,
    SUMMARY,
    TEXTS,
    Table,
)
from finsync_pipeline.storage.parquet import read_frame

NEAR_PERIODS = 100
"""The most period ends of sources that never meet which a manifest lists."""


@dataclass(frozen=True)
class SourceTables:
    """The Parquet files of one source's tables; an empty list where there is none."""

    raw: list[Path]
    earlier_raw: list[Path]
    inventory: list[Path]
    unassigned: list[Path]
    facts: list[Path]
    texts: list[Path]
    rejects: list[Path]
    company_ids: list[Path]
    ledger: list[Path]


@dataclass(frozen=True)
class ConsolidatedTables:
    """The Parquet files of the tables over all sources; an empty list where there is none."""

    agreement: list[Path]
    financials: list[Path]
    accounting_checks: list[Path]
    accounting_grades: list[Path]
    history: list[Path]
    revisions: list[Path]


CONSOLIDATED = tuple(ConsolidatedTables.__annotations__)
"""The names of the tables over all sources."""


def make_release(
    mappings: Mapping[str, SourceMapping],
    sources: Mapping[str, SourceTables],
    states: Mapping[str, Sequence[QuarterState] | None],
    consolidated: ConsolidatedTables,
    companies: pd.DataFrame,
    options: ReleaseOptions,
) -> tuple[Release, pd.DataFrame]:
    """Publish what the tables hold; returns the release and its table SUMMARY.

    `states` has the `staleness.quarter_states` of each source, None for one that was never asked; `companies` has the
    columns company_id and name. Raises PublicationError if a source lacks quarters or has outdated ones and may not be
    missing, if tables are not of one run, if the financials are not those of the facts, or if the raw rows of a quarter
    are not there; DataError for tables that another version of FinSync wrote.
    """
    options = replace(options, not_compared={*options.allow_missing, *_removed(options.published, sources)})
    for source, of_source in states.items():
        if source not in options.allow_missing:
            check_publishable(source, of_source)
    with DuckDBEngine() as engine:
        tables = _tables(engine, sources, consolidated)
        check_financials(tables["financials"], engine.table(tables["facts"]))
        check_of_one_run(*(tables[name] for name in ("ledger", "facts", "texts", "rejects", "company_ids")))
        kept = {name: _kept_rows(mappings[name], of, options) for name, of in sources.items()}
        parts = {name: _source_summary(name, of, states[name], options, kept[name]) for name, of in sources.items()}
        texts = engine.table(tables["texts"])
        summary, means = summarise(engine, tables["financials"], texts, companies)
        basis = basis_counts(len(tables["facts"]), _count(in_basis(means)))
        near = engine.frame_of(near_periods(engine.table(tables["facts"]).to_native()))
        differing = text_disagreements(texts).to_native().to_arrow_table().to_pylist()
    content = {
        "allow_missing": list(options.allow_missing),
        **basis,
        "sources": parts,
        "text_disagreements": differing,
        "verdicts": _counts(tables["agreement"]["verdict"]),
        "cells_withheld": int(tables["agreement"]["is_withheld"].sum()),
        "accounting_checks": _account_counts(tables["accounting_checks"]),
        "versions_suspect": int(tables["history"]["why"].notna().sum()),
        "revisions": _counts(tables["revisions"]["cause"]),
        "near_periods": frames.to_arrow(near.head(NEAR_PERIODS)).to_pylist(),
    }
    csvs = {
        "company_summary": summary,
        "company_periods": with_names(tables["financials"].drop(columns="facts_version"), companies),
        "disputes": with_names(disputes(tables["agreement"]), companies),
        "accounting_checks": with_names(tables["accounting_checks"], companies),
        "revisions": with_names(tables["revisions"], companies),
    }
    tables |= {name: table for of_source in kept.values() for name, table in of_source.tables.items()}
    return publish(csvs, {"company_summary": summary, **tables}, content, options), summary


def summarise(
    engine: DuckDBEngine, wide: pd.DataFrame, texts: nw.LazyFrame[Any], companies: pd.DataFrame
) -> tuple[pd.DataFrame, nw.LazyFrame[Any]]:
    """The table SUMMARY of the financials `wide`, and the `financials.means_in` these."""
    financials, names = engine.table(wide), engine.table(companies[["company_id", "name"]])
    means = engine.materialized(means_in(financials))
    summary = engine.collect(company_summary(financials, means, texts, names), SUMMARY.arrow)
    return SUMMARY.validate(summary), means


def check_fit(mapping: SourceMapping, tables: SourceTables) -> None:
    """Raise SourceInvalid if too much of the source, over all its quarters, could not be read."""
    check_source(mapping, _read(LEDGER, tables.ledger), _read(REJECTS, tables.rejects))


def decisions_in(files: Sequence[Path]) -> pd.DataFrame:
    """All decisions of the files, as a table COMPANY_IDS. Raises DataError if another FinSync wrote them."""
    return _read(COMPANY_IDS, files)


def corrections(decisions: pd.DataFrame) -> pd.DataFrame:
    """Those of the decisions on delivered source names which are not exactly a listed id, those in doubt first."""
    is_other = (decisions["company_id"] != decisions["source_name"]).fillna(True)
    corrected = decisions[is_other & (decisions["row_count"] > 0)]
    order = ["status", "row_count", "source", "source_name", "period_end"]
    return corrected.sort_values(order, ascending=[False, False, True, True, True], ignore_index=True)


def _tables(
    engine: DuckDBEngine, sources: Mapping[str, SourceTables], consolidated: ConsolidatedTables
) -> dict[str, pd.DataFrame]:
    """The tables that a release holds beside its summary; those of numbers and texts in the order of their keys."""

    def files(*names: str) -> list[Path]:
        return [file for name in names for tables in sources.values() for file in getattr(tables, name)]

    def ordered(table: Table, of: Sequence[Path], *keys: str) -> pd.DataFrame:
        try:
            return engine.collect(engine.scan(of, table.arrow).sort(*keys), table.arrow)
        except duckdb.Error:  # a column is missing, or of another type
            raise table.outdated() from None

    keys = ("period_end", "months", "currency")
    return {
        "agreement": ordered(AGREEMENT, consolidated.agreement, "company_id", "item", *keys),
        "financials": ordered(FINANCIALS, consolidated.financials, "company_id", *keys),
        "accounting_checks": _read(ACCOUNTING_CHECKS, consolidated.accounting_checks),
        "accounting_grades": _read(ACCOUNTING_GRADES, consolidated.accounting_grades),
        "history": _read(HISTORY, consolidated.history),
        "revisions": _read(REVISIONS, consolidated.revisions),
        "facts": ordered(FACTS, files("facts"), "company_id", "item", *keys, "source"),
        "texts": ordered(TEXTS, files("texts"), "company_id", "item", "source", "row_key"),
        "rejects": _read(REJECTS, files("rejects", "unassigned")),
        "company_ids": _read(COMPANY_IDS, files("company_ids")),
        "ledger": _read(LEDGER, files("ledger")),
    }


def disputes(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of the table AGREEMENT of which there is something to say, those withheld first."""
    found = cells[~cells["verdict"].isin(["single", "agreed"])]
    order = ["is_withheld", "verdict", "company_id", "item", "period_end", "months", "currency"]
    return found.sort_values(order, ascending=[False, *[True] * 6], ignore_index=True)


def with_names(table: pd.DataFrame, companies: pd.DataFrame) -> pd.DataFrame:
    """The table with the names of its companies after their ids."""
    names = dict(zip(companies["company_id"], companies["name"], strict=True))
    named = table.copy()
    named.insert(1, "company_name", table["company_id"].map(names).astype(frames.STRING))
    return named


def _counts(column: "pd.Series[str]") -> dict[str, int]:
    return {str(name): int(count) for name, count in column.value_counts().sort_index().items()}


def _account_counts(checks: pd.DataFrame) -> dict[str, int]:
    """What of the accounting identities is not exact, and how many of these checks have a culprit."""
    return {
        **_counts(checks["verdict"]),
        "usually_exact": int(checks["is_usual"].sum()),
        "with_culprit": int(checks["culprit"].notna().sum()),
    }


def _removed(published: Path, sources: Collection[str]) -> set[str]:
    """The sources of the current release that are not declared any more."""
    before = current_folder(published)
    return set(read_release(before).manifest["sources"]) - set(sources) if before else set()


def _kept_rows(mapping: SourceMapping, tables: SourceTables, options: ReleaseOptions) -> KeptRows:
    before, may_be_missing = current_folder(options.published), mapping.name in options.allow_missing
    return kept_rows(mapping, tables.raw, tables.earlier_raw, _read(LEDGER, tables.ledger), before, may_be_missing)


def _source_summary(
    name: str, tables: SourceTables, states: Sequence[QuarterState] | None, options: ReleaseOptions, kept: KeptRows
) -> dict[str, Any]:
    inventory = _read(INVENTORY, tables.inventory) if tables.inventory else None
    ledger = _read(LEDGER, tables.ledger)
    is_allowed = name in options.allow_missing
    unassigned, rejects = _read(REJECTS, tables.unassigned), _read(REJECTS, tables.rejects)
    if inventory is not None and not is_allowed:
        check_all_rows(name, int(ledger["rows_in"].sum()), len(unassigned), int(inventory["row_count"].sum()))
    return {
        **source_summary(states, inventory, unassigned, rejects, ledger),
        "allowed_missing": is_allowed,
        "mappings": kept.mappings,
        "raw_rows_missing": list(map(str, kept.missing)),
    }


def _count(table: nw.LazyFrame[Any]) -> int:
    return int(table.select(nw.col("n").sum()).collect().item() or 0)


def _read(table: Table, files: Iterable[Path]) -> pd.DataFrame:
    files = list(files)
    try:
        return table.checked(read_frame(files)) if files else table.frame()
    except pa.ArrowInvalid:  # files of several forms
        raise table.outdated() from None
