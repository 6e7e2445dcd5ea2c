"""The table that all servers hold: made statements, the same in every run, as a SQLite file and as Parquet."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TABLE = "statements"
AMOUNTS = (
    "revenue",
    "cost_of_revenue",
    "operating_income",
    "net_income",
    "total_assets",
    "total_liabilities",
    "equity",
    "operating_cash_flow",
    "dividends_paid",
)
PERIODS = tuple(str(day.date()) for day in pd.date_range("2010-03-31", periods=40, freq="QE"))
CURRENCIES = ("USD", "EUR", "JPY", "GBP", "CHF")
SHARE_MISSING = 0.03  # of the last amount


def make(rows: int) -> pa.Table:
    """`rows` statements: company_id, period and currency as text, nine amounts; one row for a company and period."""
    random = np.random.default_rng(20_100_331)
    number = np.arange(rows)
    company = number // len(PERIODS)
    columns = {
        "company_id": pa.array([company_id(each) for each in company.tolist()]),
        "period": pa.array(PERIODS).take(pa.array(number % len(PERIODS))),
        "currency": pa.array(CURRENCIES).take(pa.array(company % len(CURRENCIES))),
    }
    for name in AMOUNTS:
        columns[name] = pa.array(np.round(random.normal(1e8, 3e8, rows), 2))
    last = columns[AMOUNTS[-1]].to_numpy()
    columns[AMOUNTS[-1]] = pa.array(last, mask=random.random(rows) < SHARE_MISSING)
    return pa.table(columns)


def company_id(number: int) -> str:
    """The id of a company by its number from 0."""
    return f"C{number:05d}"


def write(rows: int, folder: Path) -> Path:
    """`statements.sqlite` with an index on company_id and period, and `statements.parquet`; gives the SQLite file."""
    folder.mkdir()
    table = make(rows)
    pq.write_table(table, folder / f"{TABLE}.parquet")
    path = folder / f"{TABLE}.sqlite"
    kinds = [f"{name} {'REAL' if name in AMOUNTS else 'TEXT'}" for name in table.column_names]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(f"CREATE TABLE {TABLE} ({', '.join(kinds)})")
        marks = ", ".join("?" * len(kinds))
        for batch in table.to_batches(max_chunksize=50_000):
            cells = zip(*(column.to_pylist() for column in batch.columns), strict=True)
            database.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", cells)
        database.execute(f"CREATE INDEX {TABLE}_by_key ON {TABLE} (company_id, period)")
    return path
