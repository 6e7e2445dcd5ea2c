"""What exists in this deployment: the sources in YAML, and the assets, jobs, schedules and sensors over all of them.

Belongs here: definitions that Dagster loads. Does not: how a source becomes assets (components), what assets share
(orchestration), the work itself (plain packages). A new source is one `sources/<name>/defs.yaml`.
"""
