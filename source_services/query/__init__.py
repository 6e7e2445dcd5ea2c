"""A caller's SQL, run read-only and within limits, and its rows in one of the formats.

Here belongs what happens between a statement and the bytes of its result. Nothing here knows HTTP (`web/`) or data
files (`data/`). Read on in `execution` (one SELECT from SQL to bytes), `connection` and `authorizer` (what SQL may
do), `pool` (threads and time), `snapshot` (one data version and its cache).
"""
