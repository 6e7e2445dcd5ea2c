"""The release that is served: every item of every company at each quarter's end, over the quarter and over the year.

Balances have months 0, amounts months 3, and at the end of a year also months 12. Two sources give the income
statement, one gives the rest. One cell in a hundred is missing, one in a thousand is disputed or withheld. All is made
by SQL from hashes, so it is the same in every run. Datasette has the wide tables of the same release in a SQLite file.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.federation.dataset import companies, write_reference
from finsync_pipeline import frames
from finsync_pipeline.aggregation.engine import DuckDBEngine
from finsync_pipeline.publishing.build import summarise
from finsync_pipeline.publishing.release import CURRENT, MANIFEST, ReleaseOptions, publish, releases
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS
from finsync_pipeline.statements.tables import TABLES

FIRST_QUARTER = "2010-03-31"
QUARTERS = 40
ANNUAL = 12
WIDE = ("financials", "company_summary")
"""The tables that Datasette has too."""
OF_NO_ROWS = ("accounting_checks", "accounting_grades", "history", "revisions", "rejects", "ledger")
INSERTED_AT_ONCE = 5_000
_SQLITE = {"string": "TEXT", "date32[day]": "TEXT", "int64": "INTEGER", "double": "REAL"}
_KEYS = "company_id, period_end, months, currency"


@dataclass(frozen=True)
class Dataset:
    """FINSYNC_HOME with the release, the list of companies, the SQLite file, and the ids of the companies."""

    home: Path
    reference: Path
    database: Path
    company_ids: list[str]

    @property
    def published(self) -> Path:
        """The folder of the releases."""
        return self.home / "published"

    @property
    def release(self) -> Path:
        """The folder of the first release."""
        return releases(self.published)[0]


def write(number: int, folder: Path) -> Dataset:
    """Publish a release of this number of companies, and write its wide tables for Datasette."""
    listed = companies(number)
    reference = write_reference(listed, folder / "reference")
    names = pd.DataFrame({"company_id": [each.id for each in listed], "name": [each.name for each in listed]})
    dataset = Dataset(folder / "home", reference, folder / "release.sqlite", [each.id for each in listed])
    tables = _tables(names.astype(frames.STRING))
    publish({"company_summary": tables["company_summary"]}, tables, _content(tables), ReleaseOptions(dataset.published))
    _write_sqlite(dataset)
    return dataset


def publish_again(dataset: Dataset) -> str:
    """Make another release of the same files current; gives its name."""
    before = releases(dataset.published)[-1]
    after = before.with_name(f"{int(before.name[:4]) + 1}{before.name[4:]}")
    after.mkdir()
    for file in before.iterdir():
        if file.name != MANIFEST:
            os.link(file, after / file.name)
    (after / MANIFEST).write_bytes((before / MANIFEST).read_bytes())
    link = dataset.published / f".{CURRENT}-next"
    link.symlink_to(after.name)
    link.replace(dataset.published / CURRENT)
    return after.name


def means(dataset: Dataset, item: str) -> list[float]:
    """The published means of an item, ascending."""
    with duckdb.connect() as connection:
        file = dataset.release / "company_summary.parquet"
        rows = connection.execute(f"SELECT {item} FROM '{file}' WHERE {item} IS NOT NULL ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def _tables(names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of the release; those of the machinery that no route of the benchmark reads are empty."""
    with DuckDBEngine() as engine:
        engine.connection.register("companies", frames.to_arrow(names))
        engine.connection.execute(_amounts_sql())
        engine.connection.execute(_cells_sql())
        queries = {"financials": _FINANCIALS, "agreement": _AGREEMENT, "facts": _FACTS}
        queries |= {"texts": _TEXTS, "company_ids": _COMPANY_IDS}
        made = {name: _frame(engine, name, sql) for name, sql in queries.items()}
        summary, _ = summarise(engine, made["financials"], engine.table(made["texts"]), names)
    return {"company_summary": summary, **made, **{name: TABLES[name].frame() for name in OF_NO_ROWS}}


def _frame(engine: DuckDBEngine, name: str, sql: str) -> pd.DataFrame:
    """The rows of the SQL as the table of this name; columns that it lacks are null."""
    schema = TABLES[name].arrow
    found = engine.connection.sql(sql)
    columns = [each if each in found.columns else f"NULL AS {each}" for each in schema.names]
    return frames.from_arrow(found.project(", ".join(columns)).to_arrow_table().cast(schema))


def _content(tables: dict[str, pd.DataFrame]) -> dict[str, object]:
    return {"facts": len(tables["facts"]), "sources": {}, "verdicts": {}, "cells_withheld": 0}


def _amounts_sql() -> str:
    """The values before anything is withheld: a row for each company, period and length, a column for each item."""
    columns = ", ".join(f"{_amount(item)} AS {item}" for item in NUMERIC_ITEMS)
    return f"""
        CREATE TABLE amounts AS
        WITH days AS (
            SELECT last_day(DATE '{FIRST_QUARTER}' + to_months(3 * quarter)) AS period_end
            FROM range({QUARTERS}) AS quarters (quarter)
        ),
        periods AS (
            SELECT company_id, period_end, months, 'USD' AS currency, 10 ** (6 + hash(company_id) % 400 / 100) AS size
            FROM companies, days, (VALUES (0::BIGINT), (3), ({ANNUAL})) AS lengths (months)
            WHERE months <> {ANNUAL} OR month(period_end) = 12
        )
        SELECT {_KEYS}, {columns} FROM periods
    """


def _amount(item: str) -> str:
    key = f"hash(company_id, period_end, months, '{item}')"
    is_there = f"months {'=' if ITEMS[item].kind == 'instant' else '<>'} 0 AND {key} % 100 <> 7"
    return f"CASE WHEN {is_there} THEN round(size * ({key} % 1000000) / 1e6, 2) END"


def _cells_sql() -> str:
    """The cells that are there: item, what is published, and how many sources have them."""
    parts = " UNION ALL ".join(
        f"""
        SELECT {_KEYS}, '{item}' AS item, {item} AS amount, {2 if ITEMS[item].statement == "income" else 1} AS sources,
            hash(company_id, period_end, months, '{item}', 1) % 2000 AS fate
        FROM amounts WHERE {item} IS NOT NULL
        """
        for item in NUMERIC_ITEMS
    )
    return f"""
        CREATE TABLE cells AS
        SELECT {_KEYS}, item, amount, sources, fate = 0 AS is_withheld,
            CASE
                WHEN fate = 0 THEN 'unit_suspect' WHEN fate = 1 AND sources = 2 THEN 'disputed'
                WHEN sources = 2 THEN 'agreed' ELSE 'single'
            END AS verdict
        FROM ({parts})
        ORDER BY company_id, item, period_end, months, currency
    """


def _of_items(pattern: str) -> str:
    return ", ".join(pattern.format(item=item) for item in NUMERIC_ITEMS)


_FINANCIALS = f"""
    WITH counts AS (
        SELECT {_KEYS},
            count(*) FILTER (verdict IN ('disputed', 'unit_suspect')) AS disputed,
            count(*) FILTER (is_withheld) AS withheld,
            list(item) FILTER (is_withheld) AS withheld_items
        FROM cells GROUP BY ALL
    )
    SELECT {_KEYS}, 'made' AS facts_version, disputed, withheld,
        {_of_items("CASE WHEN NOT coalesce(list_contains(withheld_items, '{item}'), false) THEN {item} END AS {item}")},
        {
    ", ".join(
        f"CASE WHEN {item} IS NULL OR coalesce(list_contains(withheld_items, '{item}'), false) THEN 0 "
        f"ELSE {2 if ITEMS[item].statement == 'income' else 1} END AS {item}_sources"
        for item in NUMERIC_ITEMS
    )
}
    FROM amounts JOIN counts USING ({_KEYS}) ORDER BY ALL
"""
_AGREEMENT = f"""
    SELECT {_KEYS}, item, sources, amount AS least,
        CASE WHEN verdict = 'disputed' THEN 1.1 * amount ELSE amount END AS greatest,
        CASE WHEN verdict = 'disputed' THEN 0.1 ELSE 0 END AS spread,
        verdict, CASE WHEN NOT is_withheld THEN amount END AS value,
        CASE WHEN is_withheld THEN 0 ELSE sources END AS sources_used, is_withheld,
        CASE WHEN is_withheld THEN 'a thousand times the value of the periods before and after' END AS why
    FROM cells ORDER BY company_id, item, period_end, months, currency
"""
_FACTS = f"""
    SELECT {_KEYS}, item, CASE WHEN verdict = 'disputed' AND number = 2 THEN 1.1 * amount ELSE amount END AS value,
        CASE number WHEN 1 THEN 'first' ELSE 'second' END AS source,
        concat_ws('-', company_id, period_end, months) AS row_key, 'made' AS data_version,
        period_end + 40 AS known_since, period_end + 41 AS first_seen
    FROM cells, (VALUES (1), (2)) AS numbers (number)
    WHERE number <= sources
    ORDER BY company_id, item, period_end, months, currency, source
"""
_TEXTS = f"""
    SELECT company_id, 'sector' AS item, period_end, months, 'Sector ' || hash(company_id) % 12 AS text,
        'first' AS source, concat_ws('-', company_id, period_end, months) AS row_key, 'made' AS data_version,
        period_end + 40 AS known_since, period_end + 41 AS first_seen
    FROM amounts WHERE months = {ANNUAL} ORDER BY company_id, item, source, row_key
"""
_COMPANY_IDS = """
    SELECT source, company_id AS source_name, period_end, count(*) AS row_count, 'accepted' AS status, company_id,
        'id' AS method, 'made' AS reference_version, 'made' AS review_version
    FROM amounts, (VALUES ('first'), ('second')) AS sources (source) GROUP BY ALL ORDER BY ALL
"""


def _write_sqlite(dataset: Dataset) -> None:
    """The wide tables as SQLite stores them, with indexes of companies and lengths."""
    with closing(sqlite3.connect(dataset.database)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        for name in WIDE:
            file = dataset.release / f"{name}.parquet"
            with duckdb.connect() as connection:
                found = connection.execute(f"SELECT * REPLACE ({_days_as_texts(name)}) FROM '{file}'")
                columns = [column[0] for column in found.description or ()]
                types = [f"{column} {_SQLITE[str(TABLES[name].arrow.field(column).type)]}" for column in columns]
                database.execute(f"CREATE TABLE {name} ({', '.join(types)})")
                marks = ", ".join("?" * len(columns))
                for rows in _batches(found):
                    database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        database.execute("CREATE INDEX financials_by_company ON financials (company_id)")
        database.execute("CREATE INDEX financials_by_length ON financials (months)")
        database.execute("CREATE INDEX company_summary_by_company ON company_summary (company_id)")
        database.execute("ANALYZE")


def _batches(found: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[object, ...]]]:
    while rows := found.fetchmany(INSERTED_AT_ONCE):
        yield rows


def _days_as_texts(name: str) -> str:
    schema = TABLES[name].arrow
    return ", ".join(f"{each.name}::VARCHAR AS {each.name}" for each in schema if str(each.type) == "date32[day]")
