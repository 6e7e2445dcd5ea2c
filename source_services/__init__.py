"""Three services of financial statements: `pnl`, `balance_sheet` and `cash_flow`.

Each holds one table, loaded from one data file, and answers read-only SQL over HTTP.
`python -m source_services` starts all three; `python -m source_services --help` shows the rest.
"""
