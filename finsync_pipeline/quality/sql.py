"""The SQL files of this package: each makes temporary tables of a connection from others."""

from importlib.resources import files

import duckdb


def run_statements(connection: duckdb.DuckDBPyConnection, statements: str, **parts: str) -> None:
    """Run the SQL file of this name; `parts` are put in where it has their names in braces."""
    text = (files(__package__) / f"{statements}.sql").read_text(encoding="utf-8")
    connection.execute(text.format(**parts) if parts else text)
