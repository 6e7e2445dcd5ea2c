"""A data file's cells reach the caller as they stand, or the file is refused with place and cure."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from source_services.data_files import DataFileError, distinct_names, find_data_file, find_data_files
from source_services.loading import load
from source_services.services import Service


def test_csv_cells_stay_the_text_that_they_are(load_file, table):
    holdings = load_file("pnl.csv", 'a,b,c,d\n0012,None,," (1,234) "\n1e3,NULL,"",1.50\n')
    assert table(holdings) == (
        ["a", "b", "c", "d"],
        [["0012", "None", "", " (1,234) "], ["1e3", "NULL", "", "1.50"]],
    )


def test_json_numbers_stay_numbers_and_text_stays_text(load_file):
    holdings = load_file(
        "cash_flow.jsonl",
        '{"i": 7, "f": 7.0, "t": "7", "yes": true, "no": false, "nothing": null, "list": [1, "é"]}\n',
    )
    with closing(sqlite3.connect(holdings.database)) as connection:
        row = connection.execute("SELECT * FROM cash_flow").fetchone()
    assert row == (7, 7.0, "7", "true", "false", None, '[1, "é"]')
    assert [type(cell) for cell in row] == [int, float, str, str, str, type(None), str]


def test_json_numbers_that_sqlite_cannot_hold_are_kept_as_text(load_file, table):
    holdings = load_file("x.jsonl", '{"a": 9223372036854775807, "b": 9223372036854775808, "c": 1e999}\n')
    assert table(holdings)[1] == [[9223372036854775807, "9223372036854775808", "1e999"]]


def test_nested_json_is_flattened_and_what_is_missing_is_null(load_file, table):
    holdings = load_file("x.jsonl", '{"rec": 1, "lines": {"Net income": 2.5}}\n\n{"rec": 2, "lines": {"EPS": ""}}\n')
    assert table(holdings) == (["rec", "lines.Net income", "lines.EPS"], [[1, 2.5, None], [2, None, ""]])


def test_a_dotted_name_is_not_mixed_up_with_a_nested_one(load_file, table):
    holdings = load_file("x.jsonl", '{"a.b": 1, "a": {"b": 2}}\n')
    assert table(holdings) == (["a.b", "a.b_2"], [[1, 2]])


@pytest.mark.parametrize("name", ["pnl.csv", "pnl.csv.gz"])
def test_a_byte_order_mark_is_no_part_of_the_first_column_name(name, load_file, table):
    assert table(load_file(name, b"\xef\xbb\xbfa,b\r\n1,2\r\n")) == (["a", "b"], [["1", "2"]])


def test_gzipped_json_lines_with_a_byte_order_mark_are_read(load_file, table):
    assert table(load_file("x.jsonl.gz", b'\xef\xbb\xbf{"a": 1}\n{"a": 2}')) == (["a"], [[1], [2]])


def test_blank_lines_hold_no_row_and_a_header_alone_is_an_empty_table(load_file, table):
    assert table(load_file("x.csv", "a,b\n\n1,2\n\n"))[1] == [["1", "2"]]
    assert table(load_file("y.csv", "a,b\n")) == (["a", "b"], [])


def test_an_unnamed_running_number_before_78_named_columns_becomes_the_column_row(load_file, table):
    names = [f"c{number}" for number in range(78)]
    lines = [",".join(names)] + [",".join(map(str, range(79))) for _ in range(3)]
    columns, rows = table(load_file("nyse.csv", "\n".join(lines)))
    assert columns == ["row", *names]
    assert rows == [[str(number) for number in range(79)]] * 3


def test_the_running_number_gives_way_to_a_column_that_is_named_row_already(load_file, table):
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
def test_a_ragged_or_broken_csv_line_is_refused_by_its_number(content, line, found, load_file):
    with pytest.raises(DataFileError, match=rf"pnl\.csv, line {line}: {found}"):
        load_file("pnl.csv", content)


@pytest.mark.parametrize("line", ['{"a": ', "[1]", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\ud800"}', '{"a": 1} x'])
def test_a_broken_json_line_is_refused_by_its_number(line, load_file):
    with pytest.raises(DataFileError, match=r"x\.jsonl, line 2: cannot be read as a JSON object"):
        load_file("x.jsonl", '{"a": 1}\n' + line + "\n")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "is empty"),
        ("x.jsonl", "\n", "holds no values"),
        ("x.csv", b"a\n\xff\n", "is not UTF-8"),
        ("x.csv", ",".join(f"c{n}" for n in range(3000)) + "\n", "3000 columns cannot be stored"),
    ],
)
def test_a_file_without_a_table_is_refused(name, content, message, load_file, tmp_path):
    with pytest.raises(DataFileError, match=message):
        load_file(name, content)
    assert list((tmp_path / "databases").iterdir()) == []


def test_a_file_that_is_not_gzip_or_cut_short_is_refused(write, tmp_path):
    cut = write("pnl.csv.gz", "a,b\n" + "1,2\n" * 1000)
    cut.write_bytes(cut.read_bytes()[:-12])
    false = write("balance_sheet.csv.gz", "")
    false.write_bytes(b"a,b\n1,2\n")
    for data_file in (cut, false):
        with pytest.raises(DataFileError, match="cannot be read"):
            load(Service("pnl", 5001), data_file, tmp_path / "databases")


def test_names_that_sqlite_cannot_tell_apart_are_made_distinct():
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


def test_names_with_quotes_and_commas_are_kept(load_file, table):
    names = ['he said "x"', "a,b", "Add'l income/expense", "rowid", "select"]
    line = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    assert table(load_file("order.csv", f"{line}\n1,2,3,4,5\n"))[0] == names


def test_a_missing_period_column_is_refused_with_the_columns_that_there_are(load_file):
    with pytest.raises(DataFileError, match=r"has no column 'Period Ended'.*--period-column and one of: a, b"):
        load_file("pnl.csv", "a,b\n1,2\n", "Period Ended")


def test_two_data_files_for_one_service_are_refused(write, tmp_path):
    write("pnl.csv", "a\n")
    write("pnl.jsonl.gz", "{}")
    with pytest.raises(DataFileError, match=r"both pnl\.csv and pnl\.jsonl\.gz hold data of pnl; keep one"):
        find_data_file(tmp_path / "data", "pnl")


def test_a_missing_data_file_is_told_with_all_that_was_looked_for(tmp_path):
    with pytest.raises(DataFileError) as caught:
        find_data_file(tmp_path, "pnl")
    for part in (str(tmp_path), "pnl.csv", "pnl.csv.gz", "pnl.jsonl", "pnl.jsonl.gz", "put one there"):
        assert part in str(caught.value)


def test_only_data_files_are_found_in_a_folder(write, tmp_path):
    for name in ("tax.csv", "pnl.jsonl.gz", "README.md", "._pnl.csv", "truth.parquet"):
        write(name, "x")
    assert list(find_data_files(tmp_path / "data")) == ["pnl", "tax"]


# What the service holds


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
    holdings = load_file("x.jsonl", '{"p": 2012}\n{"p": 2012.0}\n{"p": "2012"}\n{"p": null}\n{"q": 1}\n{"p": ""}', "p")
    assert [(each.period, type(each.period).__name__, each.row_count) for each in holdings.periods] == [
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


def test_the_database_is_named_by_its_version_and_nothing_else_is_left(load_file, tmp_path):
    first = load_file("pnl.csv", "a\n1\n")
    second = load_file("pnl.csv", "a\n2\n")
    assert first.database.name == f"pnl-{first.data_version[:16]}.sqlite"
    assert sorted(path.name for path in (tmp_path / "databases").iterdir()) == sorted(
        Path(holdings.database).name for holdings in (first, second)
    )
