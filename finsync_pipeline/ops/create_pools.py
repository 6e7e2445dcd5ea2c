"""The pools that steps wait in, made when the deployment starts: python -m finsync_pipeline.ops.create_pools

Dagster makes a pool when a step first asks for it. On Postgres, of two runs that do so at once one fails, and so do all
runs once the default limit is another (dagster-io/dagster#33552). This can go when that is fixed.
"""

from collections.abc import Iterable

import dagster as dg

LIMIT = 1
"""Steps at a time in a pool; a limit that is set in the web UI (Deployment, Concurrency) wins."""


def declared_pools(definitions: dg.Definitions) -> set[str]:
    """The pools that steps name."""
    jobs = definitions.get_repository_def().get_all_jobs()
    return {pool for job in jobs for node in job.nodes for pool in node.definition.pools}


def make_pools(instance: dg.DagsterInstance, names: Iterable[str]) -> None:
    """Give each pool its limit, except those that have one of their own."""
    storage = instance.event_log_storage
    chosen = {limit.name for limit in storage.get_pool_limits() if not limit.from_default}
    for name in sorted(set(names) - chosen):
        storage.set_concurrency_slots(name, LIMIT)


def main() -> None:
    """Make the pools of this project in the instance that DAGSTER_HOME names."""
    from finsync_pipeline.definitions import defs

    with dg.DagsterInstance.get() as instance:
        make_pools(instance, declared_pools(defs()))


if __name__ == "__main__":
    main()
