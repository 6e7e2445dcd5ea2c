"""Pruning of old runs: python -m finsync_pipeline.ops.prune_runs --days 90

Dagster keeps every run, its events and what its steps printed, for ever. Deleting a run also deletes the record that
it made a table, so the runs that made the present tables are kept, however old they are.
"""

import argparse
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES


def runs_to_keep(instance: dg.DagsterInstance) -> set[str]:
    """The ids of the runs that made the newest materialization of an asset, or of a partition of it."""
    runs = set()
    for key in instance.all_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        if newest:
            runs.add(newest.run_id)
        partitions = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        if partitions:
            records = dg.AssetRecordsFilter(asset_key=key, storage_ids=list(partitions.values()))
            found = instance.fetch_materializations(records, limit=len(partitions)).records
            runs |= {record.event_log_entry.run_id for record in found}
    return runs


def prune(instance: dg.DagsterInstance, before: datetime) -> tuple[int, int]:
    """Delete the runs that ended before this time; how many were deleted, and how many kept for what they made."""
    filters = dg.RunsFilter(statuses=list(FINISHED_STATUSES), updated_before=before)
    old = [record.dagster_run.run_id for record in instance.get_run_records(filters)]
    kept = runs_to_keep(instance)
    for run in set(old) - kept:
        instance.compute_log_manager.delete_logs(prefix=[run])
        instance.delete_run(run)
    return len(set(old) - kept), len(set(old) & kept)


def main(arguments: list[str] | None = None) -> None:
    """Prune the runs of the instance that DAGSTER_HOME names."""
    parser = argparse.ArgumentParser(prog="python -m finsync_pipeline.ops.prune_runs", description=__doc__)
    parser.add_argument("--days", type=int, required=True, metavar="N", help="keep all runs of the last N days")
    options = parser.parse_args(arguments)
    with dg.DagsterInstance.get() as instance:
        pruned, kept = prune(instance, datetime.now(UTC) - timedelta(days=options.days))
    print(f"{pruned} runs deleted; {kept} as old are kept, since they made the present tables")


if __name__ == "__main__":
    main()
