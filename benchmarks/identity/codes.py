"""Coded ids of a sparse scheme: random codes and real LEIs, a hundred thousand of each."""

from collections.abc import Iterator, Sequence

import pandas as pd

from benchmarks.figure import Figure
from benchmarks.identity import grade, lists, peers, questions
from benchmarks.identity.measuring import Timed, apart, forget_peak, peak_megabytes, timed
from benchmarks.identity.noise import plain
from benchmarks.identity.questions import Questions
from benchmarks.identity.setting import Setting
from benchmarks.services.progress import say
from finsync_pipeline.identity import Reference, resolve

LISTED, UNLISTED, ASKED = 100_000, 8_000, 200_000
WARMING, BY_RAPIDFUZZ, BY_DIFFLIB = 200, 300, 40
#: Ours takes at most so much of the time of the join in DuckDB.
OF_JOIN = {"random codes": 1.15, "LEIs": 0.45}


def figures(setting: Setting) -> Iterator[Figure]:
    """Quality, speed against three peers, and memory for both schemes."""
    for scheme in OF_JOIN:
        yield from apart(of_scheme, setting, scheme)


def of_scheme(setting: Setting, scheme: str) -> list[Figure]:
    """All figures of one scheme."""
    number, unlisted = setting.size(LISTED), setting.size(UNLISTED)
    if scheme == "LEIs":
        codes = lists.real_leis(setting)["LEI"].head(number + unlisted).tolist()
        listed = lists.reference(codes[:number], lei=codes[:number])
    else:
        codes = lists.random_codes(number + unlisted, setting.random("codes"))
        listed = lists.reference(codes[:number])
    say(f"{scheme}: damaging ids")
    rounds = [
        questions.of_codes(
            codes[:number],
            codes[number:],
            setting.size(ASKED),
            setting.code_mix,
            setting.random(f"{scheme}, round {each}"),
        )
        for each in range(setting.rounds)
    ]
    return _measure(setting, scheme, codes[:number], listed, rounds)


def index(listed: Reference, warming: Questions) -> Timed:
    """The first few questions to a list: they wait for its index, and for whatever else is built but once."""
    return timed(lambda: resolve(warming.asked, listed))


def _measure(
    setting: Setting, scheme: str, ids: Sequence[str], listed: Reference, rounds: Sequence[Questions]
) -> list[Figure]:
    name = f"{scheme}, {len(ids):,} listed"
    random = setting.random(f"{scheme}, samples")
    forget_peak()
    say(f"{name}: index")
    built = index(listed, rounds[-1].sample(WARMING, random))
    ours: list[Timed] = []
    joins: list[Timed] = []
    for asked in rounds:  # other values in each round, so that nothing is remembered from the last one
        say(f"{name}: resolving {len(asked.asked):,} values")
        ours.append(timed(lambda asked=asked: resolve(asked.asked, listed)))
        if len(ours) == 1:
            peak = peak_megabytes()
        join = peers.DeletesJoin(ids, [plain(text) for text in asked.asked["spelling"]])
        joins.append(timed(join.run))
        say(f"{name}: ours {_told(ours[-1])}, join in DuckDB {_told(joins[-1])}")
    join.prepare()
    prepared = timed(lambda: join.run(prepared=True))
    graded = grade.grade(grade.accepted(ours[0].result), rounds[0], name)
    found = list(grade.figures(name, graded, precision=0.9999, recall=0.985, kept_out=0.999))
    number = len(rounds[0].asked)
    best = min(ours, key=lambda each: each.seconds)
    its_best = min(joins, key=lambda each: each.seconds)
    per_value = best.seconds / number
    found += [
        Figure(f"{name}: index", round(built.seconds, 3), unit="s"),
        Figure(f"{name}: {number:,} values", round(best.seconds, 3), unit="s"),
        Figure(f"{name}: time per value", per_value * 1e6, unit="us"),
        Figure(f"{name}: processor per value", best.processor_seconds / number * 1e6, unit="us"),
        Figure(f"{name}: peak memory", round(peak), unit="MB"),
        Figure(f"{name}: join in DuckDB", round(its_best.seconds, 3), unit="s"),
        Figure(f"{name}: join in DuckDB, its deletes prepared", round(prepared.seconds, 3), unit="s"),
        Figure(f"{name}: of the time of that join", best.seconds / its_best.seconds, "<=", OF_JOIN[scheme], "x"),
        Figure(f"{name}: of its processor time", best.processor_seconds / its_best.processor_seconds, unit="x"),
    ]
    graded = grade.grade(joins[0].result, rounds[0])
    found += _told_quality(f"{name}: join in DuckDB", graded)
    return [*found, *_against_scans(name, ids, rounds[0], per_value, setting)]


def _against_scans(
    name: str, ids: Sequence[str], asked: Questions, our_seconds: float, setting: Setting
) -> Iterator[Figure]:
    """The peers that compare a value with every id: on samples, extrapolated."""
    random = setting.random("scanned")
    for peer, way, number in (
        ("RapidFuzz", peers.by_rapidfuzz, BY_RAPIDFUZZ),
        ("difflib", peers.by_difflib, BY_DIFFLIB),
    ):
        say(f"{name}: {number} values by {peer}")
        sample = asked.sample(number, random)
        spellings = sample.asked["spelling"].tolist()
        taken = timed(lambda way=way, spellings=spellings: way(spellings, ids))
        ratio = taken.seconds / len(spellings) / our_seconds
        target = (">=", 400) if peer == "RapidFuzz" else ()
        yield Figure(f"{name}: times as fast as {peer}", ratio, *target, unit="x")
        answers = pd.Series(taken.result, index=sample.asked.index, dtype=object)
        yield from _told_quality(f"{name}: {peer}", grade.grade(answers, sample))


def _told_quality(name: str, graded: grade.Grade) -> Iterator[Figure]:
    yield Figure(f"{name}, precision", graded.precision)
    yield Figure(f"{name}, unlisted kept out", graded.kept_out)


def _told(taken: Timed) -> str:
    return f"{taken.seconds:.2f} s ({taken.processor_seconds:.2f} s of processor)"
