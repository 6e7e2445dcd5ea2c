"""Spellings whose company is known: what is asked, and what the answer has to be."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from benchmarks.identity.name_noise import core, vary
from benchmarks.identity.noise import damage, plain
from benchmarks.identity.setting import UNLISTED_SHARE

_TEXT = pd.ArrowDtype(pa.string())
_DAY = pd.ArrowDtype(pa.date32())
A_DAY = date(2016, 12, 31)
FIRST_DAY, DAYS = date(2000, 1, 1), 9_500


@dataclass(frozen=True)
class Questions:
    """One row for each source name.

    `asked`: source name, period_end, evidence, as `resolve` takes them. `truth`: company_id (null where the company is
    not listed), kind (of noise), apart (why the row counts neither for nor against: nobody could tell; else null).
    """

    asked: pd.DataFrame
    truth: pd.DataFrame

    def head(self, number: int) -> "Questions":
        """The first questions, at most this number."""
        return Questions(self.asked.head(number), self.truth.head(number))

    def sample(self, number: int, random: Random) -> "Questions":
        """A random sample of this number of questions, of those that are not set apart."""
        rows = self.truth.index[self.truth["apart"].isna()]
        drawn = random.sample(list(rows), min(number, len(rows)))
        return Questions(self.asked.loc[drawn], self.truth.loc[drawn])


def make(
    source_names: Sequence[str],
    companies: Sequence[str | None],
    kinds: Sequence[str] | str = "real",
    apart: Sequence[str | None] | None = None,
    days: Sequence[date] | date = A_DAY,
    supporting_columns: Sequence[str | None] | None = None,
) -> Questions:
    """Questions of lists of the same length."""
    index = pd.RangeIndex(len(source_names))
    asked = {
        "source_name": pd.Series(source_names, index=index, dtype=_TEXT),
        "period_end": pd.Series(days, index=index, dtype=_DAY),
        "supporting_columns": pd.Series(
            pd.NA if supporting_columns is None else supporting_columns, index=index, dtype=_TEXT
        ),
    }
    truth = {
        "company_id": pd.Series(companies, index=index, dtype=_TEXT),
        "kind": pd.Series(kinds, index=index, dtype=_TEXT),
        "apart": pd.Series(pd.NA if apart is None else apart, index=index, dtype=_TEXT),
    }
    return Questions(pd.DataFrame(asked), pd.DataFrame(truth))


def of_codes(
    listed: Sequence[str], unlisted: Sequence[str], number: int, mix: Mapping[str, float], random: Random
) -> Questions:
    """That many different damaged codes; apart are those that are, but for their format, another listed id."""
    drawn = list(_draw([(code, code) for code in listed], unlisted, number, mix, damage, random))
    by_plain = {plain(code): code for code in listed}
    apart = [
        "collided" if (meant := by_plain.get(plain(each.source_name))) is not None and meant != each.company else None
        for each in drawn
    ]
    return make([e.source_name for e in drawn], [e.company for e in drawn], [e.kind for e in drawn], apart)


def of_names(
    listed: Sequence[tuple[str, str]], unlisted: Sequence[str], number: int, mix: Mapping[str, float], random: Random
) -> Questions:
    """That many different variants of names, on any day; `listed` are pairs of company_id and name.

    Apart are those whose company shares its name with another listed one but for case, accents, punctuation and legal
    form, and the variants that are another listed company's name.
    """
    drawn = list(_draw(listed, unlisted, number, mix, vary, random))
    bearers = Counter(core(name) for _, name in listed)
    company_of = {core(name): company for company, name in listed}
    apart: list[str | None] = []
    for each in drawn:
        is_homonym = each.company is not None and bearers[core(each.text)] > 1
        meant = company_of.get(core(each.source_name))
        is_collided = meant is not None and meant != each.company
        apart.append("homonym" if is_homonym else "collided" if is_collided else None)
    days = [FIRST_DAY + timedelta(random.randrange(DAYS)) for _ in drawn]
    return make([e.source_name for e in drawn], [e.company for e in drawn], [e.kind for e in drawn], apart, days)


def with_supporting_columns(questions: Questions, supporting_columns: Iterable[Mapping[str, str] | None]) -> Questions:
    """The same questions with these cells beside each source name."""
    texts = [None if cells is None else json.dumps(cells, ensure_ascii=False) for cells in supporting_columns]
    column = pd.Series(texts, index=questions.asked.index, dtype=_TEXT)
    return Questions(questions.asked.assign(supporting_columns=column), questions.truth)


class _Drawn(NamedTuple):
    source_name: str
    company: str | None
    text: str
    kind: str


def _draw(
    listed: Sequence[tuple[str, str]],
    unlisted: Sequence[str],
    number: int,
    mix: Mapping[str, float],
    spoil: Callable[[str, str, Random], str],
    random: Random,
) -> Iterator[_Drawn]:
    """Different source names, spoiled as the mix says, of listed and (8 %) of unlisted companies."""
    kinds, weights = list(mix), list(accumulate(mix.values()))
    seen: set[str] = set()
    tries = 0
    while len(seen) < number:
        tries += 1
        if tries > 50 * number:
            raise ValueError(
                f"only {len(seen):,} different source names can be made of {len(listed):,}, not {number:,}"
            )
        is_unlisted = random.random() < UNLISTED_SHARE
        company, text = (None, random.choice(unlisted)) if is_unlisted else random.choice(listed)
        kind = random.choices(kinds, cum_weights=weights)[0]
        source_name = spoil(text, kind, random)
        if source_name.strip() and source_name not in seen:
            seen.add(source_name)
            yield _Drawn(source_name, company, text, kind)
