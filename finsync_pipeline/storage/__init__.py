"""Parquet between the assets: a file per table, or per table and quarter, written beside its place and renamed."""
