"""A company's name in its normal forms, from the most literal to the least: what two ways to write it have in common.

The more literal the form in which a source's name equals a listed one, the surer the match. Nothing here knows which
companies are listed.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ftfy import fix_encoding
from rapidfuzz.distance import OSA

from finsync_pipeline.identity.names.legal_forms import LegalForms
from finsync_pipeline.identity.names.words import (
    ABBREVIATIONS,
    LETTERS,
    OMITTED_TAILS,
    SMALL_WORDS,
)

#: A longer text is nobody's name: it is compared as it stands only.
LONGEST_NAME = 1_000

#: A word of some length that goes on with a capital after small letters.
_CAPITALS = re.compile(r"\b([^\W\d_]{4,}[^\W\d_A-Z])([A-Z][^\W\d_]*)\b")
_APOSTROPHES = re.compile(r"['`\u2018\u2019\u02bc\u00b4\u2032]")
#: How `and` is written among the words, so that it is not taken for letters: `B&` is not `Band`.
AND = "&"
_AND = re.compile(r"[&+]")
_SEPARATORS = re.compile(r"[\W_]+")
# The tail that EDGAR puts behind a name to tell it from another: "/DE/", "\DE\", "/MN", " / MA", "/".
_REGISTER_TAIL = re.compile(r"(?<=\S)\s*[/\\]\s*(?:[a-z]{2,4}\s*)?[/\\]?\s*$")
# Brackets at the end that only say what kind of company it is: "(hldg. co.)", but not "(holdings)".
_REMARK = re.compile(r"\s*\((?:(?:hldgs?|holdings?|group|grp)\.? )?(?:co|corp|inc|publ)\.?\)$")
# Scripts without blanks between words write the form to the name: (kabu) is short for the first of them.
_GLUED_FORMS = re.compile(
    "(株式会社|有限会社|合同会社|股份有限公司|有限责任公司|有限公司|주식회사|유한회사|\\([株有同주유]\\))"
)
#: Letters of a misspelt legal form, at least; and if any of them may be wrong: `crop` is another word.
_SHORTEST_MISSPELT, _LONG_FORM = 3, 5
_DOUBLE = re.compile(r"(.)\1")
#: Of shorter ones `and` is a part: `B&G`.
_SHORTEST_WORD = 3
GENERAL_FORMS = frozenset({"corporation", "incorporated", "corporation.co"})
#: What may stand before another legal form: `Corp plc`. Other words there are a part of the name: `Smith A O Corp`.
_INNER_FORMS = GENERAL_FORMS | {"limited"}
# "Acme Corp A", but not "Acme LP V"
_SHARE_LETTER = re.compile(r" (?:inc|corp|co|ltd|plc) [abc]$")
_SHARE_CLASS = re.compile(r" (?:the|adr|ads|common stock|(?:common|ordinary) shares|(?:class|cl|series) [a-z])$")
#: A letter behind a hyphen at the end tells one share of a company from another.
_SHARE_TAIL = re.compile(r"(?<=[a-z]{4})\s?-\s?[a-c]$")


@dataclass(frozen=True, slots=True)
class NameForms:
    """One name in its normal forms.

    In `literal` case and blanks do not matter, in `light` accents, punctuation and abbreviations do not either. `core`:
    the words without legal form, article, register tail and share class. `families`: those of the outermost legal
    form ("plc" in "Corp plc").
    """

    literal: str
    light: str
    core: tuple[str, ...]
    families: frozenset[str]

    @property
    def joined(self) -> str:
        """The core without its blanks."""
        return "".join(self.core)

    @property
    def ordered(self) -> str:
        """The words of the core, sorted."""
        return " ".join(sorted(self.core))

    @property
    def tailless(self) -> str:
        """The words of the core, sorted, without those at its end that may be left out, such as `group`."""
        end = next((count for count in range(1, len(self.core)) if self.adds_only_tails_to(count)), len(self.core))
        return " ".join(sorted(self.core[:end]))

    def beginnings(self) -> list[str]:
        """The first words of the core joined, from the first alone to all but the last."""
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
        words = sorted(self.core)
        places = [place for place, word in enumerate(words) if place == 0 or words[place - 1] != word]
        return [(words[place], " ".join(words[:place] + words[place + 1 :])) for place in places]

    def adds_only_tails_to(self, words: int) -> bool:
        """Whether all that follows the first words of the core may be left out, such as `group`."""
        return OMITTED_TAILS.issuperset(self.core[words:])


def fold_blanks(text: str) -> str:
    """Unicode NFKC without invisible characters, and with single blanks."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join(text.split())


@lru_cache(maxsize=200_000)
def normalise_name(text: str) -> NameForms:
    """The normal forms of a name."""
    literal = fold_blanks(text).casefold()
    if len(text) > LONGEST_NAME:
        return NameForms(literal, literal, (literal,), frozenset())
    readable = fold_blanks(_readable(text)).casefold()
    light = _words(readable)
    if tuple(light) in LEGAL_FORMS.phrases:
        light = [literal]  # a legal form alone is nobody's name, nor are the signs before it
    bare = _SHARE_TAIL.sub("", _REMARK.sub("", _REGISTER_TAIL.sub("", readable)))
    core, families = _core(light if bare == readable or light == [literal] else _words(bare))
    return NameForms(literal, " ".join(light), tuple(_joined_initials(core) or light or [literal]), families)


def other_readings(forms: NameForms) -> Iterator[tuple[NameForms, str]]:
    """Other ways to read a name whose legal form stands at another place, or is misspelt; and the way in words.

    Such a reading counts only for a listed name with the same legal form.
    """
    if forms.families:
        for form in LEGAL_FORMS.on_both_sides(forms.families):
            yield replace(forms, core=(form, *forms.core), families=frozenset()), "legal form in another place"
        return
    *before, last = forms.core
    first = forms.core[0]
    if before and (families := _misspelt(last)):
        yield replace(forms, core=tuple(before), families=families), f"{last!r} read as legal form"
    if before and LEGAL_FORMS.on_both_sides(families := LEGAL_FORMS.phrases.get((first,), frozenset())):
        yield replace(forms, core=forms.core[1:], families=families), f"{first!r} in front read as legal form"
    for place, word in {len(before): last, 0: first}.items():
        if glued := LEGAL_FORMS.glued(word):
            core = (*forms.core[:place], glued[0], *forms.core[place + 1 :])
            yield replace(forms, core=core, families=glued[1]), f"legal form taken off {word!r}"


@lru_cache(maxsize=50_000)
def _misspelt(word: str) -> frozenset[str]:
    """The families of the legal forms of which a word is a misspelling: a letter double, or one too few.

    In long forms any one letter may be wrong; short ones swapped or changed are other words: `crop`.
    """
    families: set[str] = set()
    for form, of_form in _WRITTEN_FORMS.get(word[:1], ()):
        if min(len(form), len(word)) < _SHORTEST_MISSPELT:
            continue
        is_slip = len(word) < len(form) or len(form) >= _LONG_FORM or _DOUBLE.sub(r"\1", word) == form
        if is_slip and OSA.distance(word, form, score_cutoff=1) == 1:
            families |= of_form
    return frozenset(families)


def _readable(text: str) -> str:
    """The text without what other systems made of its letters: `&amp;`, `Ã©` for `é`."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    text = _CAPITALS.sub(_split_form, text)
    return text if text.isascii() else _GLUED_FORMS.sub(r" \1 ", unicodedata.normalize("NFKC", fix_encoding(text)))


def _split_form(found: re.Match[str]) -> str:
    """`SiemensAG` with a blank before the legal form; other words with capitals in them as they are."""
    is_form = (found[2].casefold(),) in LEGAL_FORMS.phrases and (found[2].isupper() or len(found[2]) > 3)
    return " ".join(found.groups()) if is_form else found[0]  # `PepsiCo` is one word


def _words(folded: str) -> list[str]:
    """The words of a case-folded text, without accents and punctuation, abbreviations spelled out."""
    plain = folded
    if not folded.isascii():
        decomposed = unicodedata.normalize("NFKD", folded.translate(LETTERS))
        plain = unicodedata.normalize("NFC", "".join(c for c in decomposed if not _is_accent(c)))
    plain = _AND.sub(" and ", _APOSTROPHES.sub("", plain))
    words = _SEPARATORS.sub(_blank_or_mark, plain).split()
    return [AND if word == "and" else ABBREVIATIONS.get(word, word) for word in _joined_initials(words)]


def _is_accent(character: str) -> bool:
    """Whether it is an accent, or a vowel point that may be left out: `é` without its accent is still an `e`.

    The marks of other scripts make other letters: `ダ` is not `タ`, and Indic vowels are written as marks.
    """
    order = unicodedata.combining(character)
    return order == 1 or 10 <= order <= 36 or order >= 200


def _blank_or_mark(separators: re.Match[str]) -> str:
    """A blank for what separates words; marks stay with the letter before them."""
    if separators[0].isascii():
        return " "
    return "".join(c if unicodedata.category(c).startswith("M") else " " for c in separators[0])


def _joined_initials(words: Sequence[str]) -> list[str]:
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


def _core(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """The words without article, share class and legal forms, and the families of the outermost form.

    The general `corp` at the end may belong to a name whose legal form stands in front: `JSC Missiles Corp`.
    """
    families: frozenset[str] = frozenset()
    rest = words[1:] if words[:1] in (["the"], ["บริษัท"]) else list(words)
    while rest:
        length = _length_of_share_class(rest)
        if length == 0:
            length, found = LEGAL_FORMS.at_end(rest)
            if families and not found & _INNER_FORMS:
                break
            families = families or found
        if length == 0 or length >= len(rest):
            break
        rest = rest[:-length]
    length, in_front = LEGAL_FORMS.in_front(rest, families)
    if length and "incorporated" not in families and (families <= GENERAL_FORMS or in_front == families):
        rest, families = rest[length:], in_front
    return _without_and(rest), families


def _without_and(words: list[str]) -> list[str]:
    """Without `&` between two words; between letters it is one of them: `PG&E`, `AT&T`."""
    return [
        word
        for before, word, behind in zip(["", *words], words, [*words[1:], ""], strict=False)
        if word != AND or min(len(before), len(behind)) < _SHORTEST_WORD
    ]


def _length_of_share_class(words: list[str]) -> int:
    """How many words at the end only tell one share of a company from another, or are an article."""
    text = " ".join(words)
    if _SHARE_LETTER.search(text):
        return 1
    found = _SHARE_CLASS.search(text)
    return found[0].count(" ") if found else 0


#: The forms, in the words of this module.
LEGAL_FORMS = LegalForms.read(lambda written: _words(fold_blanks(written).casefold()))
#: Those that are one word, as it may be written, by its first letter; with their families.
_WRITTEN_FORMS: dict[str, list[tuple[str, frozenset[str]]]] = {}
for _form in (*LEGAL_FORMS.single_words, *ABBREVIATIONS):
    if _families := LEGAL_FORMS.phrases.get((ABBREVIATIONS.get(_form, _form),)):
        _WRITTEN_FORMS.setdefault(_form[0], []).append((_form, _families))
