"""What others offer for the same task: RapidFuzz, difflib, and a join in DuckDB's SQL."""

import difflib
from collections.abc import Sequence

import duckdb
import pandas as pd
import pyarrow as pa
from rapidfuzz.distance import OSA
from rapidfuzz.process import extractOne

from benchmarks.identity.noise import plain

MOST_EDITS = 2

#: Each text with one or two characters left out, or none: two texts within two edits have one of these in common.
DELETES = """
    SELECT number, hash(text[1 : i - 1] || text[i + 1 : j - 1] || text[j + 1 :]) AS rest
    FROM {table}, places
    WHERE j <= length(text) + 1 OR (i = length(text) + 1 AND j = i + 1)
"""
#: Materialized, since DuckDB would else count the edits of a pair once for each rest that it has in common.
JOIN = """
    WITH pairs AS MATERIALIZED (
        SELECT DISTINCT a.number AS question, l.number AS answer
        FROM ({asked}) AS a JOIN ({listed}) AS l USING (rest)
    ),
    edits AS MATERIALIZED (
        SELECT question, answer, damerau_levenshtein(asked.text, listed.text) AS edits
        FROM pairs JOIN asked ON asked.number = question JOIN listed ON listed.number = answer
    ),
    nearest AS (SELECT * FROM edits WHERE edits <= 2 QUALIFY rank() OVER (PARTITION BY question ORDER BY edits) = 1)
    SELECT question, min(answer) AS answer FROM nearest GROUP BY question HAVING count(*) = 1
"""


def by_rapidfuzz(source_names: Sequence[str], listed: Sequence[str]) -> list[str | None]:
    """The exact id, else the nearest within two edits, of each normalised source name."""
    exact = set(listed)
    answers: list[str | None] = []
    for text in map(plain, source_names):
        found = None if text in exact else extractOne(text, listed, scorer=OSA.distance, score_cutoff=MOST_EDITS)
        answers.append(text if text in exact else found[0] if found else None)
    return answers


def by_difflib(source_names: Sequence[str], listed: Sequence[str]) -> list[str | None]:
    """The closest match of each source name as it stands, at Python's own cutoff."""
    found = (difflib.get_close_matches(source_name, listed, n=1, cutoff=0.6) for source_name in source_names)
    return [matches[0] if matches else None for matches in found]


class DeletesJoin:
    """A join on what is left of both sides without up to two characters, verified, unique nearest alone."""

    def __init__(self, listed: Sequence[str], asked: Sequence[str]):
        self.listed = pd.Series(listed)
        self.number = len(asked)
        self.connection = duckdb.connect()
        self.connection.execute("SET enable_progress_bar = false")
        longest = max(map(len, [*listed, *asked]))
        places = [(i, j) for i in range(1, longest + 2) for j in range(i + 1, longest + 3)]
        self.connection.register("places_given", pd.DataFrame(places, columns=["i", "j"]))
        self._keep("listed", listed)
        self._keep("asked", asked)
        self.connection.execute("CREATE TABLE places AS FROM places_given")

    def prepare(self) -> None:
        """Keep the deletes of the listed side, as an index."""
        self.connection.execute("CREATE TABLE prepared AS " + DELETES.format(table="listed"))

    def run(self, prepared: bool = False) -> pd.Series:
        """The id of each asked text; null where none or several are nearest."""
        listed = "FROM prepared" if prepared else DELETES.format(table="listed")
        found = self.connection.execute(JOIN.format(asked=DELETES.format(table="asked"), listed=listed)).df()
        return pd.Series(range(self.number)).map(found.set_index("question")["answer"]).map(self.listed)

    def _keep(self, table: str, texts: Sequence[str]) -> None:
        rows = pa.table({"number": pa.array(range(len(texts)), pa.int32()), "text": pa.array(texts, pa.string())})
        self.connection.register(f"{table}_given", rows)
        self.connection.execute(f"CREATE TABLE {table} AS FROM {table}_given")
