"""What sources do to a company's name: the variations that a list of names is tried with."""

from __future__ import annotations

import random
from collections.abc import Callable

from finsync_pipeline.identity.names.words import LEGAL_FORMS, OMITTED_TAILS, SMALL_WORDS

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FORMS = ("inc", "corp", "plc", "ltd", "llc", "lp", "gmbh", "sa")


def varied(name: str, chance: random.Random) -> str:
    """The name with one or two variations."""
    words = name.casefold().split()
    variations, weights = list(_VARIATIONS), list(_VARIATIONS.values())
    for variation in dict.fromkeys(chance.choices(variations, weights, k=chance.choice((1, 1, 2)))):
        words = [word for word in variation(words, chance) if word] or words
    return " ".join(words)


def _as_it_is(words: list[str], chance: random.Random) -> list[str]:
    return words


def _without_legal_form(words: list[str], chance: random.Random) -> list[str]:
    return words[:-1] if len(words) > 1 and words[-1].strip(".,") in LEGAL_FORMS else words


def _with_other_legal_form(words: list[str], chance: random.Random) -> list[str]:
    return [*_without_legal_form(words, chance), chance.choice(_FORMS)]


def _shortened(words: list[str], chance: random.Random) -> list[str]:
    words = _without_legal_form(words, chance)
    return words[: max(1, len(words) - chance.choice((1, 1, 2)))]


def _without_tail(words: list[str], chance: random.Random) -> list[str]:
    said = _without_legal_form(words, chance)
    legal_form = words[len(said) :] if chance.random() < 0.5 else []
    return [*(said[:-1] if len(said) > 1 and said[-1] in OMITTED_TAILS else said), *legal_form]


def _in_other_order(words: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(words))
    return [*words[:place], *reversed(words[place : place + 2]), *words[place + 2 :]]


def _joined(words: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(words))
    return [*words[:place], "".join(words[place : place + 2]), *words[place + 2 :]]


def _initialled(words: list[str], chance: random.Random) -> list[str]:
    count = chance.randint(3, len(words) - 1) if len(words) > 3 else 0
    return ["".join(word[0] for word in words[:count] if word not in SMALL_WORDS), *words[count:]]


def _abbreviated(words: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(words))
    word = words[place]
    shorter = word[0] + "".join(letter for letter in word[1:] if letter not in "aeiou")
    return [*words[:place], shorter, *words[place + 1 :]]


def _mistyped(words: list[str], chance: random.Random) -> list[str]:
    place = chance.choices(range(len(words)), [len(word) for word in words])[0]
    return [*words[:place], _with_slip(words[place], chance), *words[place + 1 :]]


def _mistyped_twice(words: list[str], chance: random.Random) -> list[str]:
    place = chance.choices(range(len(words)), [len(word) for word in words])[0]
    return [*words[:place], _with_slip(_with_slip(words[place], chance), chance), *words[place + 1 :]]


def _with_slip(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word) + 1)
    head, tail = word[:place], word[place:]
    return chance.choice(
        (
            head + chance.choice(_LETTERS) + tail[1:],
            head + chance.choice(_LETTERS) + tail,
            head + tail[1:],
            head + tail[1:2] + tail[:1] + tail[2:],
        )
    )


#: How often each occurs, beside the others.
_VARIATIONS: dict[Callable[[list[str], random.Random], list[str]], float] = {
    _as_it_is: 1,
    _without_legal_form: 1,
    _with_other_legal_form: 0.5,
    _shortened: 0.5,
    _without_tail: 2,
    _in_other_order: 1,
    _joined: 1,
    _abbreviated: 1,
    _initialled: 0.5,
    _mistyped: 1,
    _mistyped_twice: 1,
}
