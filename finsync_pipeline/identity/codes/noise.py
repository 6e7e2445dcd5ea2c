"""Mistakes made on purpose, in listed codes, to see what a repair of them is worth."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from finsync_pipeline.identity.codes.bytes_of import Ints
from finsync_pipeline.identity.codes.distance import KEYBOARD, LOOK_ALIKES

SEED = 20_240_229
SAMPLE, FEWEST_VARIANTS, VARIANTS_PER_CODE = 30_000, 4_000, 20

_ALIKE = {c: [other for other in group if other != c] for group in LOOK_ALIKES for c in group}
_BESIDE = {
    key: [other for place in (at - 1, at + 1) if 0 <= place < len(row) for other in row[place]]
    for row in KEYBOARD
    for at, key in enumerate(row)
}

Mistake = Callable[[list[str], random.Random, str], None]


def sample_of(codes: int) -> Ints:
    """Rows of codes to make mistakes in: each at most once where there are many, many times where there are few."""
    chance = np.random.default_rng(SEED)
    count = min(SAMPLE, max(FEWEST_VARIANTS, VARIANTS_PER_CODE * codes))
    if count <= codes:
        return np.sort(chance.choice(codes, count, replace=False))
    return chance.integers(0, codes, count)


def mistaken(codes: Sequence[str], seed: int) -> list[str]:
    """Each code with mistakes of one kind in it, or as it is: the shares of `_MIX`."""
    chance = random.Random(seed)  # noqa: S311
    alphabet = "".join(sorted(set("".join(codes)))) or "0"
    kinds = chance.choices([kind for kind, _ in _MIX], weights=[share for _, share in _MIX], k=len(codes))
    texts = []
    for code, kind in zip(codes, kinds, strict=True):
        letters = list(code)
        for mistake in kind:
            mistake(letters, chance, alphabet)
        texts.append("".join(letters))
    return texts


def _misread(letters: list[str], chance: random.Random, alphabet: str) -> None:
    places = [place for place, letter in enumerate(letters) if letter in _ALIKE]
    if places:
        place = chance.choice(places)
        letters[place] = chance.choice(_ALIKE[letters[place]])
    else:
        _substitute(letters, chance, alphabet)


def _substitute(letters: list[str], chance: random.Random, alphabet: str) -> None:
    if letters:
        letters[chance.randrange(len(letters))] = chance.choice(alphabet)


def _slip(letters: list[str], chance: random.Random, alphabet: str) -> None:
    if letters:
        place = chance.randrange(len(letters))
        letters[place] = chance.choice(_BESIDE.get(letters[place], alphabet))


def _insert(letters: list[str], chance: random.Random, alphabet: str) -> None:
    letters.insert(chance.randint(0, len(letters)), chance.choice(alphabet))


def _double(letters: list[str], chance: random.Random, alphabet: str) -> None:
    if letters:
        place = chance.randrange(len(letters))
        letters.insert(place, letters[place])


def _delete(letters: list[str], chance: random.Random, alphabet: str) -> None:
    if letters:
        del letters[chance.randrange(len(letters))]


def _transpose(letters: list[str], chance: random.Random, alphabet: str) -> None:
    if len(letters) > 1:
        place = chance.randrange(len(letters) - 1)
        letters[place], letters[place + 1] = letters[place + 1], letters[place]


def _cut(letters: list[str], chance: random.Random, alphabet: str) -> None:
    del letters[-1:]


_ONE: tuple[Mistake, ...] = (_misread, _substitute, _slip, _insert, _double, _delete, _transpose)
_MIX: list[tuple[tuple[Mistake, ...], float]] = [
    ((), 0.25),
    ((_misread,), 0.08),
    ((_misread, _misread), 0.07),
    ((_misread, _misread, _misread), 0.02),
    ((_substitute,), 0.09),
    ((_slip,), 0.08),
    ((_insert,), 0.06),
    ((_double,), 0.03),
    ((_delete,), 0.07),
    ((_transpose,), 0.07),
    ((_cut,), 0.02),
    ((_cut, _cut), 0.02),
    *(((one, other), 0.14 / len(_ONE) ** 2) for one in _ONE for other in _ONE),
]
