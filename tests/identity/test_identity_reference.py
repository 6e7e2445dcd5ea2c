"""Reading the list of companies: what is read, what is refused, and when the version changes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity import read_reference, read_review
from finsync_pipeline.identity.reference import COMPANY_COLUMNS, unread_countries

TEXT, DATE = pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.date32())


def write(folder: Path, companies: str | bytes | None, aliases: str | None = None) -> Path:
    if companies is not None:
        content = companies if isinstance(companies, bytes) else companies.encode()
        (folder / "companies.csv").write_bytes(content)
    if aliases is not None:
        (folder / "aliases.csv").write_text(aliases)
    return folder


def test_a_bare_list_of_ids_is_a_reference_with_every_column(tmp_path: Path) -> None:
    reference = read_reference(write(tmp_path, "company_id\nA1\nB2\n"))
    assert list(reference.companies.columns) == [*COMPANY_COLUMNS, "industry"]
    assert reference.companies["company_id"].tolist() == ["A1", "B2"]
    assert reference.companies["name"].isna().all()
    assert set(reference.companies.dtypes) == {TEXT}


def test_aliases_have_arrow_dates_and_open_ends_are_null(tmp_path: Path) -> None:
    aliases = "company_id,alias,valid_from\n1,Old Acme,2016-09-02\n1,Acmé,\n"
    reference = read_reference(write(tmp_path, "company_id\n1\n", aliases))
    columns = ["company_id", "alias", "kind", "valid_from", "valid_to", "note"]
    assert list(reference.aliases.columns) == columns
    assert [reference.aliases[column].dtype for column in columns] == [TEXT, TEXT, TEXT, DATE, DATE, TEXT]
    assert reference.aliases["kind"].tolist() == ["name", "name"]
    assert str(reference.aliases["valid_from"][0]) == "2016-09-02"
    assert reference.aliases["valid_to"].isna().all()


def test_without_aliases_there_is_an_empty_table_of_aliases(tmp_path: Path) -> None:
    reference = read_reference(write(tmp_path, "company_id\n1\n"))
    assert len(reference.aliases) == 0
    assert reference.aliases["valid_from"].dtype == DATE


def test_a_single_file_can_be_given_under_any_name(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("name,company_id\nAcme Inc,1\n")
    (tmp_path / "aliases.csv").write_text("company_id,alias\n2,of another list\n")
    reference = read_reference(tmp_path / "list.csv")
    assert reference.companies["name"].tolist() == ["Acme Inc"]
    assert len(reference.aliases) == 0


def test_text_stays_text_and_extra_columns_are_kept_out(tmp_path: Path) -> None:
    content = "\ufeffcompany_id,name,sic,cik\r\n007, NA ,2834,0000000007\r\n,,,\r\n"
    reference = read_reference(write(tmp_path, content))
    row = reference.companies.iloc[0]
    assert (row["company_id"], row["name"], row["cik"]) == ("007", "NA", "0000000007")
    assert "sic" not in reference.companies.columns
    assert len(reference.companies) == 1


@pytest.mark.parametrize(
    ("column", "cell", "read"),
    [
        ("tickers", '"GOOG,GOOGL"', "GOOG|GOOGL"),
        ("tickers", "GM;GM-W", "GM|GM-W"),
        ("tickers", "BRK.A | BRK B;", "BRK.A|BRK B"),
        ("tickers", "GOOG|GOOG", "GOOG"),
        ("tickers", ";", None),
        ("tickers", "7203", "7203"),
        ("cik", "320193;0000001800", "320193|0000001800"),
        ("cik", '"320193, 1800"', "320193|1800"),
        ("lei", "HWUPKR0MPOU8FGXBT394;5493 006M HB84 DD0Z WV18", "HWUPKR0MPOU8FGXBT394|5493 006M HB84 DD0Z WV18"),
        ("isin", '"US02079K3059,us-02079k1079"', "US02079K3059|us-02079k1079"),
        ("cusip", "02079K305;02079K107|38259P50", "02079K305|02079K107|38259P50"),
        ("country", "us", "US"),
        ("country", "DEU", "DE"),
        ("country", "Germany", "DE"),
        ("country", "NA", "NA"),
        ("country", '"Korea, Republic of"', "KR"),
        ("country", "U.S.", "US"),
        ("country", "England", "GB"),
        ("country", "Atlantis", "Atlantis"),
        ("name", "Marks; Spencer | Co", "Marks; Spencer | Co"),
    ],
)
def test_a_cell_of_codes_may_hold_several_and_a_country_is_its_code(
    tmp_path: Path, column: str, cell: str, read: str | None
) -> None:
    companies = read_reference(write(tmp_path, f"company_id,{column}\n1,{cell}\n2,\n")).companies
    assert [None if pd.isna(each) else each for each in companies[column]] == [read, None]


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("tickers", "GOOG;NYSE:GOOGL", ["'NYSE:GOOGL' is not a ticker", "alone"]),
        ("tickers", "Alphabet class A", ["'Alphabet class A' is not a ticker", "several separated by |"]),
        ("cik", "320193;n/a", ["'n/a' is not a CIK", "ten digits"]),
        ("cik", '"1,067,983"', ["'1,067,983' is not a CIK"]),
        ("cik", "320193 1800", ["'320193 1800' is not a CIK", "separated by |"]),
        ("lei", "HWUPKR0MPOU8FGXBT39", ["'HWUPKR0MPOU8FGXBT39' is not an LEI", "20 letters"]),
        ("lei", "HWUPKR0MPOU8FGXBT394/5493006MHB84DD0ZWV18", ["is not an LEI", "separated by |"]),
        ("isin", "US02079K3059;US0207", ["'US0207' is not an ISIN", "12 letters"]),
        ("isin", "ISIN US02079K3059", ["is not an ISIN"]),
        ("cusip", "3.7833E+07", ["'3.7833E+07' is not a CUSIP", "9 letters"]),
    ],
)
def test_a_code_that_cannot_be_read_is_refused(tmp_path: Path, column: str, cell: str, said: list[str]) -> None:
    with pytest.raises(ConfigurationError) as mistake:
        read_reference(write(tmp_path, f"company_id,{column}\n1,\n2,{cell}\n"))
    wanted = [f"companies.csv, row 3, column {column}", "or leave it blank", *said]
    assert [words for words in wanted if words not in str(mistake.value)] == []


def test_the_version_does_not_depend_on_how_codes_are_written(tmp_path: Path) -> None:
    versions = {
        read_reference(write(tmp_path, f"company_id,tickers,country\n1,{row}\n")).version
        for row in ("GM|GM-W,US", "GM;GM-W,USA", '"GM, GM-W",United States')
    }
    assert len(versions) == 1


def test_unread_countries_are_reported_with_their_company(tmp_path: Path) -> None:
    content = "company_id,country\n1,US\n2,Atlantis\n3,\n4,XX\n5,germany\n"
    companies = read_reference(write(tmp_path, content)).companies
    assert unread_countries(companies).values.tolist() == [["2", "Atlantis"], ["4", "XX"]]


GOOD = "company_id,name\n1,Acme\n2,Bolt\n"


@pytest.mark.parametrize(
    ("companies", "aliases", "said"),
    [
        (None, None, ["companies.csv", "no such file", "correct the path"]),
        ("", None, ["companies.csv", "empty", "header"]),
        ("company_id\n", None, ["companies.csv", "lists no company", "Add a row"]),
        ("id,name\n1,Acme\n", None, ["companies.csv, row 1", "no column company_id", "id, name", "Rename"]),
        (
            "company_id,name,name\n1,Acme,A\n",
            None,
            ["companies.csv, row 1, column name", "twice", "Rename or remove"],
        ),
        (
            "company_id,name\n1,Acme\n ,Bolt\n",
            None,
            ["companies.csv, row 3, column company_id", "blank", "Fill it in"],
        ),
        (
            "company_id\n1\n2\n1\n",
            None,
            ["companies.csv, row 4, column company_id", "'1' is the id of row 2", "Keep one"],
        ),
        (
            "company_id\nAcme\nAC me\n",
            None,
            ["row 3, column company_id", "'AC me'", "case or blanks from 'Acme'", "row 2", "Keep one"],
        ),
        (
            "company_id,cik\n1,3.2E+05\n",
            None,
            ["companies.csv, row 2, column cik", "'3.2E+05' is not a CIK", "ten digits"],
        ),
        ("company_id,name\n1,Acme, Inc\n", None, ["companies.csv, row 2", "3 cells", "double quotes"]),
        (b"company_id,name\n1,Acme\n2,Soci\xe9t\xe9\n", None, ["companies.csv, row 3", "not UTF-8", "Save"]),
        (GOOD, "company_id,name\n1,Old\n", ["aliases.csv, row 1", "no column alias", "Rename"]),
        (
            GOOD,
            "company_id,alias\n1,Old\n3,New\n",
            ["aliases.csv, row 3, column company_id", "'3' is not in companies.csv", "Add the company"],
        ),
        (GOOD, "company_id,alias\n1,\n", ["aliases.csv, row 2, column alias", "blank", "remove the row"]),
        (GOOD, "company_id,alias\n,Old\n", ["aliases.csv, row 2, column company_id", "blank"]),
        (
            GOOD,
            "company_id,alias,kind\n1,Old,isin\n",
            ["aliases.csv, row 2, column kind", "'isin'", "'name' or 'ticker'"],
        ),
        (
            GOOD,
            "company_id,alias,valid_to\n1,Old,02/09/2016\n",
            ["aliases.csv, row 2, column valid_to", "'02/09/2016' is not a date", "2016-09-02"],
        ),
        (
            GOOD,
            "company_id,alias,valid_from\n1,Old,20160902\n",
            ["aliases.csv, row 2, column valid_from", "'20160902' is not a date"],
        ),
        (
            GOOD,
            "company_id,alias,valid_from,valid_to\n1,Old,2016-09-02,2016-09-01\n",
            ["aliases.csv, row 2, column valid_from", "2016-09-02 is after valid_to 2016-09-01", "correct"],
        ),
    ],
)
def test_a_mistake_names_file_row_column_and_fix(
    tmp_path: Path, companies: str | bytes | None, aliases: str | None, said: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as mistake:
        read_reference(write(tmp_path, companies, aliases))
    assert [words for words in said if words not in str(mistake.value)] == []


def test_a_missing_folder_is_reported_as_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere: there is no such file"):
        read_reference(tmp_path / "nowhere")


def version(folder: Path, companies: str, aliases: str) -> str:
    return read_reference(write(folder, companies, aliases)).version


def test_the_version_is_that_of_the_content_not_of_its_order(tmp_path: Path) -> None:
    companies, aliases = "company_id,name\n1,Acme\n2,Bolt\n", "company_id,alias\n1,Old\n2,Older\n"
    first = version(tmp_path, companies, aliases)
    shuffled = "sic,name,company_id\n9,Bolt,2\n8,Acme,1\n"
    assert version(tmp_path, shuffled, "alias,company_id,kind\nOlder,2,name\nOld,1,\n") == first
    assert len(first) == 64


@pytest.mark.parametrize(
    ("companies", "aliases"),
    [
        ("company_id,name\n1,Acme\n2,Bold\n", "company_id,alias\n1,Old\n"),
        ("company_id,name,cik\n1,Acme,5\n2,Bolt,\n", "company_id,alias\n1,Old\n"),
        ("company_id,name\n1,Acme\n2,Bolt\n", "company_id,alias\n2,Old\n"),
        ("company_id,name\n1,Acme\n2,Bolt\n", "company_id,alias,valid_to\n1,Old,2010-01-01\n"),
        ("company_id,name\n1,Acme\n2,Bolt\n", "company_id,alias,kind\n1,Old,ticker\n"),
    ],
)
def test_every_change_of_content_changes_the_version(tmp_path: Path, companies: str, aliases: str) -> None:
    first = version(tmp_path, "company_id,name\n1,Acme\n2,Bolt\n", "company_id,alias\n1,Old\n")
    assert version(tmp_path, companies, aliases) != first


ROW = {"companies.csv": "2,{}\n", "aliases.csv": "1,{}\n", "review.csv": "{},1,jane,2026-01-31\n"}
FIRST = {
    "companies.csv": "company_id,name\n1,Acme\n",
    "aliases.csv": "company_id,alias\n1,Old\n",
    "review.csv": "source_name,company_id,who,when\nAcme,1,jane,2026-01-31\n",
}


def read_lists(folder: Path, file: str, rows: str) -> None:
    """Read a list of companies with aliases and a review, one of which has these rows too."""
    for name, content in FIRST.items():
        (folder / name).write_text(content + (rows if name == file else ""), newline="")
    read_review(folder / "review.csv", read_reference(folder), ())


OPEN_QUOTES = {
    "at the end of the file": (['"Bolt'], 3),
    "before other rows": (['"Bolt', "Corp", "Corp"], 3),
    "closed by the quote of another row": (['"Bolt', "Corp", '"Corp, Inc"'], 3),
    "closed by another one that is open": (['"Bolt', '"Corp'], 3),
    "in the middle of a cell": (['Bolt "Inc'], 3),
    "at the end of a cell": (['Bolt"'], 3),
    "after a blank": ([' "Bolt'], 3),
    "after a quote that is text": (['7" pipe "Bolt" and'], 3),
    "doubled": (['"""Bolt'], 3),
    "closed before the end of the text": (['"Bolt" Inc'], 3),
    "text in a cell between quotes": (['"the "Bolt" Inc"'], 3),
    "around a line break": (['"Bolt\nInc"'], 3),
    "around a line break of another kind": (['"Bolt\rInc"'], 3),
    "in a later row": (["Bolt", "Corp", '"Inc'], 5),
}


@pytest.mark.parametrize("file", ROW)
@pytest.mark.parametrize("case", OPEN_QUOTES)
def test_a_quote_left_open_is_refused_with_its_row_in_every_list(tmp_path: Path, file: str, case: str) -> None:
    cells, row = OPEN_QUOTES[case]
    with pytest.raises(ConfigurationError, match=rf"{file}, row {row}: has a stray double quote. Close it"):
        read_lists(tmp_path, file, "".join(ROW[file].format(cell) for cell in cells))


def test_a_quote_that_two_other_ones_hide_is_refused_with_its_row(tmp_path: Path) -> None:
    lines = '*,HP "x,1,jane,2026-01-31,"why\n*,IBM,1,jane,2026-01-31,"so"\n'
    (tmp_path / "review.csv").write_text("source,source_name,company_id,who,when,note\n" + lines)
    with pytest.raises(ConfigurationError, match=r"review\.csv, row 2: has a stray double quote. Close it"):
        read_review(tmp_path / "review.csv", read_reference(write(tmp_path, "company_id\n1\n")), ())


@pytest.mark.parametrize("file", ROW)
@pytest.mark.parametrize(
    "cell", ['"Bolt, Inc"', '"7"" pipe"', '"the ""Bolt"" Inc"', 'OOO "Bolt"', ' "Bolt, Inc"', '""']
)
def test_quotes_that_close_are_read(tmp_path: Path, file: str, cell: str) -> None:
    if cell == '""' and file != "companies.csv":
        with pytest.raises(ConfigurationError, match="is blank"):
            read_lists(tmp_path, file, ROW[file].format(cell))
    else:
        read_lists(tmp_path, file, ROW[file].format(cell))
