"""Which source names are one name, one ticker, one CIK, and which are not."""

from __future__ import annotations

import pytest

from finsync_pipeline.identity.company_index import normalise_cik
from finsync_pipeline.identity.names.normal_form import normalise_name
from finsync_pipeline.identity.tickers import normalise_ticker


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Danaher Corporation", "DANAHER CORP /DE/"),
        ("U.S. Bancorp", "US BANCORP \\DE\\"),
        ("Wells Fargo", "WELLS FARGO & CO/MN"),
        ("Vertex Pharmaceuticals Inc", "VERTEX PHARMACEUTICALS INC / MA"),
        ("Monsanto Co.", "MONSANTO CO /NEW/"),
        ("The Walt Disney Company", "WALT DISNEY CO/"),
        ("Coca-Cola Company (The)", "COCA COLA CO"),
        ("Marsh and McLennan Cos", "MARSH & MCLENNAN COMPANIES, INC."),
        ("Edison Int'l", "EDISON INTERNATIONAL"),
        ("Lowe\u2019s Cos.", "LOWES COMPANIES INC"),
        ("Brown\u2013Forman", "BROWN FORMAN CORP"),
        ("American Tower Corp A", "AMERICAN TOWER CORP /MA/"),
        ("Alphabet Inc. (Class A)", "Alphabet Inc."),
        ("Nestl\u00e9 S.A.", "NESTLE SA"),
        ("\uff21\uff23\uff2d\uff25 Mfg", "Acme Manufacturing"),
        ("AT&T", "A T & T INC"),
        ("Norges \u00d8l AS", "NORGES OL ASA"),
    ],
)
def test_these_are_one_name(one: str, other: str) -> None:
    assert normalise_name(one).core == normalise_name(other).core


def test_joined_words_and_their_order_are_weaker_forms() -> None:
    assert normalise_name("SuperValu").joined == normalise_name("SUPER VALU STORES INC").joined[:9]
    assert normalise_name("W. W. Grainger").ordered == normalise_name("GRAINGER W W INC").ordered
    assert normalise_name("W. W. Grainger").core != normalise_name("GRAINGER W W INC").core


@pytest.mark.parametrize("name", ["CVS/CAREMARK CORP", "The Company", "Inc", "CO", "A/S"])
def test_a_name_is_never_normalised_to_nothing(name: str) -> None:
    assert normalise_name(name).core


def test_only_a_register_tail_is_cut_off() -> None:
    assert normalise_name("CVS/CAREMARK CORP").core == ("cvs", "caremark")


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("Eaton Corp plc", {"plc"}),
        ("Enterprise Products Partners L P", {"partnership"}),
        ("STMicroelectronics N.V.", {"nv"}),
        ("Boeing", set()),
    ],
)
def test_legal_forms_are_reported(name: str, forms: set[str]) -> None:
    assert normalise_name(name).families == forms


@pytest.mark.parametrize(
    ("text", "ticker"),
    [
        *[(text, "BRK.B") for text in ("BRK.B", "brk-b", "BRK/B", "BRK B", " BRK_B ")],
        ("T", "T"),
        ("Berkshire Hathaway", None),
        ("", None),
        ("3M Company (USA)", None),
    ],
)
def test_tickers_with_any_separator_are_one(text: str, ticker: str | None) -> None:
    assert normalise_ticker(text) == ticker


@pytest.mark.parametrize(
    ("text", "cik"),
    [
        *[(text, "1800") for text in ("1800", "0000001800", "CIK0000001800", "cik 1800", "CIK: 1800", "CIK#1800")],
        *[(text, None) for text in ("", "0", "CIK", "1800A", "1800.0", "1.8E+03", "00000000001800")],
    ],
)
def test_a_cik_has_up_to_ten_digits_and_maybe_a_label(text: str, cik: str | None) -> None:
    assert normalise_cik(text) == cik
