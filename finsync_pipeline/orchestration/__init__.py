"""What Dagster needs around the assets: partitions, run requests, metadata, resources, the IO manager, retries.

What a source's assets are belongs in `components`, what exists in this deployment in `defs`; the work itself is done by
plain packages, which do not know Dagster.
"""
