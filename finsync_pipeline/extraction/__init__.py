"""Extraction from one source: SQL in the service's own dialect, its inventory, and the rows that are fetched.

Belongs here: generating SQL from a mapping (`source_query`), asking until the answers are complete (`fetch`), what a
source holds (`inventory`), a quarter's rows (`raw_rows`). Does not: the protocol of a service (clients), reading what
comes back (statements).
"""
