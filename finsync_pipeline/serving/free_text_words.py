"""What the rules of free text share: a part of a text as it was understood, and the words of the text by place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from finsync_pipeline.serving.item_words import MeantItem, item_of
from finsync_pipeline.serving.text_tokens import Token, tokens_of

Changes = Mapping[str, Sequence[str]]
"""Parameters of a screen as an address has them."""
Value = TypeVar("Value")
LONGEST_ITEM = 16
"""Tokens that are looked at for the name of an item."""
FILLERS = frozenset([
    "the", "a", "an", "all", "any", "show", "list", "find", "give", "get", "me", "please", "companies", "company",
    "firms", "firm", "corporations", "businesses", "with", "whose", "that", "which", "who", "have", "has",
    "having", "had", "and", "where", "are", "is", "was", "were", "be", "their", "its", "of", "for", "in", "from",
    "at", "on", "results", "those", "these", "average", "mean", "display", "want", "i", "we", "need",
])  # fmt: skip
"""Words that connect what is asked, and mean nothing alone."""
SEPARATORS = frozenset(",;.!?:()") | {"and"}
"""Where a clause ends."""


@dataclass(frozen=True)
class Choice:
    """Something else that a part may mean, and the parameters that stand for it."""

    meaning: str
    changes: Changes


@dataclass(frozen=True)
class Part:
    """A part of a text that was understood: from `start` to `end`, in plain words, and as parameters of a screen."""

    start: int
    end: int
    meaning: str
    changes: Changes
    others: tuple[Choice, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Found:
    """What a rule found: parts, and the place of the token after it. `problem` is why they are not understood."""

    after: int
    parts: tuple[Part, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Words:
    """The tokens of a text, asked by their place; beyond the last one are empty texts."""

    text: str
    tokens: Sequence[Token] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "Words":
        """The words of the text."""
        return cls(text, tokens_of(text))

    def lower(self, place: int) -> str:
        """The token in lower case."""
        return self.tokens[place].lower if 0 <= place < len(self.tokens) else ""

    def kind(self, place: int) -> str:
        """word, number or sign."""
        return self.tokens[place].kind if place < len(self.tokens) else ""

    def part(self, first: int, after: int, meaning: str, changes: Changes, **more: object) -> Part:
        """The part of the tokens from the first to the one before `after`."""
        return Part(self.tokens[first].start, self.tokens[after - 1].end, meaning, changes, **more)  # type: ignore[arg-type]

    def match(self, place: int, phrases: Mapping[tuple[str, ...], Value]) -> tuple[Value, int] | None:
        """The value of the longest phrase that begins here, and the place after it."""
        for count in range(max(map(len, phrases)), 0, -1):
            words = tuple(self.lower(place + offset) for offset in range(count))
            if words in phrases:
                return phrases[words], place + count
        return None

    def skip(self, place: int, words: Iterable[str]) -> int:
        """The next place whose token is none of the words."""
        skipped = frozenset(words)
        while place < len(self.tokens) and self.lower(place) in skipped:
            place += 1
        return place

    def item(self, place: int) -> tuple[MeantItem, int] | None:
        """The item that begins here, and the place after it; hyphens between words count as blanks."""
        words: list[str] = []
        after: list[int] = []
        at = place
        while at < min(len(self.tokens), place + LONGEST_ITEM) and self.kind(at) == "word":
            words.append(self.lower(at))
            after.append(at + 1)
            at += 2 if self.lower(at + 1) in ("-", "_", "\u2010", "\u2011") and self.kind(at + 2) == "word" else 1
        meant = item_of(words)
        return (meant, after[meant.count - 1]) if meant else None


def phrases(table: Mapping[str, Value]) -> Mapping[tuple[str, ...], Value]:
    """The table with the words of each key apart; several keys are separated by |."""
    return {tuple(each.split()): value for key, value in table.items() for each in key.split("|")}
