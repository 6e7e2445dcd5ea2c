"""The listed names that a spelling may mean, kind by kind, the surest first.

How far a kind, and each class within it, can be trusted is worked out elsewhere (`calibration`).
"""

from __future__ import annotations

from collections.abc import Iterator

from finsync_pipeline.identity.names.fewer_words import abbreviated, initialled, longer
from finsync_pipeline.identity.names.forms import WHOLE_FORMS, NameForms
from finsync_pipeline.identity.names.index import Claim, NameIndex
from finsync_pipeline.identity.names.likeness import (
    Candidate,
    claims_in_force,
    class_of,
    contradict,
    legal_forms_agree,
    telling,
)
from finsync_pipeline.identity.names.mistyped import mistyped
from finsync_pipeline.identity.names.words import PARTNERSHIPS


def candidates(
    forms: NameForms, day: int, names: NameIndex, without: int | None = None
) -> Iterator[tuple[str, list[Candidate]]]:
    """The claims in force on that day (an ordinal), kind by kind, the surest first; kinds without any are left out.

    Kinds: `literal`, `light`, `core`, `joined`, `ordered` (equal in that form), `legal_form`, `tail`, `shortened`,
    `initials`, `abbreviated`, `typo`.

    `without`: leave this company out, as if it were not listed.
    """
    equal: dict[str, list[Claim]] = {}
    for form in WHOLE_FORMS:
        equal[form] = list(_equal(forms, form, day, names, without))
        agreeing = [c for c in equal[form] if form in {"literal", "light"} or not contradict(forms, c.forms)]
        if not forms.legal_forms:  # a partnership says that it is one
            agreeing = [c for c in agreeing if not c.forms.legal_forms & PARTNERSHIPS] or agreeing
        if agreeing:
            yield form, [_candidate(forms, claim, form, names, without) for claim in agreeing]
    opposed = [claim for form in ("core", "joined", "ordered") for claim in equal[form]]
    if opposed:
        yield "legal_form", [_candidate(forms, claim, "legal_form", names, without) for claim in dict.fromkeys(opposed)]
    said_shorter = list(longer(forms, day, names, without))
    for kind in ("tail", "shortened"):
        if of_kind := [c for c in said_shorter if c.kind == kind]:
            yield kind, of_kind
    for kind, found_in in (("initials", initialled), ("abbreviated", abbreviated), ("typo", mistyped)):
        if of_kind := list(found_in(forms, day, names, without)):
            yield kind, of_kind


def _equal(forms: NameForms, form: str, day: int, names: NameIndex, without: int | None) -> Iterator[Claim]:
    key = forms.key(form)
    if not key:
        return  # nothing but signs: no two of them are alike
    for claim in claims_in_force(names.whole[form].numbers_of(key), day, names, without):
        if claim.forms.key(form) == key:
            yield claim


def _candidate(forms: NameForms, claim: Claim, kind: str, names: NameIndex, without: int | None) -> Candidate:
    legal = legal_forms_agree(forms, claim.forms) if kind not in {"literal", "light"} else "same"
    return Candidate(
        claim,
        kind,
        class_of(kind, legal, telling(claim.forms.core, claim, names, without)),
        _ignored(forms, claim, kind),
    )


def _ignored(forms: NameForms, claim: Claim, kind: str) -> str | None:
    """What had to be ignored to find a name equal, in words."""
    said, listed = forms.legal_forms, claim.forms.legal_forms
    legal = "" if said == listed else f"; legal form {_and(said)}, listed {_and(listed)}"
    ignored = {
        "literal": "case and blanks ignored",
        "light": "punctuation, accents and abbreviations ignored",
        "core": "the name without legal form and article",
        "joined": "words joined",
        "ordered": "order of words ignored",
        "legal_form": "the same name",
    }[kind]
    return ignored + legal


def _and(families: frozenset[str]) -> str:
    return " and ".join(sorted(families)) or "none"
