"""A data file's cells reach the caller unchanged, or the file is rejected with the line and the fix."""

import json
import os
import pickle
import sqlite3
import tracemalloc
from contextlib import closing

import pyarrow as pa
import pytest
from service_client import sqlite_bytes

from source_services.data.columns import distinct_names, quoted
from source_services.data.data_files import find_data_file, find_data_files
from source_services.data.loader import load
from source_services.data.table_metadata import TableMetadata
from source_services.errors import DataFileError
from source_services.settings import Limits, Service


def table(metadata: TableMetadata) -> tuple[list[str], list[list[object]]]:
    """The columns and rows of a loaded table, as SQLite stores them."""
    with closing(sqlite3.connect(metadata.database)) as connection:
        rows = connection.execute(f"SELECT * FROM {quoted(metadata.service.name)} ORDER BY _rowid_")
        return [each[0] for each in rows.description], [list(row) for row in rows]


def indexes(metadata: TableMetadata) -> list[list[str]]:
    """The columns of each index of a loaded table."""
    with closing(sqlite3.connect(metadata.database)) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA index_list({quoted(metadata.service.name)})")]
        return sorted([row[2] for row in connection.execute(f"PRAGMA index_info({quoted(name)})")] for name in names)


def test_csv_cells_stay_text(load_file):
    metadata = load_file("pnl.csv", 'a,b,c,d\n0012,None,," (1,234) "\n1e3,NULL,"",1.50\n')
    assert table(metadata) == (
        ["a", "b", "c", "d"],
        [["0012", "None", "", " (1,234) "], ["1e3", "NULL", "", "1.50"]],
    )


def test_json_numbers_stay_numbers_and_text_stays_text(load_file):
    metadata = load_file(
        "cash_flow.jsonl",
        '{"i": 7, "f": 7.0, "t": "7", "yes": true, "no": false, "nothing": null, "list": [1, "é"]}\n',
    )
    with closing(sqlite3.connect(metadata.database)) as connection:
        row = connection.execute("SELECT * FROM cash_flow").fetchone()
    assert row == (7, 7.0, "7", "true", "false", None, '[1, "é"]')
    assert [type(cell) for cell in row] == [int, float, str, str, str, type(None), str]


def test_json_numbers_that_sqlite_cannot_hold_are_kept_as_text(load_file):
    metadata = load_file("x.jsonl", '{"a": 9223372036854775807, "b": 9223372036854775808, "c": 1e999}\n')
    assert table(metadata)[1] == [[9223372036854775807, "9223372036854775808", "1e999"]]


def test_nested_json_is_flattened_and_missing_members_are_null(load_file):
    metadata = load_file("x.jsonl", '{"rec": 1, "lines": {"Net income": 2.5}}\n\n{"rec": 2, "lines": {"EPS": ""}}\n')
    assert table(metadata) == (["rec", "lines.Net income", "lines.EPS"], [[1, 2.5, None], [2, None, ""]])


def test_a_dotted_name_is_not_mixed_up_with_a_nested_one(load_file):
    metadata = load_file("x.jsonl", '{"a.b": 1, "a": {"b": 2}}\n')
    assert table(metadata) == (["a.b", "a.b_2"], [[1, 2]])


@pytest.mark.parametrize("name", ["pnl.csv", "pnl.csv.gz"])
def test_a_byte_order_mark_is_not_part_of_the_first_column_name(name, load_file):
    assert table(load_file(name, b"\xef\xbb\xbfa,b\r\n1,2\r\n")) == (["a", "b"], [["1", "2"]])


def test_gzipped_json_lines_with_a_byte_order_mark_are_read(load_file):
    assert table(load_file("x.jsonl.gz", b'\xef\xbb\xbf{"a": 1}\n{"a": 2}')) == (["a"], [[1], [2]])


def test_blank_lines_contain_no_row_and_a_header_alone_is_an_empty_table(load_file):
    assert table(load_file("x.csv", "a,b\n\n1,2\n\n"))[1] == [["1", "2"]]
    assert table(load_file("y.csv", "a,b\n")) == (["a", "b"], [])


def test_an_unnamed_running_number_before_78_named_columns_becomes_the_column_row(load_file):
    names = [f"c{number}" for number in range(78)]
    lines = [",".join(names)] + [",".join(map(str, range(79))) for _ in range(3)]
    columns, rows = table(load_file("nyse.csv", "\n".join(lines)))
    assert columns == ["row", *names]
    assert rows == [[str(number) for number in range(79)]] * 3


def test_the_running_number_gives_way_to_a_column_that_is_named_row_already(load_file):
    assert table(load_file("x.csv", "Row,a\n0,1,2\n"))[0] == ["row_", "Row", "a"]


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        ("a,b\n1,2\n1,2,3\n", 3, "has 3 cells where 2"),
        ("a,b\n1,2\n1\n", 3, "has 1 cells where 2"),
        ("a,b\n0,1,2\n1,2\n", 3, "has 2 cells where 3"),
        ("a,b\n0,1,2,3\n", 2, "has 4 cells where 2"),
        ('a,b\n"x\ny",2\n1\n', 4, "has 1 cells where 2"),
        ('a,b\n1,"2\n3,4\n', 3, "is not valid CSV"),
    ],
)
def test_a_ragged_or_broken_csv_line_is_rejected_by_its_number(content, line, found, load_file):
    with pytest.raises(DataFileError, match=rf"pnl\.csv, line {line}: {found}"):
        load_file("pnl.csv", content)


@pytest.mark.parametrize("line", ['{"a": ', "[1]", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', '{"a": 1} x'])
def test_a_broken_json_line_is_rejected_by_its_number(line, load_file):
    with pytest.raises(DataFileError, match=r"x\.jsonl, line 2: cannot be read as a JSON object"):
        load_file("x.jsonl", '{"a": 1}\n' + line + "\n")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "is empty"),
        ("x.jsonl", "\n", "contains no values"),
        ("x.csv", b"a\n\xff\n", "is not UTF-8"),
        ("x.csv", ",".join(f"c{n}" for n in range(3000)) + "\n", "more than 2,000 columns"),
    ],
)
def test_a_file_without_a_table_is_rejected(name, content, message, load_file, tmp_path):
    with pytest.raises(DataFileError, match=message):
        load_file(name, content)
    assert list((tmp_path / "databases").iterdir()) == []


def test_a_file_that_is_not_gzip_or_cut_short_is_rejected(write, tmp_path):
    cut = write("pnl.csv.gz", "a,b\n" + "1,2\n" * 1000)
    cut.write_bytes(cut.read_bytes()[:-12])
    false = write("balance_sheet.csv.gz", "")
    false.write_bytes(b"a,b\n1,2\n")
    for data_file in (cut, false):
        with pytest.raises(DataFileError, match="cannot be read"):
            load(Service("pnl", 5001), data_file, tmp_path / "databases")


def test_names_that_are_equal_to_sqlite_are_made_distinct():
    assert distinct_names(["a", "", "A", "a", "a_2", " ", "_rowid_", "é", "É"]) == [
        "a",
        "column_2",
        "A_3",
        "a_4",
        "a_2",
        "column_6",
        "_rowid__2",
        "é",
        "É",
    ]


def test_names_with_quotes_and_commas_are_kept(load_file):
    names = ['he said "x"', "a,b", "Add'l income/expense", "rowid", "select"]
    line = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    assert table(load_file("order.csv", f"{line}\n1,2,3,4,5\n"))[0] == names


def test_the_error_of_a_missing_period_column_lists_the_columns(load_file):
    with pytest.raises(
        DataFileError, match=r"has no column 'Period Ended'.*--period-column or --index and one of: a, b"
    ):
        load_file("pnl.csv", "a,b\n1,2\n", "Period Ended")


def test_two_data_files_for_one_service_are_rejected(write, tmp_path):
    write("pnl.csv", "a\n")
    write("pnl.jsonl.gz", "{}")
    with pytest.raises(DataFileError, match=r"both pnl\.csv and pnl\.jsonl\.gz contain data of pnl; keep one"):
        find_data_file(tmp_path / "data", "pnl")


def test_the_error_of_a_missing_data_file_lists_the_possible_names(tmp_path):
    with pytest.raises(DataFileError) as caught:
        find_data_file(tmp_path, "pnl")
    for part in (str(tmp_path), "pnl.csv", "pnl.csv.gz", "pnl.jsonl", "pnl.jsonl.gz", "put one there"):
        assert part in str(caught.value)


def test_only_data_files_are_found_in_a_folder(write, tmp_path):
    for name in ("tax.csv", "pnl.jsonl.gz", "README.md", "._pnl.csv", "truth.parquet"):
        write(name, "x")
    assert list(find_data_files(tmp_path / "data")) == ["pnl", "tax"]


# The version of the contents


def test_the_order_and_format_of_rows_do_not_change_the_version(load_file):
    first = load_file("x.jsonl", '{"p": "Q1", "v": 1}\n{"p": "Q1", "w": 2}\n{"p": "Q2", "v": 3}\n', "p")
    second = load_file("x.jsonl.gz", '{"p": "Q2", "v": 3, "w": null}\n{"w": 2, "p": "Q1"}\n{"v": 1, "p": "Q1"}\n', "p")
    assert (first.data_version, first.periods) == (second.data_version, second.periods)


@pytest.mark.parametrize(
    "changed",
    [
        '{"p": "Q1", "v": 1.0}\n{"p": "Q2", "v": 3}\n',
        '{"p": "Q1", "v": "1"}\n{"p": "Q2", "v": 3}\n',
        '{"p": "Q1", "v": 1}\n{"p": "Q1", "v": 1}\n{"p": "Q2", "v": 3}\n',
        '{"p": "Q1", "w": 1}\n{"p": "Q2", "v": 3}\n',
        '{"p": "Q1", "v": null}\n{"p": "Q2", "v": 3}\n',
    ],
)
def test_a_change_in_one_period_changes_the_version_and_the_hash_of_that_period_only(changed, load_file):
    before = load_file("x.jsonl", '{"p": "Q1", "v": 1}\n{"p": "Q2", "v": 3}\n', "p")
    after = load_file("x.jsonl", changed, "p")
    assert after.data_version != before.data_version
    assert after.periods[0] != before.periods[0]
    assert after.periods[1] == before.periods[1]


def test_a_column_that_a_period_leaves_empty_does_not_change_its_hash(load_file):
    before = load_file("x.jsonl", '{"p": "Q1", "v": 1}\n', "p")
    after = load_file("x.jsonl", '{"p": "Q1", "v": 1}\n{"p": "Q2", "new": 2}\n', "p")
    assert after.periods[0] == before.periods[0]
    assert after.data_version != before.data_version


def test_periods_are_counted_by_value_and_type_and_missing_is_null(load_file):
    metadata = load_file("x.jsonl", '{"p": 2012}\n{"p": 2012.0}\n{"p": "2012"}\n{"p": null}\n{"q": 1}\n{"p": ""}', "p")
    assert [(each.period, type(each.period).__name__, each.row_count) for each in metadata.periods] == [
        (None, "NoneType", 2),
        (2012.0, "float", 1),
        (2012, "int", 1),
        ("", "str", 1),
        ("2012", "str", 1),
    ]


def test_only_the_contents_make_the_version_not_the_time_stamp(load_file, write, tmp_path):
    before = load_file("pnl.csv", "a\n1\n")
    os.utime(tmp_path / "data" / "pnl.csv", (0, 0))
    after = load(before.service, tmp_path / "data" / "pnl.csv", tmp_path / "databases")
    assert after == before


def test_the_files_are_named_by_their_version_and_those_of_other_versions_go(load_file, tmp_path):
    other_file = tmp_path / "databases" / "pnl_old-0123456789abcdef.sqlite"
    first = load_file("pnl.csv", "a\n1\n")
    other_file.write_bytes(b"of another service")
    second = load_file("pnl.csv", "a\n2\n")
    assert first.database.name == f"pnl-{first.data_version[:16]}.sqlite"
    stem = f"pnl-{second.data_version[:16]}"
    assert sorted(path.name for path in (tmp_path / "databases").iterdir()) == sorted(
        [f"{stem}.arrow", f"{stem}.sqlite", other_file.name]
    )


def test_a_broken_file_leaves_the_version_before_it_and_no_parts(load_file, tmp_path):
    metadata = load_file("pnl.csv", "a,b\n1,2\n")
    with pytest.raises(DataFileError, match="line 2001"):
        load_file("pnl.csv", "a,b\n" + "1,2\n" * 1999 + "1\n")
    assert {path.suffix for path in (tmp_path / "databases").iterdir()} == {".sqlite", ".arrow"}
    assert table(metadata) == (["a", "b"], [["1", "2"]])


# Kinds of columns, and the Arrow file


@pytest.mark.parametrize(
    ("cells", "kind", "arrow", "as_arrow"),
    [
        (['"a"', "null", '""'], "text", pa.string(), ["a", None, ""]),
        (["1", "null", "9223372036854775807"], "integer", pa.int64(), [1, None, 2**63 - 1]),
        (["0.5", "null", "-0.0"], "number", pa.float64(), [0.5, None, -0.0]),
        (["0.5", "3", "9007199254740992"], "number", pa.float64(), [0.5, 3.0, 2.0**53]),
        (["0.5", "3", "9007199254740993"], "mixed", pa.json_(), ["0.5", "3", "9007199254740993"]),
        (["0.5", "-9007199254740993", "3"], "mixed", pa.json_(), ["0.5", "-9007199254740993", "3"]),
        (["1", '"1"', "null"], "mixed", pa.json_(), ["1", '"1"', None]),
        (["true", "1.5", "2"], "mixed", pa.json_(), ['"true"', "1.5", "2"]),
        (["null", "null", "null"], "empty", pa.null(), [None, None, None]),
    ],
)
def test_a_column_is_of_the_kind_of_its_cells_and_the_arrow_file_has_them(cells, kind, arrow, as_arrow, load_file):
    lines = "".join(f'{{"id": {number}, "v": {cell}}}\n' for number, cell in enumerate(cells))
    metadata = load_file("x.jsonl", lines)
    assert list(metadata.columns.items()) == [("id", "integer"), ("v", kind)]
    file = pa.ipc.open_stream(metadata.arrow.read_bytes()).read_all()
    assert (file.schema.names, file.schema.field("v").type) == (["id", "v"], arrow)
    assert file["id"].to_pylist() == [0, 1, 2]
    assert list(map(repr, file["v"].to_pylist())) == list(map(repr, as_arrow))


def test_a_blob_stays_a_blob_and_among_text_it_is_its_hex_text(load_file):
    made = sqlite_bytes("CREATE TABLE x (b, m)", "INSERT INTO x VALUES (x'00ff', x'01'), (x'', 'é')")
    metadata = load_file("x.sqlite", made)
    assert list(metadata.columns.values()) == ["blob", "mixed"]
    file = pa.ipc.open_stream(metadata.arrow.read_bytes()).read_all()
    assert file.to_pydict() == {"b": [b"\x00\xff", b""], "m": ['"01"', '"é"']}


def test_a_table_of_many_batches_is_whole_in_the_arrow_file(load_file):
    metadata = load_file("x.csv", "a,b\n" + "".join(f"{number},é{number}\n" for number in range(70_001)))
    file = pa.ipc.open_stream(metadata.arrow.read_bytes()).read_all()
    assert file.num_rows == metadata.row_count == 70_001
    assert file["b"].to_pylist() == [f"é{number}" for number in range(70_001)]


def test_a_table_without_rows_has_an_arrow_file_with_its_columns(load_file):
    metadata = load_file("x.csv", "a,b\n")
    file = pa.ipc.open_stream(metadata.arrow.read_bytes()).read_all()
    assert (file.column_names, file.num_rows, metadata.longest_row) == (["a", "b"], 0, 0)


# SQLite files as data files


@pytest.mark.parametrize(
    ("statements", "rows"),
    [
        (["CREATE TABLE pnl (a)", "INSERT INTO pnl VALUES (1)"], [[1]]),
        (["CREATE TABLE statements (a)", "INSERT INTO statements VALUES (1)"], [[1]]),
        (
            [
                "CREATE TABLE notes (a)",
                "CREATE TABLE pnl (a INTEGER PRIMARY KEY AUTOINCREMENT)",
                "INSERT INTO pnl VALUES (7)",
            ],
            [[7]],
        ),
        (["CREATE TABLE pnl (a TEXT, b REAL)", "INSERT INTO pnl VALUES (1, 2)"], [["1", 2.0]]),
        (["CREATE TABLE pnl (a)", "INSERT INTO pnl VALUES (9e999), (-9e999)"], [["Infinity"], ["-Infinity"]]),
        (["CREATE TABLE pnl (a, A_)", "INSERT INTO pnl VALUES (x'00ff', NULL)"], [[b"\x00\xff", None]]),
        (["CREATE TABLE pnl (a PRIMARY KEY) WITHOUT ROWID", "INSERT INTO pnl VALUES ('x')"], [["x"]]),
        (["CREATE TABLE pnl (a, b AS (a + 1))", "INSERT INTO pnl VALUES (1)"], [[1, 2]]),
    ],
    ids=[
        *("of its name", "the only one", "of its name among others", "declared types", "infinity", "blob and null"),
        *("without rowid", "generated column"),
    ],
)
def test_a_table_of_a_sqlite_file_is_loaded(statements, rows, load_file):
    assert table(load_file("pnl.sqlite", sqlite_bytes(*statements)))[1] == rows


def test_text_with_nul_of_a_sqlite_file_is_kept(load_file):
    made = sqlite_bytes("CREATE TABLE x (a)", "INSERT INTO x VALUES ('a' || char(0) || 'b')")
    metadata = load_file("x.sqlite", made)
    assert table(metadata)[1] == [["a\0b"]]
    assert pa.ipc.open_stream(metadata.arrow.read_bytes()).read_all()["a"].to_pylist() == ["a\0b"]


def test_indexes_of_a_sqlite_file_are_copied_along_with_those_of_the_options(load_file):
    made = sqlite_bytes(
        "CREATE TABLE x (company, period, tax, UNIQUE (company, period))",
        "CREATE INDEX by_tax ON x (tax)",
        "CREATE INDEX by_size ON x (abs(tax))",
        "INSERT INTO x VALUES ('WYETH', 'Q1', 1)",
    )
    metadata = load_file("x.sqlite", made, "period", (("tax", "company"),))
    expected = [["company", "period"], ["period"], ["tax"], ["tax", "company"]]
    assert sorted(map(list, metadata.indexes)) == expected
    assert indexes(metadata) == expected


def test_an_index_over_a_missing_column_is_rejected(load_file):
    with pytest.raises(DataFileError, match=r"has no column 'b', an index column of x.*--index and one of: a"):
        load_file("x.csv", "a\n1\n", None, (("a", "b"),))


def test_rows_in_the_log_of_a_sqlite_file_are_loaded_and_the_file_is_not_changed(tmp_path):
    data_file = tmp_path / "pnl.sqlite"
    with closing(sqlite3.connect(data_file, isolation_level=None)) as writing:
        writing.execute("PRAGMA journal_mode = WAL")
        writing.execute("PRAGMA wal_autocheckpoint = 0")
        writing.execute("CREATE TABLE pnl (a)")
        writing.execute("INSERT INTO pnl VALUES (1), (2)")
        before = data_file.read_bytes()
        assert table(load(Service("pnl", 5001), data_file, tmp_path / "databases"))[1] == [[1], [2]]
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("INSERT INTO pnl VALUES (3)")
        assert table(load(Service("pnl", 5001), data_file, tmp_path / "databases"))[1] == [[1], [2]]
        assert data_file.read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: b"a,b\n1,2\n" * 500, "cannot be read as a SQLite file"),
        (lambda content: content[: len(content) // 2], "cannot be read as a SQLite file"),
        (lambda content: content[:-4096] + b"\xff" * 4096, "cannot be read as a SQLite file"),
        (lambda content: b"", "has no table; put the statements into a table 'pnl'"),
    ],
    ids=["not a database", "cut short", "a destroyed page", "empty"],
)
def test_a_broken_sqlite_file_is_rejected(damage, message, load_file, tmp_path):
    made = sqlite_bytes(
        "CREATE TABLE pnl (a)",
        "INSERT INTO pnl SELECT value || hex(zeroblob(300)) FROM json_each('[" + ",".join(map(str, range(99))) + "]')",
    )
    with pytest.raises(DataFileError, match=message):
        load_file("pnl.sqlite", damage(made))
    assert list((tmp_path / "databases").iterdir()) == []


def test_text_of_a_sqlite_file_that_is_not_utf_8_is_rejected(load_file):
    made = sqlite_bytes("CREATE TABLE pnl (a)", "INSERT INTO pnl VALUES (CAST(x'ff41' AS TEXT))")
    with pytest.raises(DataFileError, match="cannot be read as a SQLite file"):
        load_file("pnl.sqlite", made)


def test_the_error_of_a_sqlite_file_without_the_table_lists_its_tables(load_file):
    made = sqlite_bytes("CREATE TABLE a (x)", "CREATE TABLE b (x)", "CREATE VIEW pnl AS SELECT 1 y")
    with pytest.raises(DataFileError, match="has no table 'pnl'; rename one of: a, b"):
        load_file("pnl.sqlite", made)


def test_a_csv_cell_may_be_long(load_file):
    assert load_file("x.csv", f'a\n"{"x" * 200_000}"\n').longest_row > 200_000


def test_an_error_has_what_is_wrong_where_and_the_fix(write):
    data_file = write("pnl.csv", "a,b\n1,2,3\n4\n")
    with pytest.raises(DataFileError) as caught:
        load(Service("pnl", 0), data_file, data_file.parent / "databases")
    error = pickle.loads(pickle.dumps(caught.value))  # as it comes from the process that loads
    assert (error.what, error.where) == ("has 1 cells where 3 are expected", f"{data_file}, line 3")
    assert str(error) == str(caught.value) == f"{error.where}: {error.what}; {error.fix}"


# Files that are larger than they look

LONG_ROWS = {
    "one cell": ("x.csv.gz", b"a,b\n1," + b"x" * 200_000_000),
    "one cell, quoted": ("x.csv.gz", b'a,b\n1,"' + b"x\n" * 50_000_000),
    "many cells": ("x.csv.gz", b"a\n" + b"x," * 100_000_000),
    "the header": ("x.csv.gz", b"x" * 200_000_000),
    "one text": ("x.jsonl.gz", b'{"a": "' + b"x" * 200_000_000),
    "spaces": ("x.jsonl.gz", b" " * 200_000_000),
    "brackets": ("x.jsonl.gz", b"[" * 200_000_000),
}


@pytest.mark.parametrize("name", LONG_ROWS)
def test_a_row_that_is_too_long_is_rejected_before_it_is_in_memory(name, load_file):
    tracemalloc.start()
    try:
        with pytest.raises(DataFileError, match="row of more than 1,000,000 characters"):
            load_file(*LONG_ROWS[name], limits=Limits(row_bytes=1_000_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(LONG_ROWS[name][1]) + 20_000_000, "the test itself has the file in memory"


def test_more_columns_than_the_limit_are_rejected_before_they_are_in_memory(load_file):
    rows = "".join(json.dumps({f"c{row}_{place}": 1 for place in range(100)}) + "\n" for row in range(1_000))
    for name, content in (("x.jsonl", rows), ("x.csv", ",".join(map(str, range(301))) + "\n")):
        with pytest.raises(DataFileError, match="more than 300 columns"):
            load_file(name, content, limits=Limits(columns=300))


LONG_PATH = b'{"a":' * 300
WIDE_ROWS = {
    "a header of commas": ("x.csv.gz", b"," * 3_000_000 + b"\n1\n"),
    "a header of one name": ("x.csv.gz", b"a," * 1_500_000 + b"\n1\n"),
    "members far below": (
        "x.jsonl.gz",
        LONG_PATH + b"{" + b",".join(b'"%x":1' % number for number in range(200_000)) + b"}" * 301,
    ),
}


@pytest.mark.parametrize("name", WIDE_ROWS)
def test_the_columns_of_one_row_are_counted_before_they_get_names(name, load_file):
    tracemalloc.start()
    try:
        with pytest.raises(DataFileError, match="more than 2,000 columns"):
            load_file(*WIDE_ROWS[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80_000_000, "of which the row is 30"


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_row_that_there_is_no_memory_for_is_an_error_of_the_file(name, load_file):
    """Of 16 million characters, each of which may be four bytes."""
    cell = "\U0001f600" * 15_000_000
    content = f'a\n"{cell}"\n' if name == "x.csv" else f'{{"a": "{cell}"}}\n'
    with pytest.raises(DataFileError, match="or more than there is memory for"):
        load_file(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.csv", "a," + "é" * 501 + "\n1,2\n"), ("x.jsonl", '{"a": {"' + "b" * 600 + '": {"' + "c" * 600 + '": 1}}}\n')],
)
def test_a_name_that_is_too_long_is_rejected(load_file, name, content):
    with pytest.raises(DataFileError, match="bytes; the limit is 1,000"):
        load_file(name, content)


@pytest.mark.parametrize(
    "columns",
    [
        "b AS (hex(zeroblob(400000000)))",
        "b AS (replace(hex(zeroblob(8000000)), '0', 'xxxxxxxxxx'))",
        ", ".join(f"b{number} AS (hex(zeroblob(7000000 + {number})))" for number in range(40)),
    ],
    ids=["one cell", "one cell, in steps", "one row"],
)
def test_generated_columns_fill_no_memory(load_file, columns):
    made = sqlite_bytes(f"CREATE TABLE x (a, {columns})", "INSERT INTO x (a) VALUES (1)")
    with pytest.raises(DataFileError, match="more than 16,777,216 bytes, or more than there is memory for"):
        load_file("x.sqlite", made)


def test_a_table_that_is_larger_than_the_limit_is_rejected(load_file, tmp_path):
    rows = b"a,b\n" + b"1,2\n" * 3_000_000
    with pytest.raises(DataFileError, match="table needs more than 10,000,000 bytes"):
        load_file("x.csv.gz", rows, limits=Limits(table_bytes=10_000_000))
    assert list((tmp_path / "databases").iterdir()) == []


def test_long_rows_are_loaded_a_few_at_a_time(load_file):
    content = "".join(f'{{"n": {number}, "t": "{"x" * 1_000_000}"}}\n' for number in range(60))
    tracemalloc.start()
    try:
        metadata = load_file("x.jsonl", content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert metadata.row_count == 60
    assert peak < 130_000_000, "of which the file is 60"


@pytest.mark.parametrize("name", ["pnl.csv", "pnl.csv.gz", "pnl.jsonl", "pnl.sqlite"])
def test_a_pipe_in_the_place_of_a_file_is_rejected_at_once(tmp_path, name):
    pipe = tmp_path / name
    os.mkfifo(pipe)
    with pytest.raises(DataFileError, match="is not a regular file"):
        load(Service("pnl", 5001), pipe, tmp_path / "databases")
