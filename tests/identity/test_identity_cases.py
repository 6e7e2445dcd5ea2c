# ruff: noqa: RUF001 (letters of other scripts are the subject)
"""Faults of entity resolution by kind, each with small inputs: what is no match by itself, and what is the same."""

from __future__ import annotations

import json

import pytest
from resolving import MakeReference, decide

from finsync_pipeline.identity.countries import read_country

Company = dict[str, str]


def listed(name: str, **columns: str) -> list[Company]:
    return [{"company_id": "1", "name": name, **columns}]


@pytest.mark.parametrize(
    ("name", "source_name"),
    [
        ("Merck & Co Inc", "Merck KGaA"),
        ("Ford Motor Co", "Ford Motor AG"),
        ("Ford Motor Co", "FORD MOTOR COMPANY A/S"),
        ("Pfizer Inc", "Pfizer Ltd"),
        ("Deere & Co", "Deere AG"),
        ("Target Corp", "TARGET S.R.L."),
        ("Target Corp", "TARGET SPÓŁKA Z OGRANICZONĄ ODPOWIEDZIALNOŚCIĄ"),
        ("Chubb Corp", "Chubb Limited"),
        ("Siemens AG", "Siemens GmbH"),
        ("Volvo AB", "Volvo A/S"),
        ("Extra Space Storage Inc", "EXTRA SPACE STORAGE LP"),
        ("Tata Steel Ltd", "Tata Steel Private Limited"),
        ("Foster Pty Ltd", "Foster Ltd"),
        ('ПАО "Лукойл"', 'ООО "Лукойл"'),
        ("トヨタ自動車株式会社", "トヨタ自動車合同会社"),
        ("Carnival Corp", "Carnival Corp plc"),
        ("Honeywell", "Honeywell Sp. z o.o."),
        ("Honeywell", "Honeywell Ltd"),
        ("Allied Energy Inc", "Allied Energy Corp."),
        ("United Parcel Service Inc", "UNITED PARCEL SERVICE CO."),
        ("Marathon Petroleum Corp", "Marathon Petroleum Company LP"),
    ],
)
def test_the_same_core_with_another_legal_form_does_not_match(
    make_reference: MakeReference, name: str, source_name: str
) -> None:
    decision = decide(make_reference(listed(name)), source_name)
    assert (decision["status"], decision["suggestion"]) == ("unknown", "1")
    assert decision["method"] == "legal_form"


@pytest.mark.parametrize(
    ("name", "source_name"),
    [
        ("Cisco Systems Inc", "Cisco Systems"),
        ("Cisco Systems", "Cisco Systems, Inc."),
        ("Microsoft Corp", "Microsoft Corporation"),
        ("Siemens AG", "Siemens Aktiengesellschaft"),
        ("Siemens AG", "SiemensAG"),
        ("Carnival Corporation", "CARNIVALCORP"),
        ("OAO Gazprom", "Open Joint Stock Company Gazprom"),
        ("OAO Gazprom", "Gazprom OJSC"),
        ("OAO Gazprom", "Gazprom JSC"),
        ("Severstal Joint Stock Company", "JSC Severstal"),
        ('ООО "БАЙКАЛ"', "Общество с ограниченной ответственностью БАЙКАЛ"),
        ("Volvo AB", "AB Volvo"),
        ("AB Volvo", "Volvo AB (publ)"),
        ("株式会社日立製作所", "日立製作所株式会社"),
        ("㈱日立製作所", "日立製作所"),
        ("Faberlic Europe Sp. z o.o.", "Faberlic Europe Spółka z ograniczoną odpowiedzialnością"),
        ("Volkswagen Bank GmbH", "Volkswagen Bank G.m.b.H."),
        ("Tata Steel Pvt Ltd", "Tata Steel Private Limited"),
        ("SRL Pro Traffic", "Societatea cu Răspundere Limitată PRO TRAFFIC"),
        ("Eaton Corp plc", "Eaton Corporation"),
        ("Deutsche Post AG", "Deutsche Post AG "),
    ],
)
def test_forms_that_differ_only_in_writing_and_a_missing_one_are_the_same(
    make_reference: MakeReference, name: str, source_name: str
) -> None:
    assert decide(make_reference(listed(name)), source_name)["company_id"] == "1"


def test_a_form_that_is_not_listed_must_be_of_the_companys_country(make_reference: MakeReference) -> None:
    german = make_reference(listed("Siemens", country="DE"))
    assert decide(german, "Siemens AG")["company_id"] == "1"
    assert decide(german, "Siemens A/S")["company_id"] is None
    american = make_reference(listed("Target", country="United States"))
    assert decide(american, "Target AG")["company_id"] is None


def test_supporting_columns_accept_another_legal_form(make_reference: MakeReference) -> None:
    reference = make_reference(listed("Chubb Corp", tickers="CB"))
    decision = decide(reference, "Chubb Limited", supporting_columns='{"ticker": "CB"}')
    assert (decision["company_id"], decision["method"]) == ("1", "legal_form+ticker")


@pytest.mark.parametrize("source_name", ["PGE", "PGE SA", "PG E", "PGE Corp"])
def test_and_is_a_word(make_reference: MakeReference, source_name: str) -> None:
    assert decide(make_reference(listed("PG&E Corp")), source_name)["status"] == "unknown"


@pytest.mark.parametrize("source_name", ["P G & E", "PG and E Corp", "pg&amp;e corp", "PG + E"])
def test_and_is_the_same_however_it_is_written(make_reference: MakeReference, source_name: str) -> None:
    assert decide(make_reference(listed("PG&E Corp")), source_name)["company_id"] == "1"


@pytest.mark.parametrize(
    ("name", "source_name"),
    [
        ('ООО "БАЙКАЛ"', 'ООО "БАЙ"'),
        ("Alfa Bank", "Alf Bank"),
        ("Baikal Ltd", "Bai Ltd"),
        ("Nordea", "Nor"),
        ("Fordham", "Ford"),
        ("Apex Corp", "Apx Corp"),
    ],
)
def test_a_name_that_leaves_out_letters_does_not_match(
    make_reference: MakeReference, name: str, source_name: str
) -> None:
    assert decide(make_reference(listed(name)), source_name)["status"] == "unknown"


@pytest.mark.parametrize(
    ("name", "source_name"),
    [
        ("Apple Inc", "APPLE IINC"),
        ("Genzyme Corp", "GENZYME COP"),
        ("Siemens AG", "Siemens Aktiengeselschaft"),
        ("Shell Corporation", "Shell Corporatoin"),
        ("Nestlé", "NestlÃ©"),
        ("Société Générale SA", "SociÃ©tÃ© GÃ©nÃ©rale SA"),
        ("AT&T Inc", "AT&amp;T Inc."),
    ],
)
def test_a_typo_in_the_legal_form_and_broken_letters_hide_no_exact_core(
    make_reference: MakeReference, name: str, source_name: str
) -> None:
    assert decide(make_reference(listed(name)), source_name)["company_id"] == "1"


@pytest.mark.parametrize("source_name", ["Apple Inn", "Apple Crop Science", "Apple Inca", "Apple Corps"])
def test_another_word_is_not_a_mistyped_legal_form(make_reference: MakeReference, source_name: str) -> None:
    assert decide(make_reference(listed("Apple Corp")), source_name)["status"] == "unknown"


@pytest.mark.parametrize("source_name", ["BRK.B", "BRKB", "brk/b", "BRK.B.US", "BRK-B US"])
def test_a_ticker_is_known_however_its_share_class_is_written(make_reference: MakeReference, source_name: str) -> None:
    companies = [
        {"company_id": "1", "tickers": "BRK.A|BRK.B", "country": "US"},
        {"company_id": "2", "tickers": "BRKR", "country": "US"},
    ]
    assert decide(make_reference(companies), source_name)["company_id"] == "1"


def test_a_ticker_of_another_exchange_does_not_match(make_reference: MakeReference) -> None:
    reference = make_reference([{"company_id": "1", "tickers": "T", "country": "US"}])
    assert decide(reference, "T.TO")["status"] == "unknown"


COLLIDING = [
    {"company_id": "AB", "name": "Alpha Beta Corp", "tickers": "XYZ"},
    {"company_id": "QQ", "name": "Quebec Corp", "tickers": "AB"},
]


def test_an_id_that_is_anothers_ticker_is_ambiguous_without_a_kind(make_reference: MakeReference) -> None:
    decision = decide(make_reference(COLLIDING), "AB")
    assert (decision["status"], decision["suggestion"]) == ("ambiguous", None)


@pytest.mark.parametrize(("kind", "company_id"), [("ticker", "QQ"), ("id", "AB"), ("name", None), ("cik", None)])
def test_a_kind_declares_what_a_column_holds(make_reference: MakeReference, kind: str, company_id: str | None) -> None:
    assert decide(make_reference(COLLIDING), "AB", kind=kind)["company_id"] == company_id


def test_an_unknown_kind_is_refused(make_reference: MakeReference) -> None:
    with pytest.raises(ValueError, match="column kind: sedol is not one of"):
        decide(make_reference(COLLIDING), "AB", kind="sedol")


NAMIBIAN = [
    {"company_id": "1", "name": "Zenith Inc", "country": "NA", "tickers": "NA"},
    {"company_id": "2", "name": "Zenith Corp", "country": "DEU", "tickers": "NAN"},
]


@pytest.mark.parametrize(
    ("supporting_columns", "company_id"),
    [
        ({"country": "NA"}, "1"),
        ({"country": "Namibia"}, "1"),
        ({"country": "NAM"}, "1"),
        ({"country": "Germany"}, "2"),
        ({"country": "DEU"}, "2"),
        ({"country": "de"}, "2"),
        ({"ticker": "NA"}, "1"),
        ({"ticker": "NAN"}, "2"),
        ({"tickers": "XYZ,NAN"}, "2"),
        ({"tickers": "NAN;NAN-W"}, "2"),
        ({"country": "n/a"}, None),
        ({"name": "N/A"}, None),
    ],
)
def test_supporting_columns_are_read_by_their_kind(
    make_reference: MakeReference, supporting_columns: dict[str, str], company_id: str | None
) -> None:
    decision = decide(make_reference(NAMIBIAN), "Zenith", supporting_columns=json.dumps(supporting_columns))
    assert decision["company_id"] == company_id


def test_another_country_is_a_conflict_however_it_is_written(make_reference: MakeReference) -> None:
    reference = make_reference(listed("Zenith Inc", country="US"))
    for country in ("USA", "United States", "U.S.", "us"):
        assert (
            decide(reference, "Zenith Inc", supporting_columns=json.dumps({"country": country}))["status"] == "accepted"
        )
    for country in ("DEU", "Germany", "de"):
        assert (
            decide(reference, "Zenith Inc", supporting_columns=json.dumps({"country": country}))["status"] == "conflict"
        )


MUNICH = [
    {
        "company_id": "1",
        "name": "Münchener Rückversicherungs-Gesellschaft AG",
        "isin": "DE0008430026",
        "lei": "529900MUF6SFZ9AZDB10",
        "cik": "1051425",
        "country": "DE",
    },
    {"company_id": "2", "name": "Swiss Re AG", "country": "CH"},
]


@pytest.mark.parametrize("code", ["DE0008430026", "de 0008430026"])
def test_a_listed_isin_wins_over_an_unlisted_name_and_is_queued(make_reference: MakeReference, code: str) -> None:
    decision = decide(make_reference(MUNICH), code, supporting_columns='{"name": "Zebulon Fisheries"}')
    assert (decision["status"], decision["company_id"], decision["suggestion"]) == ("accepted", "1", "1")
    assert "although the name 'Zebulon Fisheries' is not listed" in str(decision["steps"])


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("DE0008430026", "Swiss Re AG"),  # another listed company's name
        ("DE0008430026", "Swiss Re Ltd"),  # as good as another's
        ("DE0008430O26", "Zebulon Fisheries"),  # the code was repaired
        ("1051425", "Zebulon Fisheries"),  # a code without check digits
    ],
)
def test_other_codes_and_names_stay_a_conflict(make_reference: MakeReference, code: str, name: str) -> None:
    decision = decide(make_reference(MUNICH), code, supporting_columns=json.dumps({"name": name}))
    assert decision["status"] != "accepted"


def test_a_tie_and_what_is_hardly_similar_is_not_suggested(make_reference: MakeReference) -> None:
    reference = make_reference(
        [
            {"company_id": "1", "name": "Helmerich & Payne Inc", "tickers": "HP"},
            {"company_id": "2", "name": "HP Inc"},
            {"company_id": "3", "name": "Qualcomm Inc"},
        ]
    )
    tie = decide(reference, "HP")
    assert (tie["status"], tie["suggestion"]) == ("ambiguous", None)
    assert decide(reference, "ALCOA INC")["suggestion"] is None
    assert decide(reference, "Qualcom Technologies Inc")["status"] == "unknown"


@pytest.mark.parametrize(
    ("name", "source_name"),
    [
        ("Energy NV", "NV Energy"),
        ("SAS Institute", "Institute SAS"),
        ("AG Barr plc", "Barr AG"),
        ("SE Asia Fund", "Asia Fund SE"),
        ("PT Boats Inc", "Boats PT"),
        ("GK Services", "Services GK"),
        ("Mimosa", "Mimo SA"),
        ("Texa Co", "Texaco"),
        ("Cemex SAB de CV", "Cemex SA de CV"),
        ("Comarch Sp. z o.o.", "Comarch Sp. z o.o. Sp.k."),
        ("Ferrero S.r.l.", "Ferrero S.r.l.s."),
        ("Damac LLC", "Damac DMCC"),
        ("Henkel AG & Co. KGaA", "Henkel AG"),
        ("Rand Corp", "R & Corp"),
        ("Ross Stores Inc", "Rose Stores Inc"),
        ("Equinix Inc", "Equinox Inc"),
        ("Akar Industries Private Limited", "AMAR INDUSTRIES"),
        ("Apple Inc", "Apple In"),
        ("Bolt SpA", "Bolt Sap"),
        ("\U0001f600 Corp", "\U0001f601 Corp"),
        ("บริษัท ปตท จำกัด (มหาชน)", "บริษัท ปตท จำกัด"),
    ],
)
def test_words_that_look_like_forms_and_other_words_are_no_match(
    make_reference: MakeReference, name: str, source_name: str
) -> None:
    assert decide(make_reference(listed(name)), source_name)["status"] == "unknown"


@pytest.mark.parametrize(
    ("name", "source_name"),
    [
        ("PT Astra International Tbk", "Astra International Tbk"),
        ("SC Petrom SA", "Petrom S.A."),
        ("Rossi S.a.s.", "Rossi Società in accomandita semplice"),
        ("VAT Group AG", "VAT Group"),
        ("Nokia Oyj", "Nokia Abp"),
        ("Merck KGaA", "Merck KG a.A."),
    ],
)
def test_forms_of_two_words_and_two_languages_are_the_same(
    make_reference: MakeReference, name: str, source_name: str
) -> None:
    assert decide(make_reference(listed(name)), source_name)["company_id"] == "1"


@pytest.mark.parametrize(
    ("name", "source_name", "alias"),
    [
        ("Eaton Corp plc", "Eaton Corporation", None),
        ("Ensco plc", "Ensco International Inc", "Ensco International plc"),
    ],
)
def test_a_general_form_instead_of_the_listed_one_is_accepted_and_queued(
    make_reference: MakeReference, name: str, source_name: str, alias: str | None
) -> None:
    aliases = [{"company_id": "1", "alias": alias}] if alias else []
    decision = decide(make_reference(listed(name), aliases), source_name)
    assert (decision["status"], decision["company_id"], decision["suggestion"]) == ("accepted", "1", "1")


SUPPORTED = [
    {"company_id": "1", "name": "Merck & Co Inc", "tickers": "MRK", "lei": "5493001KJTIIGC8Y1R12", "cik": "310158"},
    {"company_id": "2", "name": "Ford Motor Co", "tickers": "F", "lei": "HWUPKR0MPOU8FGXBT394", "cik": "37996"},
]


@pytest.mark.parametrize(
    ("source_name", "supporting_columns", "status"),
    [
        ("Merck KGaA", {"name": "Merck"}, "unknown"),  # less than the text says
        ("Merck KGaA", {"ticker": "MRK"}, "accepted"),
        ("Merck & Co", {"lei": "213800WAVVOPS85N2205"}, "conflict"),  # an LEI that nobody listed has
        ("Merck & Co", {"lei": "213800WAVVOPS85N2206"}, "accepted"),  # that nobody has
        ("Merck & Co", {"cik": 1418121}, "conflict"),
        ("5493001KJTIIGC8Y1R12", {"lei": "HWUPKR0MPOU8FGXBT394"}, "conflict"),
        ("F", {"name": "Ferrari NV"}, "conflict"),
        ("Ford Motor", {"name": "Ford Motor AG"}, "conflict"),
        ("37996", {"name": "Ford Motor GmbH"}, "accepted"),  # and queued
        ("37996", {"name": "Merck GmbH"}, "conflict"),
        ("Merck & Co", {"COMPANYNAME": "Ford Motor Company"}, "conflict"),
        ("Merck & Co", {"row_id": "2", "parent_code": "F", "name_of_auditor": "Ford Motor Co"}, "accepted"),
        ("MRK", {"ticker": ["MRK", "MRK.B"]}, "accepted"),
        ("MRK", {"cik": 37996.0}, "conflict"),
        ("LEI 5493001KJTIIGC8Y1R12", {"name": "Zebulon Fisheries"}, "accepted"),
    ],
)
def test_supporting_columns_corroborate_and_veto(
    make_reference: MakeReference, source_name: str, supporting_columns: dict[str, object], status: str
) -> None:
    assert (
        decide(make_reference(SUPPORTED), source_name, supporting_columns=json.dumps(supporting_columns))["status"]
        == status
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("USA", "US"), ("Korea (South)", "KR"), ("Côte d'Ivoire", "CI"), ("The Netherlands", "NL"), ("276", "DE")),
        *(("NA", "NA"), ("Namibia", "NA"), ("Republic of Ireland", "IE"), ("Narnia", None), ("", None)),
    ],
)
def test_countries_are_read_as_codes_and_names(text: str, code: str | None) -> None:
    assert read_country(text) == code
