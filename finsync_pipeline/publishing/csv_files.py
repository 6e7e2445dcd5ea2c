"""CSV for people: UTF-8, shortest exact numbers, and nothing that a spreadsheet would run as a formula."""

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from finsync_pipeline import frames
from finsync_pipeline.storage.whole_files import not_written, written_whole

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA = f"^[{''.join(frames.FORMULA_MARKS).replace('-', '')}-]"


def write_csv(frame: pd.DataFrame, path: Path, with_mark: bool = False) -> None:
    """Write the frame as CSV in UTF-8: a header, shortest exact numbers, empty cells for null.

    A text that a spreadsheet would run as a formula gets an apostrophe before it. `with_mark` puts the byte order mark
    first, by which Excel recognises UTF-8. Raises DataError if the file cannot be written.
    """
    table = frames.to_arrow(frame)
    columns = ", ".join(_harmless(field) for field in table.schema)
    with duckdb.connect(config={"threads": 1}) as connection, written_whole(path) as temporary:
        connection.register("frame", table)
        target = str(temporary).replace("'", "''")
        try:
            connection.execute(
                f"COPY (SELECT {columns} FROM frame) TO '{target}' (FORMAT csv, HEADER, NULLSTR '', USE_TMP_FILE false)"
            )
        except duckdb.IOException as error:
            raise not_written(path, error) from error
        if with_mark:
            temporary.write_bytes(BYTE_ORDER_MARK + temporary.read_bytes())


def _harmless(field: pa.Field) -> str:
    name = frames.quoted(field.name)
    if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
        return name
    return f"CASE WHEN regexp_matches({name}, '{_FORMULA}') THEN chr(39) || {name} ELSE {name} END AS {name}"
