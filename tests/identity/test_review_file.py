"""Reading the review file: what is read, and what is reported of each mistake in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from factories import PROJECT
from resolving import MakeReference

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity import Reference, Review, read_reference, read_review
from finsync_pipeline.identity.csv_text import read_rows
from finsync_pipeline.identity.results import Method, Status
from finsync_pipeline.identity.review import QUEUE_COLUMNS, REVIEW_COLUMNS, ReviewLine
from finsync_pipeline.settings import SAMPLE_REFERENCE
from finsync_pipeline.statements.tables import COMPANY_IDS, IDENTITY_REVIEW, REVIEW_LINES

SOURCES = ("pnl", "cash_flow")
HEADER = "source,source_name,company_id,who,when"


@pytest.fixture
def reference(make_reference: MakeReference) -> Reference:
    return make_reference([{"company_id": "A1"}, {"company_id": "G1"}])


def write(folder: Path, content: str) -> Path:
    file = folder / "review.csv"
    file.write_text(content, encoding="utf-8")
    return file


def read(folder: Path, reference: Reference, content: str) -> Review:
    return read_review(write(folder, content), reference, SOURCES)


def test_every_column_is_read_and_others_are_left_out(tmp_path: Path, reference: Reference) -> None:
    content = (
        "\ufeffrows,Source,source_name,supporting_columns,company_id,valid_from,valid_to,who,when,note\r\n"
        '3,pnl," Acme, Inc ","{""b"": 1, ""a"": null}",A1,2009-01-01,2009-12-31,jane,2026-01-31,why\r\n'
        ",*,Bolt,,REJECT,,,joe,2026-02-01,\r\n,,Bolt & Co,,G1,,,joe,2026-02-01,\r\n"
    )

    first, second, third = read(tmp_path, reference, content).lines

    days = date(2009, 1, 1), date(2009, 12, 31)
    when = date(2026, 1, 31)
    assert first == ReviewLine("pnl", "Acme, Inc", '{"a": null, "b": 1}', "A1", *days, "jane", when, "why")
    assert (second.source, second.company_id, second.note) == (None, "reject", None)
    assert (third.source, third.supporting_columns, third.company_id) == (None, None, "G1")


def test_the_header_of_an_earlier_version_is_read(tmp_path: Path, reference: Reference) -> None:
    rows = 'pnl,Acme,"{""a"": 1}",A1,,,jane,2026-01-31,why\n'
    earlier = "source,spelling,evidence,company_id,valid_from,valid_to,who,when,note\n"
    now = "source,source_name,supporting_columns,company_id,valid_from,valid_to,who,when,note\n"

    (line,) = read(tmp_path, reference, earlier + rows).lines

    assert (line.source_name, line.supporting_columns) == ("Acme", '{"a": 1}')
    assert read(tmp_path, reference, now + rows).lines == (line,)


def test_no_file_and_a_file_without_lines_decide_nothing(tmp_path: Path, reference: Reference) -> None:
    empty = read(tmp_path, reference, f"{HEADER}\n")

    assert read_review(None, reference, SOURCES).lines == empty.lines == ()
    assert empty.version == Review().version


def test_the_version_does_not_depend_on_the_order_of_rows_and_columns(tmp_path: Path, reference: Reference) -> None:
    one = read(tmp_path, reference, f"{HEADER}\npnl,a,A1,jane,2026-01-31\n*,b,G1,jane,2026-01-31\n").version
    other = "when,who,company_id,source_name,source\n2026-01-31,jane,G1,b,\n2026-01-31,jane,A1,a,pnl\n"

    assert read(tmp_path, reference, other).version == one


GOOD = "pnl,Acme,A1,jane,2026-01-31"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("pnl,,A1,jane,2026-01-31", ["row 3, column source_name", "blank", "as the source writes it"]),
        ("pln,Bolt,A1,jane,2026-01-31", ["row 3, column source", "'pln' is not a source", "cash_flow, pnl", "blank"]),
        ("pnl,Bolt,,jane,2026-01-31", ["row 3, column company_id", "blank", "or reject"]),
        ("pnl,Bolt,X9,jane,2026-01-31", ["row 3, column company_id", "'X9' is not in the list", "or write reject"]),
        ("pnl,Bolt,A1,,2026-01-31", ["row 3, column who", "blank", "who decided it"]),
        ("pnl,Bolt,A1,jane,", ["row 3, column when", "blank", "2026-01-31"]),
        ("pnl,Bolt,A1,jane,31/01/2026", ["row 3, column when", "'31/01/2026' is not a date", "2026-01-31"]),
        ("pnl,Acme,G1,joe,2026-02-01", ["row 3, column company_id", "'G1' for 'Acme'", "'A1' in row 2", "Keep one"]),
        ("pnl,Acme,reject,joe,2026-02-01", ["row 3, column company_id", "'reject' for 'Acme'", "'A1' in row 2"]),
        ("pnl,Bolt,Inc,A1,jane,2026-01-31", ["row 3", "6 cells", "double quotes"]),
    ],
)
def test_a_mistake_names_file_row_column_and_fix(
    tmp_path: Path, reference: Reference, rows: str, said: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as mistake:
        read(tmp_path, reference, f"{HEADER}\n{GOOD}\n{rows}\n")

    assert [words for words in ["review.csv", *said] if words not in str(mistake.value)] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("source_name,company_id,who\na,A1,jane\n", ["row 1", "no column when"]),
        ("", ["is empty", "header"]),
        (
            f"{HEADER},supporting_columns\n{GOOD},Acme\n",
            ["row 2, column supporting_columns", "'Acme' is not a JSON object", "blank"],
        ),
        (
            f"{HEADER},supporting_columns\n{GOOD},[1]\n",
            ["row 2, column supporting_columns", "'[1]' is not a JSON object"],
        ),
        (
            f"{HEADER},valid_from,valid_to\n{GOOD},2010-01-01,2009-01-01\n",
            ["row 2, column valid_from", "2010-01-01 is after valid_to"],
        ),
    ],
)
def test_a_mistake_of_the_file_or_of_an_optional_column(
    tmp_path: Path, reference: Reference, content: str, said: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as mistake:
        read(tmp_path, reference, content)

    assert [words for words in ["review.csv", *said] if words not in str(mistake.value)] == []


def test_a_file_that_is_named_and_not_there_is_a_mistake(tmp_path: Path, reference: Reference) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.csv: there is no such file"):
        read_review(tmp_path / "nowhere.csv", reference, SOURCES)


def test_lines_that_agree_or_are_about_other_rows_are_no_contradiction(tmp_path: Path, reference: Reference) -> None:
    columns = "source,source_name,supporting_columns,company_id,valid_from,valid_to,who,when"
    lines = (
        "pnl,Acme,,A1,,2009-12-31,jane,2026-01-31",
        "pnl,Acme,,A1,,2009-12-31,joe,2026-02-01",
        "pnl,Acme,,G1,2010-01-01,,jane,2026-01-31",
        "cash_flow,Acme,,G1,,,jane,2026-01-31",
        ",Acme,,reject,,,jane,2026-01-31",
        "pnl,Acme,{},G1,,,jane,2026-01-31",
        "pnl,ACME,,G1,,,jane,2026-01-31",
    )

    assert len(read(tmp_path, reference, "\n".join((columns, *lines, ""))).lines) == 7


FILLED = "pnl,Acme,,A1,,,jane,2026-01-31,why"
OF_THE_QUEUE = ',12,2009-03-31,2009-12-31,ambiguous,A1,"Acme, Inc","A1 Acme, Inc 100; G1 90"'


def test_the_queue_has_the_columns_of_the_review_first() -> None:
    assert QUEUE_COLUMNS[: len(REVIEW_COLUMNS)] == REVIEW_COLUMNS
    assert tuple(IDENTITY_REVIEW.arrow.names) == QUEUE_COLUMNS
    assert tuple(REVIEW_LINES.arrow.names) == REVIEW_COLUMNS


def test_a_filled_in_line_of_the_queue_is_copied_whole_into_the_review(tmp_path: Path, reference: Reference) -> None:
    alone = read(tmp_path, reference, f"{','.join(REVIEW_COLUMNS)}\n{FILLED}\n").lines
    below_its_own_header = read(tmp_path, reference, f"{','.join(QUEUE_COLUMNS)}\n{FILLED}{OF_THE_QUEUE}\n").lines
    beside_shorter_lines = read(
        tmp_path, reference, f"{','.join(REVIEW_COLUMNS)}\n,Bolt,,G1,,,joe,2026-01-31,\n{FILLED}{OF_THE_QUEUE}\n"
    ).lines

    assert alone == below_its_own_header == beside_shorter_lines[1:]
    assert len(beside_shorter_lines) == 2


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        (HEADER, FILLED + OF_THE_QUEUE, "for a row of another file, put its header first"),
        (",".join(REVIEW_COLUMNS), FILLED + ", one, two, three, four, five, six, seven", "between double quotes"),
        (",".join(REVIEW_COLUMNS), FILLED + OF_THE_QUEUE.removesuffix(',"A1 Acme, Inc 100; G1 90"'), "double quotes"),
    ],
)
def test_a_line_with_other_cells_is_refused(
    tmp_path: Path, reference: Reference, header: str, line: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"row 2: has \d+ cells, the header") as mistake:
        read(tmp_path, reference, f"{header}\n{line}\n")
    assert said in str(mistake.value)


def test_a_company_of_the_list_that_is_called_reject_is_refused(tmp_path: Path, make_reference: MakeReference) -> None:
    reference = make_reference([{"company_id": "reject"}])

    with pytest.raises(ConfigurationError, match="is a company of the list too"):
        read(tmp_path, reference, f"{HEADER}\npnl,a,reject,jane,2026-01-31\n")


def test_the_page_on_identity_has_a_review_and_every_column(tmp_path: Path) -> None:
    page = (PROJECT / "docs/identity.md").read_text(encoding="utf-8")
    example = page.split("```")[1].lstrip()

    lines = read_review(write(tmp_path, example), read_reference(SAMPLE_REFERENCE), ("pnl", "balance_sheet")).lines
    assert [line.company_id for line in lines] == ["0000046765", "reject"]
    assert [name for name in (*REVIEW_COLUMNS, *COMPANY_IDS.arrow.names) if f"`{name}`" not in page] == []
    assert [status for status in Status if f"| `{status}` |" not in page] == []
    assert [method for method in Method if f"`{method}`" not in page] == []


def test_the_example_that_ships_is_right_for_the_list_that_ships() -> None:
    example = SAMPLE_REFERENCE / "review.example.csv"

    assert len(read_review(example, read_reference(SAMPLE_REFERENCE), SOURCES).lines) == 3


@pytest.mark.parametrize("name", ["=Acme", "+Acme", "-Acme", "@Acme", "'t Hart"])
def test_a_name_that_a_spreadsheet_would_run_is_read_as_the_source_writes_it(tmp_path: Path, name: str) -> None:
    written = name if name[0] == "'" else f"'{name}"
    (tmp_path / "review.csv").write_text(f"source_name\n{written}\n{name}\n")
    assert [row.cells["source_name"] for row in read_rows(tmp_path / "review.csv", required={})] == [name, name]
