import random

import numpy as np
import pyarrow as pa
import pytest
from stdnum import cusip, isin, lei

from finsync_pipeline.identity.codes import has_right_check_digits, right_check_digits
from finsync_pipeline.identity.codes.schemes import CHECK_DIGITS

LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
REAL = {
    "lei": ["5493006MHB84DD0ZWV18", "HWUPKR0MPOU8FGXBT394", "001GPB6A9XPE8XJICC14"],
    "isin": ["US0378331005", "GB0002634946", "DE000BAY0017"],
    "cusip": ["037833100", "594918104", "38259P508"],
}
ORACLES = {"lei": lei.is_valid, "isin": isin.is_valid, "cusip": cusip.is_valid}


def right(codes, scheme):
    return right_check_digits(pa.array(codes, pa.large_string()), scheme)


def random_codes(check):
    """Codes with each possible last digit, so that many are right, and real ones with an edit."""
    chance = random.Random(check)
    length = len(REAL[check][0])
    codes = list(REAL[check])
    for _ in range(300):
        body = "".join(chance.choices(LETTERS_AND_DIGITS, k=length - 1))
        body = ("US" + body[2:]) if check == "isin" else body
        if check == "lei":
            body = body[:18] + chance.choice("0123456789")
        codes += [body + digit for digit in "0123456789"]
    for code in REAL[check] * 200:
        place = chance.randrange(length)
        codes.append(code[:place] + chance.choice(LETTERS_AND_DIGITS) + code[place + 1 :])
    return codes


@pytest.mark.parametrize("check", ORACLES)
def test_check_digits_are_judged_as_by_python_stdnum(check):
    codes = random_codes(check)
    expected = np.array([ORACLES[check](code) for code in codes])
    if check == "lei":  # it takes letters for check digits
        expected &= np.array([code[18:].isdigit() for code in codes])
    if check == "isin":  # it knows countries: a typing error in one is beside the check digit
        expected |= np.array([isin.calc_check_digit(code[:-1]) == code[-1] and code[:2].isalpha() for code in codes])
    assert expected.sum() > 20
    assert np.array_equal(right(codes, check), expected)


def test_a_lei_has_twenty_characters_and_ends_in_two_digits():
    nineteen = "549300ZKMN4C5FFNM24"
    assert lei.is_valid(nineteen)
    assert not right([nineteen], "lei").any()
    letters_for_check_digits = next(
        code
        for code in (f"5493006MHB84DD0ZWV{a}{b}" for a in LETTERS_AND_DIGITS for b in LETTERS_AND_DIGITS)
        if lei.is_valid(code) and not code[18:].isdigit()
    )
    assert not right([letters_for_check_digits], "lei").any()


def test_an_isin_of_a_country_that_is_gone_keeps_its_check_digit():
    assert right(["AN8068571086"], "isin").all()


@pytest.mark.parametrize("check", ORACLES)
def test_small_letters_blanks_and_nothing_are_no_codes(check):
    assert not right(["", REAL[check][2].lower(), REAL[check][0][:-1] + " "], check).any()


def test_one_text_is_judged_as_a_column_is():
    assert has_right_check_digits(REAL["lei"][0], "lei")
    assert not has_right_check_digits(REAL["lei"][0], "isin")
    assert not has_right_check_digits("5493006MHB84DD0ZWV19", "lei")
    assert not has_right_check_digits("Ü493006MHB84DD0ZWV8", "lei")


def test_only_schemes_with_check_digits_have_right_ones():
    assert CHECK_DIGITS.keys() == set(REAL)
    assert not has_right_check_digits("0000320193", "cik")
