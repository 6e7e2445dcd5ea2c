"""Publishing: whether the stored tables may be published, and the release that is made of them.

Belongs here: whether a quarter is current (`staleness`) and the tables belong together (`consistency`), building a
release (`consolidate`, `build`, `manifest`), what it lost (`changes`), its CSV files (`csv_files`), and writing it so
that a reader sees all of it or nothing (`release`). Does not: means and the summary (aggregation), the asset that calls
it (defs). Read on in `build.make_release`.
"""
