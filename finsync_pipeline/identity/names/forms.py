"""What two spellings of one company's name have in common.

A name is written down in several forms, from the most literal to the least; the more literal the form in which a
spelling meets a listed name, the surer it is. Nothing here knows which companies are listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from finsync_pipeline.identity.names.words import (
    ABBREVIATIONS,
    LEGAL_FORMS,
    LETTERS,
    LONGEST_LEGAL_FORM,
    OMITTED_TAILS,
    PARTNERSHIPS,
    SHARE_CLASSES,
    SHARE_KINDS,
    SHARE_LETTERS,
    SMALL_WORDS,
    STATES,
)
from finsync_pipeline.identity.normalise import fold_blanks

_APOSTROPHES = re.compile(r"['`\u2018\u2019\u02bc\u00b4\u2032]")
_AND = re.compile(r"[&+]")
_SEPARATORS = re.compile(r"[\W_]+")
# The tail that EDGAR puts behind a name to tell it from another: "/DE/", "\DE\", "/MN", " / MA", "/".
_REGISTER_TAIL = re.compile(r"(?<=\S)\s*[/\\]\s*(?:[a-z]{2,4}\s*)?[/\\]?\s*$")
_REMARK = re.compile(r"\s*\(([^()]*)\)\s*$")

#: A longer text is nobody's name: it is compared as it stands only.
LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class NameForms:
    """One name, from its most literal form to its least.

    In `literal` case and blanks do not matter; in `light` accents, punctuation and abbreviations do not
    either. `core` are the words without legal form, article, register tail and share class. `legal_forms` are
    the families of the legal forms that the core has lost ("Corp plc" has two).
    """

    literal: str
    light: str
    core: tuple[str, ...]
    legal_forms: frozenset[str]

    @property
    def joined(self) -> str:
        """The core without its blanks."""
        return "".join(self.core)

    @property
    def ordered(self) -> tuple[str, ...]:
        """The words of the core, sorted."""
        return tuple(sorted(self.core))

    def key(self, form: str) -> str:
        """What the whole name is looked up by in this one of the WHOLE_FORMS."""
        return _KEYS[form](self)

    def beginnings(self) -> list[str]:
        """The core's first words joined, from the first alone to all but the last."""
        return ["".join(self.core[:count]) for count in range(1, len(self.core))]

    def with_initials(self) -> list[str]:
        """The core with its first three or more words as initials, small words left out: `bny mellon`."""
        places = [place for place, word in enumerate(self.core) if word not in SMALL_WORDS]
        return [
            " ".join(("".join(self.core[place][0] for place in places[:count]), *self.core[places[count - 1] + 1 :]))
            for count in range(3, len(places))
        ]

    def without_each_word(self) -> list[tuple[str, str]]:
        """Each distinct word of the core, and the other words, sorted."""
        words = self.ordered
        places = [place for place, word in enumerate(words) if place == 0 or words[place - 1] != word]
        return [(words[place], " ".join(words[:place] + words[place + 1 :])) for place in places]

    def adds_only_tails_to(self, words: int) -> bool:
        """Whether all that follows the core's first words may be left out (`group`, `of delaware`)."""
        tail = self.core[words:]
        is_place = tail[:1] == ("of",) and " ".join(tail[1:]) in STATES
        return is_place or all(word in OMITTED_TAILS for word in tail)

    @property
    def tailless(self) -> str | None:
        """The words of the core, sorted, without those at its end that may be left out; null if there are none."""
        end = next((count for count in range(1, len(self.core)) if self.adds_only_tails_to(count)), None)
        return None if end is None else " ".join(sorted(self.core[:end]))


_KEYS: dict[str, Callable[[NameForms], str]] = {
    "literal": lambda forms: forms.literal,
    "light": lambda forms: forms.light,
    "core": lambda forms: " ".join(forms.core),
    "joined": lambda forms: forms.joined,
    "ordered": lambda forms: " ".join(forms.ordered),
}
#: The forms of a whole name by which it is looked up, the most literal first.
WHOLE_FORMS = tuple(_KEYS)


@lru_cache(maxsize=200_000)
def normalise_name(text: str) -> NameForms:
    """Every form of a company's name."""
    literal = fold_blanks(text).casefold()
    if len(text) > LONGEST_NAME:
        return NameForms(literal, literal, (literal,), frozenset())
    light = _words(literal)
    core, legal_forms = _strip_tails(_words(_without_remark(_REGISTER_TAIL.sub("", literal))))
    core = _join_initials([word for word in core if word != "and"])
    return NameForms(literal, " ".join(light), tuple(core or light), legal_forms)


def _without_remark(folded: str) -> str:
    """The name without brackets at its end that only say what kind of company it is: `(hldg. co.)`."""
    found = _REMARK.search(folded)
    if found is None or not all(word in LEGAL_FORMS or word in OMITTED_TAILS for word in _words(found[1])):
        return folded
    return folded[: found.start()]


def _words(folded: str) -> list[str]:
    """The words of a case-folded text, without accents and punctuation, abbreviations spelled out."""
    decomposed = unicodedata.normalize("NFKD", folded.translate(LETTERS))
    plain = unicodedata.normalize("NFC", "".join(c for c in decomposed if not _is_accent(c)))
    plain = _AND.sub(" and ", _APOSTROPHES.sub("", plain))
    words = _SEPARATORS.sub(_blank_or_mark, plain).split()
    return [ABBREVIATIONS.get(word, word) for word in _join_initials(words)]


def _is_accent(character: str) -> bool:
    """Whether it is an accent, or a vowel point that may be left out: `é` without its accent is still an `e`.

    The marks of other scripts make other letters: `ダ` is no `タ`, and Indic vowels are written as marks.
    """
    order = unicodedata.combining(character)
    return order == 1 or 10 <= order <= 36 or order >= 200


def _blank_or_mark(separators: re.Match[str]) -> str:
    """A blank for what separates words; marks stay with the letter before them."""
    if separators[0].isascii():
        return " "
    return "".join(c if unicodedata.category(c).startswith("M") else " " for c in separators[0])


def _join_initials(words: Sequence[str]) -> list[str]:
    """Single letters that follow each other made one word: `j p morgan` is `jp morgan`, `n v` is `nv`."""
    joined: list[str] = []
    initials = False
    for word in words:
        letter = len(word) == 1 and word.isalpha()
        if letter and initials:
            joined[-1] += word
        else:
            joined.append(word)
        initials = letter
    return joined


def _strip_tails(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """The words without article, share class and legal forms, and the families of these legal forms."""
    legal_forms: set[str] = set()
    rest = words[1:] if words[:1] == ["the"] else list(words)
    while rest:
        length, family = _tail(rest)
        if length == 0 or length >= len(rest):
            break
        if family is not None:
            legal_forms.add(family)
        rest = rest[:-length]
    return rest, frozenset(legal_forms)


def _tail(words: list[str]) -> tuple[int, str | None]:
    """How many words at the end add nothing to the name, and the family of legal form that they stand for."""
    if words[-1] in {"the", "and"}:
        return 1, None
    for kind in SHARE_KINDS:
        if tuple(words[-len(kind) :]) == kind:
            return len(kind), None
    if len(words) > 2 and len(words[-1]) == 1 and words[-1].isalpha():
        if words[-2] in SHARE_CLASSES:
            return 2, None
        if words[-1] in SHARE_LETTERS and words[-2] in LEGAL_FORMS and LEGAL_FORMS[words[-2]] not in PARTNERSHIPS:
            return 1, None  # "Acme Corp A", but not "Acme LP V"
    for length in range(min(LONGEST_LEGAL_FORM, len(words)), 0, -1):
        family = LEGAL_FORMS.get(" ".join(words[-length:]))
        if family is not None:
            return length, family
    return 0, None
