"""Parquet between the assets: a file per table, or per table and quarter, written to a temporary file and renamed."""
