"""Listed names that say more than a spelling: by a tail, by words behind it, by letters where it has initials."""

from __future__ import annotations

from collections.abc import Iterator

from finsync_pipeline.identity.names.forms import NameForms
from finsync_pipeline.identity.names.index import Claim, NameIndex
from finsync_pipeline.identity.names.likeness import (
    Candidate,
    claims_in_force,
    class_of,
    contradict,
    legal_forms_agree,
    telling,
)
from finsync_pipeline.identity.names.words import PARTNERSHIPS, ROMAN_NUMERALS

#: A beginning that more names than this have in common tells none of them.
MOST_WITH_ONE_BEGINNING = 200
#: Fewer initials than this are no name.
FEWEST_INITIALS = 3
#: A name is not taken for a longer one if it has fewer letters.
SHORTEST_SHORTENED = 5


def longer(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names that say more than the spelling: a tail that may be left out, or other words behind it."""
    if len(forms.joined) < SHORTEST_SHORTENED:
        return
    key = " ".join(forms.ordered)
    for claim in claims_in_force(names.tailless.numbers_of(key), day, names, without):
        is_full = bool(forms.legal_forms) and len(forms.core) == 1  # "Target Corp" is no "Target Group Inc"
        if claim.forms.tailless == key and not is_full and not contradict(forms, claim.forms):
            yield _as_short(forms, claim, "tail", names, without)
    numbers = names.beginnings.numbers_of(forms.joined)
    if forms.legal_forms or len(numbers) > MOST_WITH_ONE_BEGINNING:
        return  # with its legal form a name is said in full; what many names begin with tells none of them
    for claim in claims_in_force(numbers, day, names, without):
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
    return all(map(names.is_usual, core[length:])) or telling(core[:length], claim, names, without).endswith("all")


def _as_short(forms: NameForms, claim: Claim, kind: str, names: NameIndex, without: int | None) -> Candidate:
    shared = [word for word in claim.forms.core if word in forms.core] or claim.forms.core[:1]
    left_out = [word for word in claim.forms.core if word not in forms.core]
    trust = class_of(kind, legal_forms_agree(forms, claim.forms), telling(shared, claim, names, without))
    steps = f"taken as short for {' '.join(claim.forms.core)!r} (without {' '.join(left_out)!r})"
    return Candidate(claim, kind, trust, steps)


def _is_numeral(word: str) -> bool:
    return len(word) == 1 or not word.isalpha() or word in ROMAN_NUMERALS


def _words_in(forms: NameForms, beginning: str) -> int:
    """How many of the first words, joined, are this beginning; 0 if none."""
    lengths = [count for count, joined in enumerate(forms.beginnings(), start=1) if joined == beginning]
    return lengths[0] if lengths else 0


def initialled(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names whose first words the spelling gives by their initials: `BNY Mellon`."""
    if len(forms.core) < 2 or len(forms.core[0]) < FEWEST_INITIALS:
        return
    key = " ".join(forms.core)
    for claim in claims_in_force(names.initials.numbers_of(key), day, names, without):
        if key in claim.forms.with_initials() and not contradict(forms, claim.forms):
            told = telling(forms.core[1:], claim, names, without)
            read = f"{forms.core[0]!r} read as initials of {' '.join(claim.forms.core)!r}"
            yield Candidate(claim, "initials", class_of("initials", legal_forms_agree(forms, claim.forms), told), read)


def abbreviated(forms: NameForms, day: int, names: NameIndex, without: int | None) -> Iterator[Candidate]:
    """Names of as many words, the first the same, of which some are written in fewer letters."""
    if len(forms.core) < 2:
        return
    numbers = names.beginnings.numbers_of(forms.core[0])
    if len(numbers) > MOST_WITH_ONE_BEGINNING:
        return
    for claim in claims_in_force(numbers, day, names, without):
        core = claim.forms.core
        if len(core) != len(forms.core) or core == forms.core or contradict(forms, claim.forms):
            continue
        differing = [(short, full) for short, full in zip(forms.core, core, strict=True) if short != full]
        if all(_abbreviates(short, full) for short, full in differing):
            same = [word for word in core if word in forms.core]
            read = ", ".join(f"{short!r} read as {full!r}" for short, full in differing)
            trust = class_of("abbreviated", legal_forms_agree(forms, claim.forms), telling(same, claim, names, without))
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
