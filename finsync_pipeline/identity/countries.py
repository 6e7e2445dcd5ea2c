"""Countries as lists and sources write them: codes of ISO 3166, and names."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pycountry

#: Usual names that the standard does not have.
_USUAL = """
    AE uae, AT österreich, BN brunei, BR brasil, CH schweiz, CH suisse, CH svizzera, CI ivory coast, CN china
    mainland, CN peoples china, CN pr china, CN prc, CD democratic congo, CV cape verde, CZ czech republic, DE
    deutschland, ES españa, GB uk, GB great britain, GB england, GB england and wales, GB scotland, GB wales, GB
    northern ireland, IT italia, HK hong kong sar, KR korea, KR korea south, KR south korea, MO macau, MX
    mexico, MK macedonia, MM burma, NL holland, RU russia, SZ swaziland, TR turkey, US america, US the united
    states, US usa, VA vatican, XK kosovo, XK xk
"""
_DROPPED = ".'`\u2019"


def read_country(text: str) -> str | None:
    """The two letters of a country that is written as a code of two or three letters or a name; None if it is none."""
    return _codes().get(_folded(text))


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    words = re.sub(
        r"[^\w\s]", " ", "".join(c for c in letters if not unicodedata.combining(c) and c not in _DROPPED)
    ).split()
    return " ".join(word for word in words if word not in {"the", "of", "republic"} or len(words) == 1)


@cache
def _codes() -> dict[str, str]:
    usual = {name: code for code, _, name in (each.strip().partition(" ") for each in _USUAL.split(","))}
    kinds = ("numeric", "alpha_2", "alpha_3", "name", "official_name", "common_name")
    standard = {_folded(getattr(c, kind)): c.alpha_2 for c in pycountry.countries for kind in kinds if hasattr(c, kind)}
    return {_folded(name): code for name, code in usual.items()} | standard
