"""The calendar quarters that all partitioned assets share."""

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg

from finsync_pipeline.settings import first_quarter

# end_offset=1: the running quarter is there too, since fiscal years end in every month
QUARTERS = dg.TimeWindowPartitionsDefinition(
    cron_schedule="0 0 1 1,4,7,10 *", start=first_quarter().isoformat(), fmt="%Y-%m-%d", timezone="UTC", end_offset=1
)
# A backfill of many quarters is one run over all of them
ONE_RUN = dg.BackfillPolicy.single_run()


def all_quarters() -> list[date]:
    """First days of all quarters from the first to the running one."""
    return days_of(QUARTERS.get_partition_keys())


def days_of(partition_keys: Iterable[str]) -> list[date]:
    """The first days that the partition keys stand for."""
    return [date.fromisoformat(key) for key in partition_keys]


def quarters_of_run(tags: Mapping[str, str]) -> list[date]:
    """First days of the quarters that a run with these tags is over; none for a run without partitions."""
    only = tags.get("dagster/partition")
    first, last = (
        tags.get("dagster/asset_partition_range_start", only),
        tags.get("dagster/asset_partition_range_end", only),
    )
    return [day for day in all_quarters() if first and last and first <= day.isoformat() <= last]
