"""Coded ids of a sparse scheme: random codes and real LEIs, a hundred thousand of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
SCHEMES = ("random codes", "LEIs")
#: The most time of ours as a share of that of the join in DuckDB, and the least times as fast as RapidFuzz.
OF_JOIN, OF_RAPIDFUZZ = 2, 200


def figures(setting: Setting) -> Iterator[Figure]:
    """Quality, speed against three peers, and memory for both schemes."""
    for scheme in SCHEMES:
        yield from apart(of_scheme, setting, scheme)


@dataclass(frozen=True)
class Rounds:
    """What was taken in turns: ours, and a join in SQL over the same values."""

    built: Timed
    ours: list[Timed]
    joins: list[Timed]
    prepared_join: Timed
    peak: float


def of_scheme(setting: Setting, scheme: str) -> list[Figure]:
    """All figures of one scheme."""
    ids, unlisted, listed = _list(setting, scheme)
    say(f"{scheme}: damaging ids")
    number, mix = setting.size(ASKED), setting.code_mix
    asked = [
        questions.of_codes(ids, unlisted, number, mix, setting.random(f"{scheme}, round {each}"))
        for each in range(setting.rounds)
    ]
    name = f"{scheme}, {len(ids):,} listed"
    taken = _take_turns(name, ids, listed, asked)
    graded = grade.grade(grade.accepted(taken.ours[0].result), asked[0], name)
    per_value = min(each.seconds for each in taken.ours) / number
    return [
        *grade.figures(name, graded, precision=0.9999, recall=0.985, kept_out=0.999),
        *_speed(name, taken, number),
        *_told_quality(f"{name}: DuckDB join", grade.grade(taken.joins[0].result, asked[0])),
        *_against_scans(name, ids, asked[0], per_value, setting),
    ]


def index(listed: Reference, warming: Questions) -> Timed:
    """The first few questions to a list: they wait for its index, and for whatever else is built but once."""
    return timed(lambda: resolve(warming.asked, listed))


def _list(setting: Setting, scheme: str) -> tuple[list[str], list[str], Reference]:
    """The ids that are listed, some that are not, and the list."""
    number, unlisted = setting.size(LISTED), setting.size(UNLISTED)
    if scheme == "LEIs":
        codes = lists.real_leis(setting)["LEI"].head(number + unlisted).tolist()
        return codes[:number], codes[number:], lists.reference(codes[:number], lei=codes[:number])
    codes = lists.random_codes(number + unlisted, setting.random("codes"))
    return codes[:number], codes[number:], lists.reference(codes[:number])


def _take_turns(name: str, ids: Sequence[str], listed: Reference, rounds: Sequence[Questions]) -> Rounds:
    """Other values in each round, so that nothing is remembered from the last one; the peak is that of ours alone."""
    forget_peak()
    say(f"{name}: index")
    built = index(listed, rounds[-1].head(WARMING))
    ours: list[Timed] = []
    joins: list[Timed] = []
    peak = 0.0
    for asked in rounds:
        say(f"{name}: resolving {len(asked.asked):,} values")
        ours.append(timed(lambda asked=asked: resolve(asked.asked, listed)))
        peak = peak or peak_megabytes()
        join = peers.DeletesJoin(ids, [plain(text) for text in asked.asked["source_name"]])
        joins.append(timed(join.run))
        say(f"{name}: ours {_told(ours[-1])}, join in DuckDB {_told(joins[-1])}")
    join.prepare()
    return Rounds(built, ours, joins, timed(lambda: join.run(prepared=True)), peak)


def _speed(name: str, taken: Rounds, number: int) -> Iterator[Figure]:
    """The best round of each; the index, and the deletes that are prepared, are made beforehand."""
    ours, join = (min(each, key=lambda round_: round_.seconds) for each in (taken.ours, taken.joins))
    yield Figure(f"{name}: index", round(taken.built.seconds, 3), unit="s")
    yield Figure(f"{name}: {number:,} values", round(ours.seconds, 3), unit="s")
    yield Figure(f"{name}: time per value", ours.seconds / number * 1e6, unit="us")
    yield Figure(f"{name}: processor per value", ours.processor_seconds / number * 1e6, unit="us")
    yield Figure(f"{name}: peak memory", round(taken.peak), unit="MB")
    yield Figure(f"{name}: DuckDB join", round(join.seconds, 3), unit="s")
    yield Figure(f"{name}: DuckDB join, its deletes prepared", round(taken.prepared_join.seconds, 3), unit="s")
    yield Figure(f"{name}: of the time of the DuckDB join", ours.seconds / join.seconds, "<=", OF_JOIN, "x")
    yield Figure(
        f"{name}: of the processor time of the DuckDB join", ours.processor_seconds / join.processor_seconds, unit="x"
    )


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
        source_names = sample.asked["source_name"].tolist()
        taken = timed(lambda way=way, source_names=source_names: way(source_names, ids))
        ratio = taken.seconds / len(source_names) / our_seconds
        target = (">=", OF_RAPIDFUZZ) if peer == "RapidFuzz" else ()
        yield Figure(f"{name}: times as fast as {peer}", ratio, *target, unit="x")
        answers = pd.Series(taken.result, index=sample.asked.index, dtype=object)
        yield from _told_quality(f"{name}: {peer}", grade.grade(answers, sample))


def _told_quality(name: str, graded: grade.Grade) -> Iterator[Figure]:
    yield Figure(f"{name}, precision", graded.precision)
    yield Figure(f"{name}, unlisted kept out", graded.kept_out)


def _told(taken: Timed) -> str:
    return f"{taken.seconds:.2f} s ({taken.processor_seconds:.2f} s of processor)"
