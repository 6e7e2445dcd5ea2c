"""Three services of financial statements, `pnl`, `balance_sheet` and `cash_flow`: read-only SQL over HTTP.

Each serves one table, which it loads from one data file. Nothing here knows the pipeline: they meet over HTTP. A
request goes `web/` -> `query/` -> `data/`; `server` runs the services, `served_table` watches for newer data files,
`settings` lists what can be set, `errors` what can go wrong. `python -m source_services --help` has examples.
"""
