"""A listed name that a spelling may mean, and the class of its likeness: all that tells how far it can be trusted.

A class is written from the general to the particular, `typo/1/same/2/own/7-8`: the kind, whether the legal forms
agree, how telling the words in common are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from finsync_pipeline.identity.names.forms import NameForms
from finsync_pipeline.identity.names.index import Claim, NameIndex

#: The class of what is rather another word than a slip: never accepted.
ANOTHER_WORD = "another_word"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim that a spelling may mean: its kind, its class, and in words what was ignored or repaired."""

    claim: Claim
    kind: str
    trust_class: str
    steps: str | None = None


def class_of(kind: str, legal: str, told: str) -> str:
    """The class of a likeness of this kind."""
    return f"{kind}/{legal}/{told}"


def legal_forms_agree(forms: NameForms, listed: NameForms) -> str:
    """How the legal forms compare: `same`, `none` in both, `other`, in part the same, `missing` in one."""
    if forms.legal_forms == listed.legal_forms:
        return "same" if forms.legal_forms else "none"
    return "other" if contradict(forms, listed) else "partly" if forms.legal_forms & listed.legal_forms else "missing"


def telling(words: Sequence[str], claim: Claim, names: NameIndex, without: int | None) -> str:
    """How telling the words are: how many, and whether one of them, or all of several, are this company's alone."""
    but = (claim.company,) if without is None else (claim.company, without)
    own = sum(not names.is_borne_by_others(word, but) for word in words)
    count = "3+" if len(words) > 2 else len(words)
    return f"{count}/{'common' if not own else 'own/all' if own == len(words) > 1 else 'own'}"


def contradict(one: NameForms, other: NameForms) -> bool:
    """Whether both names state a legal form, and none in common."""
    return bool(one.legal_forms and other.legal_forms) and one.legal_forms.isdisjoint(other.legal_forms)


def claims_in_force(
    numbers: Sequence[int] | np.ndarray, day: int, names: NameIndex, without: int | None
) -> Iterator[Claim]:
    """The claims of these numbers that are in force on that day; not those of the company to be left out."""
    for number in numbers:
        claim = names.claims[number]
        if claim.company != without and claim.is_in_force(day):
            yield claim
