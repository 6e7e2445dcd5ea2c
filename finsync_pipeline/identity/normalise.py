"""What two spellings of one company have in common.

A name is written down in several forms, from the most literal to the least; the more literal the form in
which a spelling meets a listed name, the surer it is. Tickers and CIKs have one form each. Nothing here knows
which companies are listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from finsync_pipeline.identity.words import (
    ABBREVIATIONS,
    LEGAL_FORMS,
    LETTERS,
    LONGEST_LEGAL_FORM,
    OMITTED_TAILS,
    SHARE_CLASSES,
    SHARE_KINDS,
)

_APOSTROPHES = re.compile(r"['`\u2018\u2019\u02bc\u00b4\u2032]")
_AND = re.compile(r"[&+]")
_SEPARATORS = re.compile(r"[\W_]+")
# The tail that EDGAR puts behind a name to tell it from another: "/DE/", "\DE\", "/MN", " / MA", "/".
_REGISTER_TAIL = re.compile(r"(?<=\S)\s*[/\\]\s*(?:[a-z]{2,4}\s*)?[/\\]?\s*$")
_TICKER = re.compile(r"[0-9A-Z]{1,10}(?:\.[0-9A-Z]{1,4})?")
_TICKER_SEPARATORS = re.compile(r"\s*[./\-_\s]\s*")
_CIK = re.compile(r"(?:CIK)?[\s:#.\-]*([0-9]{1,10})")


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

    @property
    def short(self) -> tuple[str, ...] | None:
        """The sorted core without the words that a spelling may leave out (`group`); null if it has none."""
        end = len(self.core)
        while end > 1 and self.core[end - 1] in OMITTED_TAILS:
            end -= 1
        return tuple(sorted(self.core[:end])) if end < len(self.core) else None

    @property
    def is_bare(self) -> bool:
        """Says neither a legal form nor any other word of the kind that a spelling may leave out."""
        return not self.legal_forms and self.short is None


@lru_cache(maxsize=200_000)
def normalise_name(text: str) -> NameForms:
    """Every form of a company's name."""
    literal = fold_blanks(text).casefold()
    light = _words(literal)
    core, legal_forms = _strip_tails(_words(_REGISTER_TAIL.sub("", literal)))
    core = _join_initials([word for word in core if word != "and"])
    return NameForms(literal, " ".join(light), tuple(core or light), legal_forms)


def fold_blanks(text: str) -> str:
    """Unicode NFKC without invisible characters, and with single blanks."""
    visible = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join("".join(visible).split())


def normalise_ticker(text: str) -> str | None:
    """A ticker in capitals, its share class after a dot (`BRK.B`), or null where the text cannot be one."""
    ticker = _TICKER_SEPARATORS.sub(".", fold_blanks(text)).upper()
    return ticker if _TICKER.fullmatch(ticker) else None


def normalise_cik(text: str) -> str | None:
    """A CIK without its label and its leading zeros, or null where the text is none."""
    found = _CIK.fullmatch(fold_blanks(text).upper())
    return (found[1].lstrip("0") or None) if found else None


def _words(folded: str) -> list[str]:
    """The words of a case-folded text, without accents and punctuation, abbreviations spelled out."""
    decomposed = unicodedata.normalize("NFKD", folded.translate(LETTERS))
    plain = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    plain = _AND.sub(" and ", _APOSTROPHES.sub("", plain))
    words = _SEPARATORS.sub(" ", plain).split()
    return [ABBREVIATIONS.get(word, word) for word in _join_initials(words)]


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
        if words[-2] in LEGAL_FORMS:
            return 1, None  # "Acme Corp A"
    for length in range(min(LONGEST_LEGAL_FORM, len(words)), 0, -1):
        family = LEGAL_FORMS.get(" ".join(words[-length:]))
        if family is not None:
            return length, family
    return 0, None
