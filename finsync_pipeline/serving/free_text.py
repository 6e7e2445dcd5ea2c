"""Free text as a screen: `net income above 1 bn in 2009`, `top 5 by cash`, `companies with goodwill missing`.

The text is cut into tokens, and rules are tried at each of them in a fixed order (`free_text_conditions`,
`free_text_periods`, `free_text_ranking`); the first that fits takes its tokens. Nothing is guessed and nothing dropped:
each token is in a part that was understood, is a word that only connects (`passed_over`), or is in `not_understood`
with the reason. A word that is not known changes the words next to it, so an item after it is not understood either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from finsync_pipeline.serving import free_text_conditions as conditions
from finsync_pipeline.serving import free_text_periods as periods
from finsync_pipeline.serving import free_text_ranking as rankings
from finsync_pipeline.serving.free_text_words import FILLERS, SEPARATORS, Found, Part, Words
from finsync_pipeline.serving.screen import Screen, screen_of

MOST_CHARACTERS = 500
"""Characters of a text that are read."""
MANY = ("where", "where_periods", "texts", "fiscal_years", "items")
"""Parameters that several parts add to; each of the others is set once."""
BREAKS = frozenset(["or", "nor", "not", "no", "except", "excluding", "without", "never", "neither", "unless"])
"""Words that turn or join what follows in a way that a screen lacks: the rest of the clause is not understood."""
RULES: Sequence[Callable[[Words, int], Found | None]] = (
    rankings.ranking, conditions.signed_item, conditions.missing_item, conditions.condition, conditions.text_condition,
    periods.quarter, periods.years, periods.length, periods.limit, conditions.amount_first, periods.currency,
    rankings.column,
)  # fmt: skip


@dataclass(frozen=True)
class NotUnderstood:
    """A piece of a text that was not understood, from `start` to `end`, and why."""

    text: str
    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class ReadText:
    """A text as it was read."""

    text: str
    parts: tuple[Part, ...]
    passed_over: tuple[tuple[int, int], ...]
    not_understood: tuple[NotUnderstood, ...]

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the screen, as an address has them."""
        found: dict[str, list[str]] = {}
        for part in self.parts:
            for name, values in part.changes.items():
                given = found.setdefault(name, [])
                given += [each for each in values if each not in given]
        return found

    @property
    def screen(self) -> Screen:
        """The screen that the parts make together."""
        return screen_of({name: values if name in MANY else values[-1] for name, values in self.parameters.items()})


def read_text(text: str) -> ReadText:
    """The text as a screen; it never fails."""
    reading = _Reading(Words.of(text[:MOST_CHARACTERS]))
    place = 0
    while place < len(reading.words.tokens):
        place = reading.step(place)
    unknown = reading.joined()
    if len(text) > MOST_CHARACTERS:
        rest = text[MOST_CHARACTERS:]
        reason = f"only the first {MOST_CHARACTERS} characters are read"
        unknown = (*unknown, NotUnderstood(rest, MOST_CHARACTERS, len(text), reason))
    return ReadText(text, tuple(reading.parts), tuple(reading.passed_over), unknown)


@dataclass
class _Reading:
    """How far a text is read."""

    words: Words
    parts: list[Part] = field(default_factory=list)
    passed_over: list[tuple[int, int]] = field(default_factory=list)
    unknown: list[tuple[int, int, str]] = field(default_factory=list)
    is_after_unknown: bool = False

    def step(self, place: int) -> int:
        """Read what begins with this token; the place of the token after it."""
        for rule in RULES:
            found = rule(self.words, place)
            if found is not None:
                return self._take(place, found)
        word = self.words.lower(place)
        token = self.words.tokens[place]
        if word in FILLERS or word in SEPARATORS:
            self.passed_over.append((token.start, token.end))
            self.is_after_unknown = False
            return place + 1
        if word in BREAKS:
            after = conditions.clause_end(self.words, place + 1)
            what = "alternatives" if word == "or" else f"\u201c{token.text}\u201d"
            self._refuse(place, after, f"{what} cannot be asked for: all conditions hold together")
            return after
        is_name = token.kind == "word" and token.text[0].isupper()
        hint = "; companies are chosen below, by any name" if is_name else ""
        self._refuse(place, place + 1, f"it is not known here{hint}")
        self.is_after_unknown = True
        return place + 1

    def _take(self, place: int, found: Found) -> int:
        if found.problem:
            self._refuse(place, found.after, found.problem)
        elif self.is_after_unknown and any(
            {"where", "where_periods", "items"} & {*each.changes} for each in found.parts
        ):
            self._refuse(place, found.after, "a word before it is not known, which may change what it means")
        elif problem := self._said_twice(found):
            self._refuse(place, found.after, problem)
        else:
            self.parts += found.parts
        self.is_after_unknown = False
        return found.after

    def _said_twice(self, found: Found) -> str:
        """Why the parts do not fit what was understood before them."""
        given = {name: list(values) for part in self.parts for name, values in part.changes.items() if name not in MANY}
        for part in found.parts:
            for name, values in part.changes.items():
                if name in given and given[name] != list(values):
                    return f"another {name.replace('_', ' ')} was named before: {given[name][0]}"
        return ""

    def _refuse(self, place: int, after: int, reason: str) -> None:
        tokens = self.words.tokens
        self.unknown.append((tokens[place].start, tokens[after - 1].end, reason))

    def joined(self) -> tuple[NotUnderstood, ...]:
        """What was not understood; neighbours with the same reason are one piece."""
        pieces: list[tuple[int, int, str]] = []
        for start, end, reason in self.unknown:
            if pieces and pieces[-1][2] == reason and not self.words.text[pieces[-1][1] : start].strip():
                pieces[-1] = (pieces[-1][0], end, reason)
            else:
                pieces.append((start, end, reason))
        return tuple(NotUnderstood(self.words.text[start:end], start, end, reason) for start, end, reason in pieces)
