"""The numbers of a release as they were known on any day, in Python or by SQL:

    from finsync_pipeline.publishing.as_of import as_of, open_history

    release = Path("finsync_data/published/current")
    as_of(release, date(2015, 3, 31))              # without what was suspect by then
    as_of(release, date(2015, 3, 31), suspects="as filed")
    open_history(release).sql("SELECT * FROM as_of(DATE '2015-03-31') WHERE item = 'revenue'")
    open_history(release).sql("SELECT * FROM revisions() WHERE cause = 'unit'")

A release before 0.2.0 has no history.
"""

from datetime import date
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.quality.history import make_macros

Suspects = Literal["withhold", "as filed"]


def as_of(release: Path, day: date, suspects: Suspects = "withhold") -> pd.DataFrame:
    """The numbers of each source, as the release in this folder has them known at the end of the day.

    Columns: company_id, item, period_end, months, currency, source, value, row_key, data_version, known_since,
    first_seen, is_disputed. Of several versions the newest counts; where it is not known which of different values is
    newest, `value` is null and `is_disputed` true. A version that was suspect on the day since which it is known does
    not count, unless `suspects` is `as filed`. Raises PublicationError if the release has no history.
    """
    with open_history(release) as connection:
        sql = "SELECT * FROM as_of($day, suspects := $suspects) ORDER BY ALL"
        found = connection.sql(sql, params={"day": day, "suspects": suspects})
        return frames.from_arrow(found.to_arrow_table())


def open_history(release: Path) -> duckdb.DuckDBPyConnection:
    """A connection with the table HISTORY of the release as `history`, and the macros `as_of` and `revisions`.

    Raises PublicationError if the folder has no history.
    """
    file = release / "history.parquet"
    if not file.exists():
        raise PublicationError("this release has no history", "Make a new one: finsync run", release)
    connection = duckdb.connect()
    connection.read_parquet(str(file)).create_view("history")
    make_macros(connection)
    return connection
