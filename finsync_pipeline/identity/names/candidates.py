"""The listed names that a spelling may mean, and in what they differ from it: its kind and its class.

A class is all that tells how far a likeness can be trusted: what had to be ignored or repaired, whether the legal
forms agree, how telling the words in common are. How far each class can be trusted is worked out elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

from finsync_pipeline.identity.names.forms import NameForms
from finsync_pipeline.identity.names.index import WHOLE_FORMS, Claim, NameIndex
from finsync_pipeline.identity.names.slips import is_likely_slip
from finsync_pipeline.identity.names.words import PARTNERSHIPS, ROMAN_NUMERALS

#: Kinds of likeness, the surest first: `literal` to `ordered` are equal in that form.
KINDS = (*WHOLE_FORMS, "legal_form", "tail", "shortened", "initials", "abbreviated", "typo")
#: The class of what is rather another word than a slip: never accepted.
ANOTHER_WORD = "another_word"
#: Two edits (insert, delete, replace, transpose) at most in a mistyped word; it has so many letters for one, for two.
MOST_EDITS, SHORTEST_REPAIRED = 2, (4, 7)
#: If it is the whole name, so many: for a likely slip, for any one edit, for two.
SHORTEST_ALONE = (5, 7, 10)
#: Beside one other word, it and the words that are this company's alone have so many, or the slip is a likely one.
SHORTEST_TELLING = 8
#: A beginning that more names than this have in common tells none of them.
MOST_WITH_ONE_BEGINNING = 200
#: Fewer initials than this are no name.
FEWEST_INITIALS = 3
#: A name is not taken for a longer one if it has fewer letters.
SHORTEST_SHORTENED = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim that a spelling may mean: its kind, its class, and in words what was ignored or repaired."""

    claim: Claim
    kind: str
    trust_class: str
    steps: str | None = None


def candidates(
    forms: NameForms, day: int, names: NameIndex, without: int | None = None
) -> Iterator[tuple[str, list[Candidate]]]:
    """The claims in force on that day (an ordinal), kind by kind, the surest first; kinds without any are left out.

    `without`: leave this company out, as if it were not listed.
    """
    for form in WHOLE_FORMS:
        found = list(_equal(forms, form, day, names, without))
        agreeing = [c for c in found if form in {"literal", "light"} or not _contradict(forms, c.forms)]
        if not forms.legal_forms:  # a partnership says that it is one
            agreeing = [c for c in agreeing if not c.forms.legal_forms & PARTNERSHIPS] or agreeing
        if agreeing:
            yield form, [_candidate(forms, claim, form, names, without) for claim in agreeing]
    opposed = [c for form in ("core", "joined", "ordered") for c in _equal(forms, form, day, names, without)]
    if opposed:
        yield "legal_form", [_candidate(forms, claim, "legal_form", names, without) for claim in _once(opposed)]
    longer = list(_longer(forms, day, names, without))
    for kind in ("tail", "shortened"):
        if of_kind := [c for c in longer if c.kind == kind]:
            yield kind, of_kind
    if initialled := list(_initialled(forms, day, names, without)):
        yield "initials", initialled
    if abbreviated := list(_abbreviated(forms, day, names, without)):
        yield "abbreviated", abbreviated
    if mistyped := list(_mistyped(forms, day, names, without)):
        yield "typo", mistyped


def _equal(forms: NameForms, form: str, day: int, names: NameIndex, without: int | None) -> Iterator[Claim]:
    key = forms.keys[form]
    if not key:
        return  # nothing but signs: no two of them are alike
    for claim in _claims(names.whole[form].numbers_of(key), day, names, without):
        if claim.forms.keys[form] == key:
            yield claim


def _longer(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names that say more than the spelling: a tail that may be left out, or other words behind it."""
    if len(forms.joined) < SHORTEST_SHORTENED:
        return
    key = " ".join(forms.ordered)
    for claim in _claims(names.tailless.numbers_of(key), day, names, without):
        is_full = bool(forms.legal_forms) and len(forms.core) == 1  # "Target Corp" is no "Target Group Inc"
        if claim.forms.tailless == key and not is_full and not _contradict(forms, claim.forms):
            yield _as_short(forms, claim, "tail", names, without)
    numbers = names.beginnings.numbers_of(forms.joined)
    if forms.legal_forms or len(numbers) > MOST_WITH_ONE_BEGINNING:
        return  # with its legal form a name is said in full; what many names begin with tells none of them
    for claim in _claims(numbers, day, names, without):
        length = _words_in(claim.forms, forms.joined)
        if length and not claim.forms.adds_only_tails_to(length) and _is_shortened(claim, length, names, without):
            yield _as_short(forms, claim, "shortened", names, without)


def _is_shortened(claim: Claim, length: int, names: NameIndex, without: int | None) -> bool:
    """Whether a name may be called by its first words.

    What is left out must be usual words, or the first words nobody else's; numbers tell funds apart, and the
    beginning of a partnership's name is its parent's.
    """
    core = claim.forms.core
    if claim.forms.legal_forms & PARTNERSHIPS or any(map(_is_numeral, core[length:])):
        return False
    return all(map(names.is_usual, core[length:])) or _own(core[:length], claim, names, without).endswith("all")


def _as_short(forms: NameForms, claim: Claim, kind: str, names: NameIndex, without: int | None) -> Candidate:
    shared = [word for word in claim.forms.core if word in forms.core] or claim.forms.core[:1]
    left_out = [word for word in claim.forms.core if word not in forms.core]
    trust = _class(kind, _legal(forms, claim.forms), _own(shared, claim, names, without))
    steps = f"taken as short for {' '.join(claim.forms.core)!r} (without {' '.join(left_out)!r})"
    return Candidate(claim, kind, trust, steps)


def _is_numeral(word: str) -> bool:
    return len(word) == 1 or not word.isalpha() or word in ROMAN_NUMERALS


def _words_in(forms: NameForms, beginning: str) -> int:
    """How many of the first words, joined, are this beginning; 0 if none."""
    lengths = [count for count, joined in enumerate(forms.beginnings(), start=1) if joined == beginning]
    return lengths[0] if lengths else 0


def _initialled(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names whose first words the spelling gives by their initials: `BNY Mellon`."""
    if len(forms.core) < 2 or len(forms.core[0]) < FEWEST_INITIALS:
        return
    key = " ".join(forms.core)
    for claim in _claims(names.initials.numbers_of(key), day, names, without):
        if key in claim.forms.with_initials() and not _contradict(forms, claim.forms):
            told = _own(forms.core[1:], claim, names, without)
            read = f"{forms.core[0]!r} read as initials of {' '.join(claim.forms.core)!r}"
            yield Candidate(claim, "initials", _class("initials", _legal(forms, claim.forms), told), read)


def _abbreviated(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names of as many words, the first the same, of which some are written in fewer letters."""
    if len(forms.core) < 2:
        return
    numbers = names.beginnings.numbers_of(forms.core[0])
    if len(numbers) > MOST_WITH_ONE_BEGINNING:
        return
    for claim in _claims(numbers, day, names, without):
        core = claim.forms.core
        if len(core) != len(forms.core) or core == forms.core or _contradict(forms, claim.forms):
            continue
        differing = [(short, full) for short, full in zip(forms.core, core, strict=True) if short != full]
        if all(_abbreviates(short, full) for short, full in differing):
            same = [word for word in core if word in forms.core]
            read = ", ".join(f"{short!r} read as {full!r}" for short, full in differing)
            trust = _class("abbreviated", _legal(forms, claim.forms), _own(same, claim, names, without))
            yield Candidate(claim, "abbreviated", trust, read)


def _abbreviates(short: str, full: str) -> bool:
    """Whether the letters of `short` stand in `full` in their order, from its first letter, and are clearly fewer."""
    if len(short) < 2 or short[0] != full[0] or not short.isalpha():
        return False
    if len(short) > len(full) - 2 and short != full[0] + "".join(
        letter for letter in full[1:] if letter not in "aeiou"
    ):
        return False
    letters = iter(full)
    return all(letter in letters for letter in short)


def _mistyped(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names that have one word otherwise, by few edits, which nobody else's name has."""
    seen: set[int] = set()
    for wrong, others in forms.without_each_word():
        places = names.rest.numbers_of(others)
        if not len(places):
            continue
        rights = [names.rest_words[place] for place in places]
        edits = cdist([wrong], rights, scorer=OSA.distance, score_cutoff=MOST_EDITS, dtype=np.int32)[0]
        for at in np.flatnonzero((edits > 0) & (edits <= MOST_EDITS)):
            number = int(names.rest_claims[places[at]])
            for claim in _claims([number], day, names, without):
                if number in seen or _contradict(forms, claim.forms) or not _differs_by(forms, claim.forms, wrong):
                    continue
                seen.add(number)
                yield _as_typo(forms, claim, wrong, rights[at], int(edits[at]), names, without)


def _differs_by(forms: NameForms, listed: NameForms, wrong: str) -> bool:
    return list((Counter(forms.core) - Counter(listed.core)).elements()) == [wrong]


def _as_typo(
    forms: NameForms, claim: Claim, wrong: str, right: str, edits: int, names: NameIndex, without: int | None
) -> Candidate:
    rest = [word for word in claim.forms.core if word != right]
    if _is_another_word(wrong, right, edits, rest, claim, names, without):
        trust = ANOTHER_WORD
    else:
        shorter = min(len(wrong), len(right))
        length = "4" if shorter == 4 else "5-6" if shorter <= 6 else "7-8" if shorter <= 8 else "9+"
        first = "" if wrong[0] == right[0] else "/first letter"
        told = _own(rest, claim, names, without) if rest else "alone"
        trust = _class(f"typo/{edits}", _legal(forms, claim.forms), f"{told}/{length}{first}")
    return Candidate(claim, "typo", trust, f"{wrong!r} read as {right!r}")


def _is_another_word(
    wrong: str, right: str, edits: int, rest: Sequence[str], claim: Claim, names: NameIndex, without: int | None
) -> bool:
    """Whether the word is rather another one: a number, a word of other names, or too short for so many edits."""
    if not (wrong.isalpha() and right.isalpha()) or {wrong, right} & ROMAN_NUMERALS:
        return True
    if names.is_borne_by_others(wrong, () if without is None else (without,)):
        return True
    is_likely = edits == 1 and is_likely_slip(wrong, right)
    if wrong[0] != right[0] and (edits > 1 or not rest):
        return True
    if not rest:
        least = SHORTEST_ALONE[0 if is_likely else edits]
    else:
        least = SHORTEST_REPAIRED[edits - 1]
        but = (claim.company,) if without is None else (claim.company, without)
        telling = len(right) + sum(len(word) for word in rest if not names.is_borne_by_others(word, but))
        if len(rest) == 1 and telling < SHORTEST_TELLING and not is_likely:
            return True
    return min(len(wrong), len(right)) < least


def _candidate(forms: NameForms, claim: Claim, kind: str, names: NameIndex, without: int | None) -> Candidate:
    legal = _legal(forms, claim.forms) if kind not in {"literal", "light"} else "same"
    return Candidate(
        claim, kind, _class(kind, legal, _own(claim.forms.core, claim, names, without)), _ignored(forms, claim, kind)
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


def _class(kind: str, legal: str, told: str) -> str:
    return f"{kind}/{legal}/{told}"


def _legal(forms: NameForms, listed: NameForms) -> str:
    if forms.legal_forms == listed.legal_forms:
        return "same" if forms.legal_forms else "none"
    return "other" if _contradict(forms, listed) else "partly" if forms.legal_forms & listed.legal_forms else "missing"


def _own(words: Sequence[str], claim: Claim, names: NameIndex, without: int | None) -> str:
    """How telling the words are: how many, and whether one of them, or all of several, are this company's alone."""
    but = (claim.company,) if without is None else (claim.company, without)
    own = sum(not names.is_borne_by_others(word, but) for word in words)
    count = "3+" if len(words) > 2 else len(words)
    return f"{count}/{'common' if not own else 'own/all' if own == len(words) > 1 else 'own'}"


def _contradict(one: NameForms, other: NameForms) -> bool:
    """Whether both names state a legal form, and none in common."""
    return bool(one.legal_forms and other.legal_forms) and one.legal_forms.isdisjoint(other.legal_forms)


def _claims(numbers: Sequence[int] | np.ndarray, day: int, names: NameIndex, without: int | None) -> Iterator[Claim]:
    for number in numbers:
        claim = names.claims[number]
        if claim.company != without and claim.is_in_force(day):
            yield claim


def _once(claims: Sequence[Claim]) -> list[Claim]:
    return list(dict.fromkeys(claims))
