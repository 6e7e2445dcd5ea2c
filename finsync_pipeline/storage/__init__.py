"""Storage: Parquet files between the assets, each written whole or not at all.

Belongs here: writing and reading files. Does not: which file holds what (orchestration's IO manager), what the tables
mean (statements).
"""
