"""The benchmark's idea of another company: what shares a core, what differs in form, which labels are not followed."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.identity import pairs, strangers
from benchmarks.identity.legal_forms import core, legal_form
from benchmarks.identity.setting import Setting
from benchmarks.identity.strangers import FOREIGN, MAY_BE_IT, NO_FORM_LISTED, OTHER, Listed

WITH_FORM = Listed("inc", frozenset({"inc"}), None)
WITHOUT_FORM = Listed(None, frozenset({None, "inc"}), None)
WITHOUT_FORM_OF_US = Listed(None, frozenset({None, "inc"}), "US")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("TARGET - S.R.L. IN LIQUIDAZIONE", "Target Corporation"),
        ("AIR PRODUCTS SPÓŁKA Z OGRANICZONĄ ODPOWIEDZIALNOŚCIĄ", "Air Products"),
        ("SIA Waste Management", "WASTE MANAGEMENT INC"),
        ("FORD MOTOR COMPANY LIMITED", "FORD MOTOR CO"),
        ("THE HOME DEPOT, INC.", "Home Depot"),
        ("NORTHROP GRUMMAN CORP /DE/", "Northrop Grumman"),
        ("Fox Corporation (Class A)", "Fox Corp"),
        ("ООО АЯС 2000", 'ООО "АЯС 2000"'),  # noqa: RUF001
        ("O'Reilly Automotive, Inc.", "OREILLY AUTOMOTIVE INC"),
    ],
)
def test_names_that_differ_in_form_and_writing_alone_share_their_core(name: str, other: str) -> None:
    assert core(name) == core(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [("Target Fund", "Target Corp"), ('ООО "БАЙ"', 'ООО "БАЙКАЛ"'), ("A.O. Smith", "A.O. Smith Capital")],  # noqa: RUF001
)
def test_names_of_other_words_do_not_share_their_core(name: str, other: str) -> None:
    assert core(name) != core(other)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Merck KGaA", "kgaa"),
        ("Merck & Co Inc", "inc"),
        ("Ford Motor Company", "co"),
        ("FORD MOTOR COMPANY LIMITED", "ltd"),
        ("ARROW ELECTRONICS GMBH & CO. KG", "kg"),
        ("GE HEALTHCARE (PTY) LTD", "pty ltd"),
        ("Siemens Energy, S. de R.L. de C.V.", "s de rl"),
        ("SEAGATE TECHNOLOGY PUBLIC LIMITED COMPANY", "plc"),
        ("OAO Gazprom", "pjsc"),
        ("Open Joint Stock Company Gazprom", "pjsc"),
        ("Public Storage", None),
        ("Ltd", None),
    ],
)
def test_the_last_legal_form_of_a_name_counts(name: str, form: str | None) -> None:
    assert legal_form(name) == form


@pytest.mark.parametrize(
    ("form", "country", "listed", "kind"),
    [
        ("inc", "US", WITH_FORM, MAY_BE_IT),
        (None, "LU", WITH_FORM, MAY_BE_IT),
        ("llc", "US", WITH_FORM, OTHER),
        ("ltd", "GB", WITH_FORM, FOREIGN),
        ("srl", "IT", WITH_FORM, FOREIGN),
        ("gmbh", "DE", WITHOUT_FORM, NO_FORM_LISTED),
        ("gmbh", "DE", WITHOUT_FORM_OF_US, FOREIGN),
        ("ltd", "GB", WITHOUT_FORM_OF_US, NO_FORM_LISTED),
        ("inc", "US", WITHOUT_FORM_OF_US, MAY_BE_IT),
    ],
)
def test_an_entity_is_another_company_only_where_forms_or_countries_say_so(
    form: str | None, country: str, listed: Listed, kind: str
) -> None:
    assert strangers.kind_of(form, country, listed) == kind


def test_an_entity_that_may_be_one_of_two_companies_is_set_apart() -> None:
    assert strangers.mildest([FOREIGN, MAY_BE_IT]) == MAY_BE_IT
    assert strangers.mildest([FOREIGN, OTHER]) == OTHER


def test_entities_of_a_listed_core_are_asked_for_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    folder.mkdir()
    index = {"CIK": ["27419"], "Security": ["Target Corporation"], "Headquarters Location": ["Minneapolis, Minnesota"]}
    pd.DataFrame(index).to_csv(folder / "sp500_constituents.csv", index=False)
    filers = pd.DataFrame({"cik": ["0000027419"], "name": ["TARGET CORP"], "ticker": ["TGT"]})
    filers.to_parquet(folder / "sec_company_tickers.parquet")
    names = {"Target Corporation": "US", "TARGET S.R.L.": "IT", "Target LLC": "US", "Target Fund 2028": "IE"}
    entities = pd.DataFrame({"LEI": list(map(str, range(4))), "name": list(names), "country": list(names.values())})
    entities.to_parquet(folder / "gleif_sample.parquet")
    for name, tried in strangers.shared_cores(Setting(shared=tmp_path)):
        kinds = dict(zip(tried["source_name"], tried["kind"], strict=True))
        assert kinds == {"Target Corporation": MAY_BE_IT, "TARGET S.R.L.": FOREIGN, "Target LLC": OTHER}, name
        assert tried.set_index("source_name")["listed"].notna()["Target Corporation"], name


@pytest.mark.parametrize(
    ("name", "other", "differ"),
    [
        ("KKR Asian Fund III L.P.", "KKR Asian Fund IV L.P.", True),
        ("Citigroup Mortgage Loan Trust 2007-AHL1", "Citigroup Mortgage Loan Trust 2007-AHL2", True),
        ("Nantahala Capital Offshore Fund, Ltd.", "Nantahala Capital Offshore Fund I, Ltd.", True),
        ("1st International Bank", "First International Bank", False),
        ("Brigade Forty 4", "Brigade 44", False),
        ("ООО АЯС 2000", 'ООО "АЯС 2000"', False),  # noqa: RUF001
        ("Wallmart Inc.", "Walmart Inc.", False),
    ],
)
def test_names_that_differ_in_numbers_alone(name: str, other: str, differ: bool) -> None:
    assert pairs.differ_in_numbers_alone(name, other) == differ


def test_only_matches_are_not_followed() -> None:
    rows = [
        ("KKR Asian Fund III L.P.", "KKR Asian Fund IV L.P.", True),
        ("Apollo Investment Fund VIII L.P.", "Apollo Investment Fund IX L.P.", False),
        ("BWI Industries, Inc.", "BAE Industries, Inc.", False),
        ("BWI Industries, Inc.", "BAE Industries, Inc.", True),
        ("Siemens AG", "SiemensAG", True),
    ]
    reasons = pairs.not_followed(pd.DataFrame(rows, columns=["name1", "name2", "is_match"]))
    assert reasons.tolist() == ["numbers differ", None, None, "called different as well", None]
