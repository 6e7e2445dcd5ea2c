"""Amounts as people write them: what is certain is read, and anything else refused with examples."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.serving.written_numbers import plain, read_number

AMOUNTS = [
    ("26k", 26_000), ("1.5 bn", 1_500_000_000), ("1 lakh 10 thousand", 110_000), ("2 crore", 20_000_000),
    ("3.5 Mio", 3_500_000), ("1,234,567", 1_234_567), ("12,34,567.5", 1_234_567.5), ("1e9", 1e9), ("-5m", -5_000_000),
    ("minus 2 crore", -20_000_000), ("two crore", 20_000_000), ("+7", 7), ("0.1", 0.1), ("4.35 crore", 43_500_000),
    ("1 Mrd", 1e9), ("\u22123 million", -3_000_000), ("1 crore 2 lakh 3 thousand", 10_203_000),
]  # fmt: skip
REFUSED = ["", "-", "3,5 Mio", "1.234.567", "1 000", "1,23", "nan", "inf", "lots", "5%", "1e400", "2 crore 5",
           "1 lakh 2 crore", "1 k 2 k", "1 bn or more", "k", "\u0663", "$5", "1_000", "0x10", "12 monkeys",
           "one"]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), AMOUNTS)
def test_an_amount_is_read(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_certain_is_refused_with_examples(text):
    with pytest.raises(QueryError, match="1 lakh 10 thousand"):
        read_number(text)


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_refused(text):
    with suppress(QueryError):
        assert abs(read_number(text)) < float("inf")


@given(st.integers(-(10**15), 10**15))
def test_an_amount_in_digits_is_read_as_it_is_written(number):
    assert read_number(plain(float(number))) == number
