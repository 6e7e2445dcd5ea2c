import numpy as np
import pyarrow as pa
import pytest

from finsync_pipeline.identity.codes import SCHEMES
from finsync_pipeline.identity.codes.normalization import LONGEST_WRITTEN, plain_forms, search_keys


def large(*texts):
    return pa.array(texts, pa.large_string())


def bare(text, scheme="company_id"):
    forms = plain_forms(large(text), SCHEMES[scheme])
    return forms.texts["bare"][0].as_py(), forms.steps_in_words("bare", np.array([0]))[0]


@pytest.mark.parametrize(
    ("text", "code", "steps"),
    [
        ("ab12", "AB12", "upper case"),
        (" AB12\t", "AB12", "without blanks"),
        ("A B 12", "AB12", "without blanks"),
        ("AB\u00a012", "AB12", "in plain characters, without blanks"),  # NFKC makes it a blank
        ("AB-12/3.X", "AB123X", "without separators"),
        ("AB\u201312", "AB12", "in plain characters, without separators"),
        ("'00123", "00123", "without quotes"),
        ('="00123"', "00123", "without quotes"),
        ("\u201900123", "00123", "without quotes"),
        ("\ufeffAB12", "AB12", "without invisible characters"),
        ("AB\u200b12\u00ad", "AB12", "without invisible characters"),
        ("AB\x0012", "AB12", "without invisible characters"),
        ("\uff21\uff22\uff11\uff12", "AB12", "in plain characters"),
        ("320193.0", "320193", "without .0"),
        ("1,045,810", "1045810", "without separators"),
        ("ID: X12", "X12", "without label"),
        ("1.045810000E+09", "1045810000", "scientific notation written out"),
        ("12E5", "12E5", ""),
        ("\u0410b12", "AB12", "'\u0410' (Cyrillic) read as 'A' at 1, upper case"),
        ("IDX12", "IDX12", ""),
    ],
)
def test_formatting_is_removed_and_reported(text, code, steps):
    assert bare(text) == (code, steps)


@pytest.mark.parametrize(
    "text",
    ["1.04581E+09", "5E+07", "1.2345E71", "-123", "12.5", "1.000", "12.30", "1.0458105E+06x"[:-1] + "E", "+5", "1.5E3"],
)
def test_a_number_that_lost_digits_or_has_decimals_is_not_read(text):
    assert text not in {"", bare(text)[0]}
    assert bare(text)[0] == "" or not bare(text)[0].isdigit()


@pytest.mark.parametrize(
    ("scheme", "text", "code"),
    [
        ("cik", "CIK 0000320193", "0000320193"),
        ("cik", "CIK0000320193", "0000320193"),
        ("cik", "cik no. 320193.0", "320193"),
        ("lei", "LEI: 5493006MHB84DD0ZWV18", "5493006MHB84DD0ZWV18"),
        ("lei", "lei5493006mhb84dd0zwv18", "5493006MHB84DD0ZWV18"),
        ("isin", "ISIN US0378331005", "US0378331005"),
        ("cusip", "CUSIP#037833100", "037833100"),
    ],
)
def test_the_label_of_a_scheme_is_not_part_of_the_code(scheme, text, code):
    assert bare(text, scheme)[0] == code


def zeros(scheme, *texts):
    return plain_forms(large(*texts), SCHEMES[scheme]).texts["zeros"].to_pylist()


def test_zeros_in_front_of_a_number_say_nothing():
    plain = zeros("company_id", "COMP000012", "0000320193", "000", "A0B0012", "100", "X")
    assert plain == ["COMP12", "320193", "0", "A0B0012", "100", "X"]


def test_zeros_that_a_spreadsheet_took_are_put_back_to_numbers_only():
    plain = zeros("cusip", "37833100", "3783310A", "", "0378331001", "12345", "1234")
    assert plain == ["037833100", "3783310A", "", "0378331001", "000012345", "1234"]


def test_very_long_texts_are_not_read_at_all():
    assert bare("x" * (LONGEST_WRITTEN + 1))[0] == ""
    assert bare("x" * LONGEST_WRITTEN)[0] == "X" * LONGEST_WRITTEN


def test_outer_blanks_go_before_inner_ones():
    forms = plain_forms(large(" A B "), SCHEMES["company_id"])
    assert forms.texts["written"].to_pylist() == ["A B"]
    assert forms.steps_in_words("written", np.array([0])).tolist() == ["without blanks"]


def test_rows_of_a_slice_are_the_rows_of_the_whole():
    texts = large("a", "b-2", "\ufeffc", "dd")
    assert plain_forms(texts[1:3], SCHEMES["company_id"]).texts["bare"].to_pylist() == ["B2", "C"]


def test_what_is_searched_is_latin_whatever_the_text_was():
    forms = plain_forms(large("\u0410B\u00e912", "OO0320193"), SCHEMES["company_id"])
    assert search_keys(forms, SCHEMES["company_id"]).to_pylist() == ["AB\x7f12", "OO0320193"]
    assert search_keys(forms, SCHEMES["cik"]).to_pylist() == ["AB\x7f12", "320193"]
