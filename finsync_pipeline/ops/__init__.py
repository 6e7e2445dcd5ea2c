"""Upkeep of a deployment: what is run by hand or at its start, beside what Dagster does by itself."""
