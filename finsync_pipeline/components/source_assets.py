"""The assets of one source: its inventory, its raw rows, their companies, and the facts with what was not used."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from finsync_pipeline.clients.errors import without_credentials
from finsync_pipeline.extraction.connect import service_of
from finsync_pipeline.extraction.deliveries import compare_deliveries, stored_deliveries, today
from finsync_pipeline.extraction.inventory import rows_by_quarter
from finsync_pipeline.extraction.raw_rows import fetch_rows
from finsync_pipeline.orchestration.failures import failures_explained
from finsync_pipeline.orchestration.io_manager import PARTITION_COLUMN
from finsync_pipeline.orchestration.metadata import column_schema, counted_by_quarter, described, described_by_quarter
from finsync_pipeline.orchestration.partitions import ONE_RUN, QUARTERS, days_of
from finsync_pipeline.orchestration.resources import RunSources
from finsync_pipeline.publishing.staleness import stored_decider
from finsync_pipeline.quality.fit import check_dates, misfits_by_quarter
from finsync_pipeline.quality.reconciliation import imbalances, make_ledger
from finsync_pipeline.settings import source_bounds, tables_folder
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import (
    COMPANY_IDS,
    FACTS,
    INVENTORY,
    LEDGER,
    REJECTS,
    TEXTS,
    VERSIONS,
    Table,
    earlier_raw_table,
    raw_table,
)
from finsync_pipeline.storage.parquet import ParquetFiles, read_frame

COUNTED = [name for name in LEDGER.arrow.names if name.startswith(("rows_", "cells_"))]
RETRY = dg.RetryPolicy(max_retries=1, delay=1)


def source_assets(mapping: SourceMapping) -> list[dg.AssetsDefinition]:
    """inventory, unassigned; raw, earlier_raw; company_ids; facts, versions, texts, rejects, ledger: by source."""
    return [_inventory(mapping), _raw(mapping), _company_ids(mapping), _statements(mapping)]


def shown_url(mapping: SourceMapping) -> dg.UrlMetadataValue:
    """The url of the source's service without a password in it."""
    return dg.MetadataValue.url(without_credentials(mapping.url))


def _place(mapping: SourceMapping) -> dict[str, Any]:
    return {"source": mapping.name, "url": shown_url(mapping)}


def _out(
    mapping: SourceMapping, table: Table, description: str, partition_column: str | None, *kinds: str
) -> dg.AssetOut:
    placed = {PARTITION_COLUMN: partition_column} if partition_column else {}
    return dg.AssetOut(
        key=[mapping.name, table.name],
        group_name=mapping.name,
        kinds={*kinds} or {"parquet"},
        description=description,
        metadata=column_schema(table) | placed | {"url": shown_url(mapping)},
    )


def _inventory(mapping: SourceMapping) -> dg.AssetsDefinition:
    unassigned = Table("unassigned", REJECTS.fields)
    inventory_key = dg.AssetKey([mapping.name, "inventory"])

    @dg.multi_asset(
        name=f"{mapping.name}_inventory",
        outs={
            "inventory": _out(
                mapping, INVENTORY, "What the service has now: each period end, its number of rows, its quarter.", None
            ),
            "unassigned": _out(mapping, unassigned, "Rows that belong to no quarter, rejected with the reason.", None),
        },
        check_specs=[
            dg.AssetCheckSpec(
                "rows_reconcile",
                asset=inventory_key,
                blocking=True,
                description="Every row is in a quarter or unassigned.",
            )
        ],
        backfill_policy=ONE_RUN,
        retry_policy=RETRY,
        pool=f"{mapping.name}_service",
    )
    def inventory(context: dg.AssetExecutionContext, run_sources: dg.ResourceParam[RunSources]) -> Iterator[Any]:
        with failures_explained(**_place(mapping)):
            found = run_sources.inventory(context, mapping)
            check_dates(mapping, found.unassigned, found.row_count)
        in_quarters = int(found.periods.loc[found.periods["quarter"].notna(), "row_count"].sum())
        counts = {"rows": found.row_count, "in_quarters": in_quarters, "unassigned": len(found.unassigned)}
        unmapped = ", ".join(found.unmapped) or "none"
        if in_quarters + len(found.unassigned) != found.row_count:
            yield dg.AssetCheckResult(passed=False, check_name="rows_reconcile", metadata=counts)
            raise dg.Failure(
                f"Source {mapping.name!r}: counts {found.row_count:,} rows, but {in_quarters:,} in quarters and "
                f"{len(found.unassigned):,} unassigned: it changed in between. Run: finsync run."
            )
        yield dg.Output(
            found.periods, "inventory", metadata={**described(found.periods), **counts, "unmapped_columns": unmapped}
        )
        yield dg.Output(found.unassigned, "unassigned", metadata=described(found.unassigned))
        yield dg.AssetCheckResult(passed=True, check_name="rows_reconcile", metadata=counts)

    return inventory


def _raw(mapping: SourceMapping) -> dg.AssetsDefinition:
    description = f"The quarter's rows of table {mapping.table} as delivered, every cell as text."
    earlier_description = "Rows that the source delivered before, and no longer delivers."

    @dg.multi_asset(
        name=f"{mapping.name}__raw",
        outs={
            "earlier_raw": _out(mapping, earlier_raw_table(mapping), earlier_description, "finsync_period_end"),
            "raw": _out(mapping, raw_table(mapping), description, "finsync_period_end", "http", "sql"),
        },
        partitions_def=QUARTERS,
        backfill_policy=ONE_RUN,
        retry_policy=RETRY,
        pool=f"{mapping.name}_service",
        ins={"inventory": dg.AssetIn([mapping.name, "inventory"])},
    )
    def raw(
        context: dg.AssetExecutionContext, inventory: pd.DataFrame, run_sources: dg.ResourceParam[RunSources]
    ) -> Iterator[dg.Output[pd.DataFrame]]:
        keys, quarters = context.partition_keys, days_of(context.partition_keys)
        with failures_explained(**_place(mapping)), service_of(mapping, bounds=source_bounds()) as service:
            fetched = fetch_rows(service, mapping, inventory, quarters, run_sources.table(mapping))
        rows, earlier = compare_deliveries(fetched, *stored_deliveries(tables_folder(), mapping, quarters), day=today())
        # First what is gone: a run that is killed in between has it twice, and not never
        for name, frame in (("earlier_raw", earlier_raw_table(mapping).conform(earlier)), ("raw", rows)):
            described_by_quarter(context, frame, "finsync_period_end", dg.AssetKey([mapping.name, name]), keys)
            yield dg.Output(frame, name)

    return raw


def _raw_ins(mapping: SourceMapping) -> dict[str, dg.AssetIn]:
    return {
        "raw": dg.AssetIn([mapping.name, "raw"]),
        "earlier_raw": dg.AssetIn([mapping.name, "earlier_raw"], dagster_type=ParquetFiles),
    }


def _earlier(files: ParquetFiles, mapping: SourceMapping) -> pd.DataFrame:
    return read_frame(files.files) if files.files else earlier_raw_table(mapping).frame()


def _company_ids(mapping: SourceMapping) -> dg.AssetsDefinition:
    @dg.asset(
        key=[mapping.name, "company_ids"],
        group_name=mapping.name,
        kinds={"parquet"},
        description="Each distinct source name of a company, and the reference company that it was matched to.",
        partitions_def=QUARTERS,
        backfill_policy=ONE_RUN,
        metadata=column_schema(COMPANY_IDS) | {PARTITION_COLUMN: "period_end"},
        ins=_raw_ins(mapping),
    )
    def company_ids(
        context: dg.AssetExecutionContext,
        raw: pd.DataFrame,
        earlier_raw: ParquetFiles,
        companies: pd.DataFrame,
        company_aliases: pd.DataFrame,
        review_lines: pd.DataFrame,
    ) -> pd.DataFrame:
        with failures_explained(**_place(mapping)):
            decider = stored_decider(companies, company_aliases, review_lines)
        names = source_names(raw, mapping, _earlier(earlier_raw, mapping))
        decided = COMPANY_IDS.conform(decider.decide(names, mapping.name))
        described_by_quarter(context, decided, "period_end", context.asset_key, context.partition_keys)
        counted_by_quarter(context, decided)
        return decided

    return company_ids


def _statements(mapping: SourceMapping) -> dg.AssetsDefinition:
    ledger_key = dg.AssetKey([mapping.name, "ledger"])

    @dg.multi_asset(
        name=f"{mapping.name}_statements",
        outs={
            "facts": _out(mapping, FACTS, "One number a row: company, item, period, currency, value.", "period_end"),
            "versions": _out(mapping, VERSIONS, "Every version of each number, with the days of it.", "period_end"),
            "texts": _out(mapping, TEXTS, "One word of the source a row: sector, auditor, form.", "period_end"),
            "rejects": _out(mapping, REJECTS, "Every row and cell that is not used, with the reason.", "quarter"),
            "ledger": _out(mapping, LEDGER, "What became of all rows and cells, counted.", "quarter"),
        },
        ins={
            "inventory": dg.AssetIn([mapping.name, "inventory"]),
            **_raw_ins(mapping),
            "company_ids": dg.AssetIn([mapping.name, "company_ids"]),
        },
        check_specs=[
            dg.AssetCheckSpec(
                "reconciliation",
                asset=ledger_key,
                blocking=True,
                partitions_def=QUARTERS,
                description="Rows in = used + rejected + superseded; cells likewise, with the empty ones.",
            ),
            dg.AssetCheckSpec(
                "mapping_fits",
                asset=ledger_key,
                blocking=True,
                partitions_def=QUARTERS,
                description="The share of rows and cells that cannot be read is below expect.unreadable.",
            ),
        ],
        partitions_def=QUARTERS,
        backfill_policy=ONE_RUN,
        # Its four tables belong together: of two runs of a quarter, one reads and writes all before the other does
        pool=f"{mapping.name}_statements",
    )
    def statements(
        context: dg.AssetExecutionContext,
        inventory: pd.DataFrame,
        raw: pd.DataFrame,
        earlier_raw: ParquetFiles,
        company_ids: pd.DataFrame,
    ) -> Iterator[Any]:
        keys = context.partition_keys
        with failures_explained(**_place(mapping)):
            made = standardize(raw, company_ids, mapping, _earlier(earlier_raw, mapping))
        ledger = make_ledger(raw, made, mapping, days_of(keys), company_ids)
        yield from _reconciliation(mapping, ledger, inventory, keys)
        yield from _mapping_fits(mapping, made, ledger, keys)
        tables = {name: (getattr(made, name), "period_end") for name in ("facts", "versions", "texts")}
        tables |= {"rejects": (made.rejects, "quarter"), "ledger": (ledger, "quarter")}
        for name, (frame, column) in tables.items():
            described_by_quarter(context, frame, column, dg.AssetKey([mapping.name, name]), keys)
            yield dg.Output(frame, name)

    return statements


def _reconciliation(
    mapping: SourceMapping, ledger: pd.DataFrame, inventory: pd.DataFrame, keys: Sequence[str]
) -> Iterator[Any]:
    """The check of each quarter; a Failure before anything is stored, if one does not reconcile."""
    lines = {line["quarter"].isoformat(): line for line in ledger.to_dict("records")}
    counts = {key: {name: int(lines[key][name]) for name in COUNTED} for key in keys}
    broken: dict[str, list[str]] = {}
    for imbalance in imbalances(ledger, rows_by_quarter(inventory)):
        broken.setdefault(imbalance.quarter.isoformat(), []).append(str(imbalance))
    problems = {key: "; ".join(found) for key, found in broken.items()}
    yield from _evaluations(mapping, "reconciliation", keys, problems, counts)
    if problems:
        raise dg.Failure(
            f"Source {mapping.name!r}: does not reconcile, so nothing is stored: {'; '.join(problems.values())}. "
            "If it has changed, run: finsync run; otherwise this is a fault of FinSync: please report it.",
            allow_retries=False,
        )


def _mapping_fits(
    mapping: SourceMapping, made: StandardizedTables, ledger: pd.DataFrame, keys: Sequence[str]
) -> Iterator[Any]:
    """The check of each quarter; a Failure before anything is stored, if the mapping does not fit one of them."""
    errors = {quarter.isoformat(): error for quarter, error in misfits_by_quarter(mapping, made, ledger).items()}
    problems = {key: str(error) for key, error in errors.items()}
    yield from _evaluations(mapping, "mapping_fits", keys, problems, {})
    if errors:
        with failures_explained(**_place(mapping)):
            raise next(iter(errors.values()))


def _evaluations(
    mapping: SourceMapping,
    check: str,
    keys: Sequence[str],
    problems: Mapping[str, str],
    counts: Mapping[str, Mapping[str, int]],
) -> Iterator[Any]:
    """The evaluation of a check for each quarter, made by hand: in a run over a range a check result has no quarter."""
    for key in keys:
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey([mapping.name, "ledger"]),
            check_name=check,
            passed=key not in problems,
            blocking=True,
            partition=key,
            description=problems.get(key),
            metadata={name: dg.MetadataValue.int(count) for name, count in counts.get(key, {}).items()},
        )
    yield dg.Output(None, f"{mapping.name}__ledger_{check}")
