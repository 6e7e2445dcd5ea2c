"""Names of known companies that stand beside the listed ones, so that a list does not swallow strangers.

A list of five companies knows of no other: `Ample` would be a slip for `Apple`. A decoy is a name that answers for
itself, and never for a listed company: what is most like a decoy is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.resources import files

from finsync_pipeline.identity.names.candidates import candidates
from finsync_pipeline.identity.names.forms import NameForms, normalise_name
from finsync_pipeline.identity.names.index import Claim, NameIndex

_ANY_DAY = date(2000, 1, 1).toordinal()


def decoys_beside(claims: Sequence[Claim], companies: int) -> list[Claim]:
    """Decoys for a list of so many companies, numbered after them; none that may be a listed company itself."""
    if not claims:
        return []
    listed = NameIndex.of([replace(claim, valid_from=None, valid_to=None) for claim in claims])
    strangers = [name for name in known_names() if not _may_be_listed(normalise_name(name), listed)]
    return [Claim(companies + number, name) for number, name in enumerate(strangers)]


@cache
def known_names() -> tuple[str, ...]:
    """Names of companies of all sizes and countries, one a line of `known_companies.txt`."""
    text = (files(__package__) / "known_companies.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)


def _may_be_listed(forms: NameForms, listed: NameIndex) -> bool:
    """Whether a listed name is like it in any way, or is its beginning."""
    is_like = any(kind != "typo" for kind, _ in candidates(forms, _ANY_DAY, listed))
    return is_like or any(len(listed.whole["joined"].numbers_of(beginning)) for beginning in forms.beginnings())
