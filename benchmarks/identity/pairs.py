"""Pairs of names from a public benchmark, each of one company or of two: one name listed, the other asked for.

The pairs are half of those of companies in OpenSanctions nomenklatura's `contrib/name_bench` (MIT). They were made to
screen for sanctions, where a near miss is worth a look; `not_followed` says which of their matches are none here.
"""

import re
from collections.abc import Iterator

import pandas as pd

from benchmarks.figure import Figure
from benchmarks.identity import lists, questions
from benchmarks.identity.measuring import apart
from benchmarks.identity.name_noise import words
from benchmarks.identity.setting import Setting
from benchmarks.services.progress import say
from finsync_pipeline.identity import resolve

EXAMPLES = 10
_ROMAN = re.compile(r"m{0,3}(cm|cd|d?c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})")
#: What nomenklatura's logic_v2 is published to reach, and what FinSync reached on all pairs at first.
PUBLISHED = {
    "pairs: nomenklatura logic_v2, precision": 0.868,
    "pairs: nomenklatura logic_v2, recall": 0.893,
    "pairs: nomenklatura logic_v2, different companies, accepted": 14,
    "all 259 pairs: nomenklatura logic_v2, precision": 0.852,
    "all 259 pairs: nomenklatura logic_v2, recall": 0.877,
    "all 259 pairs: FinSync at first, precision": 0.967,
    "all 259 pairs: FinSync at first, recall": 0.520,
}


def figures(setting: Setting) -> Iterator[Figure]:
    """No pair of different companies may be accepted, and most of one company are to be; beside a peer's figures."""
    yield from apart(_figures, setting)


def not_followed(pairs: pd.DataFrame) -> pd.Series:
    """For each pair why its label is not followed, else null. `pairs`: name1, name2, is_match.

    Two names that are called a match are none here if they differ in numbers alone (`Fund III` and `Fund IV`, 2007-1
    and 2007-2, a number or none), or if they are called different companies as well.
    """
    different = {frozenset(names) for names in pairs.loc[~pairs["is_match"], ["name1", "name2"]].to_numpy()}
    return pd.Series(
        [
            None
            if not is_match
            else "called different as well"
            if frozenset((name1, name2)) in different
            else "numbers differ"
            if differ_in_numbers_alone(name1, name2)
            else None
            for name1, name2, is_match in zip(pairs["name1"], pairs["name2"], pairs["is_match"], strict=True)
        ],
        index=pairs.index,
        dtype=object,
    )


def differ_in_numbers_alone(name: str, other: str) -> bool:
    """Whether two names have the same words but for digits and Roman numerals, and others of these."""
    (rest, numbers), (other_rest, other_numbers) = _parted(name), _parted(other)
    return rest == other_rest and numbers != other_numbers


def tried(setting: Setting) -> pd.DataFrame:
    """The pairs with apart (why the label is not followed, or null), accepted, and the method and status."""
    pairs = pd.read_csv(setting.shared / "identity" / "name_bench_half.csv")
    say(f"pairs: {len(pairs)} lists of one name each")
    answers = [
        resolve(questions.make([asked], [None]).asked, lists.reference(["1"], name=[listed])).iloc[0]
        for asked, listed in zip(pairs["name1"], pairs["name2"], strict=True)
    ]
    statuses = [answer["status"] for answer in answers]
    return pairs.assign(
        apart=not_followed(pairs),
        accepted=[status == "accepted" for status in statuses],
        status=statuses,
        method=[answer["method"] for answer in answers],
    )


def _figures(setting: Setting) -> list[Figure]:
    answers = tried(setting)
    matches, others = answers[answers["is_match"] & answers["apart"].isna()], answers[~answers["is_match"]]
    right, wrong = int(matches["accepted"].sum()), int(others["accepted"].sum())
    labelled = answers[answers["is_match"]]
    for row in others[others["accepted"]].head(EXAMPLES).itertuples():
        say(f"pairs: {row.name1!r} accepted as {row.name2!r} ({row.method})")
    return [
        Figure("pairs: different companies, accepted", wrong, "=", 0),
        Figure("pairs: recall", right / len(matches), ">=", 0.60),
        Figure("pairs: precision of accepted", right / max(right + wrong, 1)),
        Figure("pairs: of one company", len(matches)),
        Figure("pairs: of different companies", len(others)),
        Figure("pairs: set apart, called a match and not followed", int(answers["apart"].notna().sum())),
        Figure("pairs: of these, accepted", int((answers["apart"].notna() & answers["accepted"]).sum())),
        Figure("pairs: recall of all that are called a match", labelled["accepted"].mean()),
        *(Figure(name, value) for name, value in PUBLISHED.items()),
    ]


def _parted(name: str) -> tuple[list[str], list[str]]:
    """The words of a name without digits and Roman numerals, and these."""
    parts = [part for word in words(name) for part in re.findall(r"\d+|\D+", word)]
    is_number = [part.isdigit() or bool(_ROMAN.fullmatch(part)) for part in parts]
    pairs = list(zip(parts, is_number, strict=True))
    return [part for part, is_it in pairs if not is_it], [part for part, is_it in pairs if is_it]
