"""The listed names, prepared for looking up: all that depends on the list alone and not on a spelling.

An alias counts only on the days on which it is in force; a name of the list has no dates and always counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from finsync_pipeline.identity.names.forms import WHOLE_FORMS, NameForms, normalise_name
from finsync_pipeline.identity.names.keys import KeyTable

#: Of a word only so many companies are remembered: it is enough to know whether others bear it.
COMPANIES_OF_A_WORD = 3

_FIRST_DAY, _LAST_DAY = date.min.toordinal(), date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Claim:
    """A company's claim to a name, on all days or on those from `valid_from` to `valid_to` (both included).

    `company` is its number: its place in the list, or after all of them the number of a decoy.
    """

    company: int
    text: str
    is_alias: bool = False
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def is_dated(self) -> bool:
        """Whether it says when it begins or when it ends."""
        return self.valid_from is not None or self.valid_to is not None

    def is_in_force(self, day: int) -> bool:
        """Whether the day (an ordinal) is one of its days."""
        return (self.valid_from is None or self.valid_from.toordinal() <= day) and (
            self.valid_to is None or day <= self.valid_to.toordinal()
        )

    @property
    def forms(self) -> NameForms:
        """The name's forms."""
        return normalise_name(self.text)


@dataclass(frozen=True)
class NameIndex:
    """The claims to names, by what a source may write. Build it with `NameIndex.of`.

    `whole`: by the key of each whole form. `beginnings`: by the first words of the core, joined. `initials`: by the
    core with its first words as initials. `tailless`: by its sorted words without a tail such as `group`. `rest`: by
    the core without one of its words; its numbers are places in `rest_claims` and `rest_words`. `bearers`: companies
    of a word.
    """

    claims: Sequence[Claim]
    whole: dict[str, KeyTable]
    beginnings: KeyTable
    initials: KeyTable
    tailless: KeyTable
    rest: KeyTable
    rest_claims: np.ndarray
    rest_words: Sequence[str]
    bearers: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, claims: Sequence[Claim]) -> NameIndex:
        """Prepare these claims."""
        whole: dict[str, list[str]] = {form: [] for form in WHOLE_FORMS}
        beginnings: list[tuple[str, int]] = []
        initials: list[tuple[str, int]] = []
        tailless: list[tuple[str, int]] = []
        rest: list[tuple[str, int, str]] = []
        bearers: dict[str, tuple[int, ...]] = defaultdict(tuple)
        for number, claim in enumerate(claims):
            forms = claim.forms
            for form in WHOLE_FORMS:
                whole[form].append(forms.key(form))
            beginnings += [(key, number) for key in forms.beginnings()]
            if (short := forms.tailless) is not None:
                tailless.append((short, number))
            initials += [(key, number) for key in forms.with_initials()]
            rest += [(others, number, word) for word, others in forms.without_each_word()]
            for word in forms.core:
                known = bearers[word]
                if claim.company not in known and len(known) < COMPANIES_OF_A_WORD:
                    bearers[word] = (*known, claim.company)
        return cls(
            claims,
            {form: KeyTable.of(keys, range(len(keys))) for form, keys in whole.items()},
            KeyTable.of([key for key, _ in beginnings], [number for _, number in beginnings]),
            KeyTable.of([key for key, _ in initials], [number for _, number in initials]),
            KeyTable.of([key for key, _ in tailless], [number for _, number in tailless]),
            KeyTable.of([key for key, _, _ in rest], range(len(rest))),
            np.array([number for _, number, _ in rest], np.int32),
            [word for _, _, word in rest],
            dict(bearers),
        )

    def is_borne_by_others(self, word: str, companies: Iterable[int]) -> bool:
        """Whether the word stands in the name of a company other than these (at most two)."""
        return any(company not in companies for company in self.bearers.get(word, ()))

    def is_usual(self, word: str) -> bool:
        """Whether several companies bear the word."""
        return len(self.bearers.get(word, ())) >= COMPANIES_OF_A_WORD
