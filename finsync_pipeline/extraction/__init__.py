"""Extraction from one source: its inventory, and the rows of some quarters as delivered.

Here belong the SQL that is made from a mapping (`source_query`), the `inventory` of what a source holds, the `fetch` in
chunks that are reconciled with it, a quarter's `raw_rows`, their cells as text (`cell_text`), and services of several
sources at once (`connect`). The protocol of a service does not: read on in `clients`; nor does the meaning of the
cells: read on in `statements`.
"""
