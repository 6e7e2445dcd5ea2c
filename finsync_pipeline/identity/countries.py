"""Countries as lists and sources write them: codes of ISO 3166, and names."""

from __future__ import annotations

from functools import cache

import pycountry

#: Usual names that the standard does not have.
_USUAL = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "usa": "US",
    "us of america": "US",
    "the united states": "US",
    "america": "US",
    "russia": "RU",
    "south korea": "KR",
    "korea": "KR",
    "holland": "NL",
    "turkey": "TR",
    "ivory coast": "CI",
    "vatican": "VA",
    "uae": "AE",
    "cape verde": "CV",
    "swaziland": "SZ",
    "burma": "MM",
    "macedonia": "MK",
    "czech republic": "CZ",
    "deutschland": "DE",
    "osterreich": "AT",
    "österreich": "AT",
    "schweiz": "CH",
    "suisse": "CH",
    "svizzera": "CH",
    "italia": "IT",
    "españa": "ES",
    "brasil": "BR",
}


def read_country(text: str) -> str | None:
    """The code of two letters of a country that is written as code (two or three letters) or name; None if it is none."""
    return _codes().get(_folded(text))


def _folded(text: str) -> str:
    return " ".join(text.replace(".", "").split()).casefold()


@cache
def _codes() -> dict[str, str]:
    names = ("alpha_2", "alpha_3", "name", "official_name", "common_name")
    codes = {
        _folded(getattr(country, name)): country.alpha_2
        for country in pycountry.countries
        for name in names
        if hasattr(country, name)
    }
    return _USUAL | codes
