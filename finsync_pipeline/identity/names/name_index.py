"""The listed names, prepared for looking up by what a source may write: all that depends on the list alone.

An alias counts only on the days on which it is in force; a name of the list has no dates and always counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import blake2b

import numpy as np

from finsync_pipeline.identity.names.normal_form import GENERAL_FORMS, LEGAL_FORMS, NameForms, normalise_name

#: Companies that are remembered of a word: it is enough to know whether others have it.
COMPANIES_OF_A_WORD = 2


@dataclass(frozen=True, slots=True)
class NameRecord:
    """A name or ticker of a company, on all days or on those from `valid_from` to `valid_to` (both included).

    `company`: its place in the list.
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

    def is_in_force(self, day: date) -> bool:
        """Whether the day is one of its days."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    @property
    def forms(self) -> NameForms:
        """The normal forms of the name."""
        return normalise_name(self.text)


@dataclass(frozen=True)
class KeyTable:
    """Keys as 64-bit hashes in ascending order, and for each the number of what has it (int32).

    Two keys can share a hash: who looks up compares the keys themselves.
    """

    hashes: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, keys: Sequence[tuple[str, int]]) -> KeyTable:
        """A table of pairs of a key and a number; numbers of one key stay in their order."""
        hashes = np.fromiter((_hash_of(key) for key, _ in keys), np.uint64, len(keys))
        order = np.argsort(hashes, kind="stable")
        numbers = np.fromiter((number for _, number in keys), np.int32, len(keys))
        return cls(hashes[order], numbers[order])

    def numbers_of(self, key: str) -> np.ndarray:
        """The numbers under this key's hash."""
        sought = np.uint64(_hash_of(key))
        first = int(self.hashes.searchsorted(sought))
        if first == len(self.hashes) or self.hashes[first] != sought:
            return self.numbers[:0]
        return self.numbers[first : int(self.hashes.searchsorted(sought, "right"))]


@dataclass(frozen=True)
class NameIndex:
    """The names and aliases of a list, by the keys of their cores; build it with `NameIndex.of`.

    `countries`: of each company, ISO 3166 of two letters or None. `joined`, `ordered` (with `tailless`), `beginnings`
    (with `with_initials`): the places in `records` by these forms. `rest`: by the core without one of its words; its
    numbers are places in `rest_records` and `rest_words`. `companies_of`: the first companies whose names have a word.
    """

    records: Sequence[NameRecord]
    countries: Sequence[str | None]
    joined: KeyTable
    ordered: KeyTable
    beginnings: KeyTable
    rest: KeyTable
    rest_records: np.ndarray
    rest_words: Sequence[str]
    companies_of: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, records: Sequence[NameRecord], countries: Sequence[str | None]) -> NameIndex:
        """Prepare these names."""
        forms = [record.forms for record in records]
        rest = [(others, place, word) for place, each in enumerate(forms) for word, others in each.without_each_word()]

        def table(keys_of: Callable[[NameForms], Iterable[str]]) -> KeyTable:
            return KeyTable.of([(key, number) for number, each in enumerate(forms) for key in keys_of(each)])

        return cls(
            records=records,
            countries=countries,
            joined=table(lambda each: [each.joined]),
            ordered=table(lambda each: {each.ordered, each.tailless}),
            beginnings=table(lambda each: [*each.beginnings(), *each.with_initials()]),
            rest=KeyTable.of([(others, place) for place, (others, _, _) in enumerate(rest)]),
            rest_records=np.array([number for _, number, _ in rest], np.int32),
            rest_words=[word for _, _, word in rest],
            companies_of=_companies_of_words(records),
        )

    def in_force(self, numbers: Iterable[int], day: date) -> Iterator[NameRecord]:
        """The names of these numbers that are in force on a day."""
        for number in numbers:
            if self.records[number].is_in_force(day):
                yield self.records[number]

    def is_word_of_others(self, word: str, company: int | None = None) -> bool:
        """Whether the word stands in the name of a company other than this one."""
        return any(other != company for other in self.companies_of.get(word, ()))

    def has_own_word(self, words: Iterable[str], company: int) -> bool:
        """Whether one of the words is in the names of no other company."""
        return not all(self.is_word_of_others(word, company) for word in words)

    @cached_property
    def has_wordless(self) -> bool:
        """Whether a listed name has no letter in it, but for its legal form."""
        return any(not any(map(str.isalpha, record.forms.joined)) for record in self.records)

    @cached_property
    def cores(self) -> list[str]:
        """The words of the core of each name."""
        return [" ".join(record.forms.core) for record in self.records]

    @cached_property
    def cores_by_company(self) -> dict[int, list[str]]:
        """The cores of the names and aliases of each company."""
        cores: defaultdict[int, list[str]] = defaultdict(list)
        for record, core in zip(self.records, self.cores, strict=True):
            cores[record.company].append(core)
        return dict(cores)


def _companies_of_words(records: Sequence[NameRecord]) -> dict[str, tuple[int, ...]]:
    companies: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
    for record in records:
        for word in record.forms.core:
            known = companies[word]
            if record.company not in known and len(known) < COMPANIES_OF_A_WORD:
                companies[word] = (*known, record.company)
    return dict(companies)


def _hash_of(key: str) -> int:
    """The same 64 bits in every process and on every machine."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def forms_agree(forms: NameForms, record: NameRecord, index: NameIndex) -> bool:
    """Whether a name can be that of the record by their legal forms."""
    return LEGAL_FORMS.agree(forms.families, record.forms.families, index.countries[record.company])


def may_agree(forms: NameForms, record: NameRecord) -> bool:
    """Whether a general form (`Inc`, `Corp`, `Co`) does not contradict the record's, though it is another.

    The list has one more behind it (`Eaton Corp plc`), or says it of another name than the company's own.
    """
    is_last_left_out = record.forms.light.startswith(f"{forms.light} ")
    return forms.families <= GENERAL_FORMS and (is_last_left_out or (record.is_alias and len(forms.core) > 1))
