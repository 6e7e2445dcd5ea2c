"""Legal forms of companies: which words of a name they are, and whether two names' forms can be one company's.

`legal_forms.csv` restates the public list of entity legal forms, ISO 20275, of the forms that companies' names carry:
one family a line, with whether it is that of a company with shares, the countries that have it (`*`: used in names
everywhere) and the ways to write it. Families with a dot are kinds of the one before it: any `jsc.open` is a `jsc`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

EVERYWHERE = "*"
#: Families that usually stand in front of a name, as in `OAO Gazprom`. Of others, a short word there is rather a part
#: of the name (`SAS Institute`), but not a long one or several.
_IN_FRONT = (
    *("jsc", "llc.russian", "state_enterprise", "noncommercial", "sole_trader", "pt", "tbk", "uab", "srl", "tnhh"),
    *("kk", "gk", "yk", "jusik", "yuhan", "gufen", "youxian"),
)
_LONG_IN_FRONT = 8
#: Families that stand in front as well as behind, at home.
_ON_BOTH_SIDES = frozenset({"ab", "oy", "sia", "ou", "uab", "hf", "ehf"})
#: What stands in front of a name as well as another form behind it.
_AROUND: dict[tuple[str, ...], set[str]] = {("pt",): {"tbk"}, ("sc",): {"sa", "srl"}, ("oy",): {"ab", "oy", "oyj"}}
#: Shorter forms are not cut off a word that they are glued to, and shorter names are not left over.
_SHORTEST_FORM_GLUED, _SHORTEST_GLUED = 3, 5


@dataclass(frozen=True)
class Family:
    """Legal forms that differ only in writing."""

    name: str
    is_share_company: bool
    countries: frozenset[str]


@dataclass(frozen=True)
class LegalForms:
    """The forms by the words that they are written with, in the words that `read_words` makes of a text."""

    families: dict[str, Family]
    phrases: dict[tuple[str, ...], frozenset[str]]

    @classmethod
    def read(cls, read_words: Callable[[str], Sequence[str]]) -> LegalForms:
        """Those of `legal_forms.csv`."""
        families: dict[str, Family] = {}
        phrases: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        with (files(__package__) / "legal_forms.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                name = row["family"]
                families[name] = Family(name, row["is_share_company"] == "yes", frozenset(row["countries"].split("|")))
                for written in row["written"].split("|"):
                    phrases[tuple(read_words(written))].add(name)
        return cls(families, {words: frozenset(names) for words, names in phrases.items()})

    @cached_property
    def longest(self) -> int:
        """Words of the longest phrase."""
        return max(map(len, self.phrases))

    @cached_property
    def single_words(self) -> list[str]:
        """The forms that are one word, the longest first."""
        return sorted((words[0] for words in self.phrases if len(words) == 1), key=lambda word: (-len(word), word))

    def at_end(self, words: Sequence[str]) -> tuple[int, frozenset[str]]:
        """How many words at the end are a legal form, and its families; none if nothing would be left."""
        for length in range(min(self.longest, len(words) - 1), 0, -1):
            if found := self.phrases.get(tuple(words[-length:])):
                return length, found
        return 0, frozenset()

    def in_front(self, words: Sequence[str], behind: Collection[str] = ()) -> tuple[int, frozenset[str]]:
        """The same in front, of what usually stands there, given the families that stand `behind`."""
        for length in range(min(self.longest, len(words) - 1), 0, -1):
            phrase = tuple(words[:length])
            if not _AROUND.get(phrase, set()).isdisjoint(behind):
                return length, frozenset(behind)
            is_long = length > 1 or len(words[0]) >= _LONG_IN_FRONT
            found = self.phrases.get(phrase, frozenset())
            usual = found if is_long else frozenset(n for n in found if n.startswith(_IN_FRONT) and _is_whole(words[0]))
            if usual and (not behind or any(name.startswith("jsc") for name in usual)):
                return length, usual
        return 0, frozenset()

    def on_both_sides(self, families: Collection[str]) -> list[str]:
        """The words for those of the families that stand in front as well as behind."""
        both = _ON_BOTH_SIDES.intersection(families)
        return [word for word in self.single_words if self.phrases[(word,)] & both]

    def glued(self, word: str) -> tuple[str, frozenset[str]] | None:
        """A word without the legal form that is glued to its end or front, and its families: `carnivalcorp`."""
        longest = min(len(word) - _SHORTEST_GLUED, len(self.single_words[0]))
        for length in range(longest, _SHORTEST_FORM_GLUED - 1, -1):
            if families := self.phrases.get((word[-length:],)):
                return word[:-length], families
            families = self.phrases.get((word[:length],), frozenset())
            if any(name.startswith(_IN_FRONT) for name in families):
                return word[length:], families
        return None

    def agree(self, source: Collection[str], listed: Collection[str], country: str | None) -> bool:
        """Whether a name of a source and a listed one, of these families, can be one company's by their legal forms.

        A form that is missing in the source's name is no other form. One that is missing in the list is taken for the
        company's if it is a form of companies with shares, of the country of the company.
        """
        if not source:
            return True
        if not listed:
            families = [self.families[name] for name in source]
            return any(each.is_share_company and {EVERYWHERE, country} & each.countries for each in families)
        return any(_is_same(one, other) for one in source for other in listed)


def _is_whole(word: str) -> bool:
    """Whether a form is more than initials, which may be a name's: `GK Services`."""
    return len(word) > 2 or not word.isascii() or word == "pt"


def _is_same(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
