"""The numbers of a release as they were known on any day, in Python or by SQL.

from finsync_pipeline.publishing.as_of import as_of, open_history

as_of(date(2015, 3, 31))                       # without what was suspect by then
as_of(date(2015, 3, 31), suspects="as filed")
open_history().sql("SELECT * FROM as_of(DATE '2015-03-31') WHERE item = 'revenue'")
open_history().sql("SELECT * FROM revisions() WHERE cause = 'unit'")
"""

from datetime import date
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd

from finsync_pipeline import frames
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.release import CURRENT
from finsync_pipeline.quality.history import make_macros
from finsync_pipeline.settings import published_folder

Suspects = Literal["withhold", "as filed"]


def as_of(day: date, suspects: Suspects = "withhold", release: Path | None = None) -> pd.DataFrame:
    """The numbers of each source as they were known at the end of the day; of the current release if none is given.

    Columns: company_id, item, period_end, months, currency, source, value, row_key, data_version, known_since,
    first_seen, is_disputed. Of several versions the newest counts; where it is not known which of different values is
    newest, `value` is null and `is_disputed` true. A version that was suspect on the day since which it is known does
    not count, unless `suspects` is `as filed`. Raises PublicationError if there is no release, or one without history.
    """
    with open_history(release) as connection:
        found = connection.execute(
            "SELECT * FROM as_of($day, suspects := $suspects) ORDER BY ALL", {"day": day, "suspects": suspects}
        )
        return frames.from_arrow(found.to_arrow_table())


def open_history(release: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection with the table HISTORY of the release as `history`, and the macros `as_of` and `revisions`.

    Without a release, that of the current one. Raises PublicationError if there is none, or if it has no history.
    """
    folder = release or (published_folder() / CURRENT).resolve()
    file = folder / "history.parquet"
    if not file.exists():
        raise PublicationError("there is no release with a history", "Make one: finsync run", folder)
    connection = duckdb.connect()
    connection.read_parquet(str(file)).create_view("history")
    make_macros(connection)
    return connection
