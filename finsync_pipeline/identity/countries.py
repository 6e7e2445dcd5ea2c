"""Countries as lists and sources write them: codes of ISO 3166, and names."""

from __future__ import annotations

from functools import cache

import pycountry

#: Usual names that the standard does not have.
_USUAL = """
    AE uae, AT osterreich, AT österreich, BR brasil, CH schweiz, CH suisse, CH svizzera, CI ivory coast, CV cape verde,
    CZ czech republic, DE deutschland, ES españa, GB uk, GB great britain, GB england, GB scotland, GB wales,
    GB northern ireland, IT italia, KR korea, KR south korea, MK macedonia, MM burma, NL holland, RU russia,
    SZ swaziland, TR turkey, US america, US the united states, US usa, VA vatican
"""


def read_country(text: str) -> str | None:
    """The two letters of a country that is written as a code of two or three letters or a name; None if it is none."""
    return _codes().get(_folded(text))


def _folded(text: str) -> str:
    return " ".join(text.replace(".", "").split()).casefold()


@cache
def _codes() -> dict[str, str]:
    usual = {name: code for code, _, name in (each.strip().partition(" ") for each in _USUAL.split(","))}
    kinds = ("alpha_2", "alpha_3", "name", "official_name", "common_name")
    standard = {_folded(getattr(c, kind)): c.alpha_2 for c in pycountry.countries for kind in kinds if hasattr(c, kind)}
    return usual | standard
