"""The set-shaped transforms: facts -> financials -> summary, on lazy tables, written once in Narwhals.

They run in whatever engine the tables belong to; `engine` opens them in DuckDB. Sums are exact (DECIMAL), so the order
in which threads finish never shows.
"""
