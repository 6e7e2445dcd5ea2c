"""Coded ids of which a typo makes another company's: CIKs and running numbers; and what a name in the row corrects."""

from collections.abc import Iterator, Sequence
from random import Random

import pandas as pd

from benchmarks.figure import Figure
from benchmarks.identity import grade, lists, questions
from benchmarks.identity.codes import index
from benchmarks.identity.measuring import Timed, apart, forget_peak, peak_megabytes, timed
from benchmarks.identity.name_noise import vary
from benchmarks.identity.questions import Questions
from benchmarks.identity.setting import Setting
from benchmarks.services.progress import say
from finsync_pipeline.identity import Reference, resolve

ASKED_CIKS, ASKED_NUMBERS, RUNNING = 30_000, 100_000, 100_000
UNLISTED_COMPANIES = 0.09
MISFILED = 0.04
WARMING = 200


def figures(setting: Setting) -> Iterator[Figure]:
    """CIKs, running numbers, and CIKs with a name beside them."""
    for part in (ciks, running_numbers, ciks_with_names):
        yield from apart(part, setting)


def ciks(setting: Setting) -> list[Figure]:
    """Real CIKs by themselves."""
    listed, unlisted = _companies(setting)
    asked = _damaged_ciks(setting, listed, unlisted, setting.random("CIKs"))
    ids = listed["cik"]
    return _quality(f"CIKs, {len(ids):,} listed", lists.reference(ids, cik=ids), asked, 0.999)


def running_numbers(setting: Setting) -> list[Figure]:
    """COMP000001 and so on, without a gap."""
    number = setting.size(RUNNING)
    ids = lists.running_numbers(number + number // 10)
    asked = questions.of_codes(
        ids[:number], ids[number:], setting.size(ASKED_NUMBERS), setting.code_mix, setting.random("running numbers")
    )
    return _quality(f"running numbers, {number:,} listed", lists.reference(ids[:number]), asked, 0.999)


def ciks_with_names(setting: Setting) -> list[Figure]:
    """CIKs with a variant of the company's name beside them; of some rows the CIK is another company's."""
    listed, unlisted = _companies(setting)
    random = setting.random("CIKs with names")
    asked = _damaged_ciks(setting, listed, unlisted, random)
    asked, misfiled = _misfile(asked, listed["cik"].tolist(), random)
    names = dict(zip(listed["cik"], listed["name"], strict=True))
    others = unlisted["name"].tolist()
    kinds, weights = list(setting.name_mix), list(setting.name_mix.values())
    companies = [None if pd.isna(company) else company for company in asked.truth["company_id"]]
    evidence = [
        {"name": vary(names[company] if company else random.choice(others), random.choices(kinds, weights)[0], random)}
        for company in companies
    ]
    asked = questions.with_supporting_columns(asked, evidence)
    name = f"CIKs with names, {len(listed):,} listed"
    reference = lists.reference(listed["cik"], cik=listed["cik"], name=listed["name"])
    resolved, peak = _resolve(reference, asked)
    answers = grade.accepted(resolved.result)
    truth = asked.truth["company_id"].fillna("")
    graded = grade.grade(answers[~misfiled], Questions(asked.asked[~misfiled], asked.truth[~misfiled]), name)
    is_accepted, is_wrong = answers.notna(), answers.notna() & (answers != truth).fillna(True)
    wrong = int((is_wrong & misfiled).sum())
    return [
        Figure(
            f"{name}: precision of accepted", 1 - int(is_wrong.sum()) / max(int(is_accepted.sum()), 1), ">=", 0.9998
        ),
        Figure(f"{name}: recall", graded.recall, ">=", 0.90),
        Figure(f"{name}: unlisted kept out", graded.kept_out),
        Figure(f"{name}: another company's CIK, caught", 1 - wrong / max(int(misfiled.sum()), 1), ">=", 0.99),
        Figure(f"{name}: rows with another company's CIK", int(misfiled.sum())),
        *_cost(name, asked, resolved, peak),
    ]


def _companies(setting: Setting) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The SEC's companies that are listed, and those that are not."""
    companies = lists.sec_companies(setting).head(setting.size(8_000))
    unlisted = round(len(companies) * UNLISTED_COMPANIES)
    return companies[unlisted:].reset_index(drop=True), companies[:unlisted].reset_index(drop=True)


def _damaged_ciks(setting: Setting, listed: pd.DataFrame, unlisted: pd.DataFrame, random: Random) -> Questions:
    number = setting.size(ASKED_CIKS)
    return questions.of_codes(listed["cik"].tolist(), unlisted["cik"].tolist(), number, setting.code_mix, random)


def _misfile(asked: Questions, ids: Sequence[str], random: Random) -> tuple[Questions, pd.Series]:
    """The questions, some of listed companies with a valid id of another; and which these are.

    With a name beside it, a damaged id that is another company's is one of them too: it is not set apart.
    """
    companies = asked.truth["company_id"].fillna("")
    drawn = pd.Series([company != "" and random.random() < MISFILED for company in companies], index=companies.index)
    source_names = asked.asked["source_name"].copy()
    source_names[drawn] = [random.choice(ids) for _ in range(int(drawn.sum()))]
    misfiled = drawn & (source_names != companies) | ~drawn & asked.truth["apart"].notna()
    truth = asked.truth.assign(apart=asked.truth["apart"].where(~misfiled, None))
    return Questions(asked.asked.assign(source_name=source_names), truth), misfiled.astype(bool)


def _resolve(listed: Reference, asked: Questions) -> tuple[Timed, float]:
    forget_peak()
    index(listed, asked.head(WARMING))
    say(f"resolving {len(asked.asked):,} values")
    return timed(lambda: resolve(asked.asked, listed)), peak_megabytes()


def _quality(name: str, listed: Reference, asked: Questions, precision: float) -> list[Figure]:
    resolved, peak = _resolve(listed, asked)
    graded = grade.grade(grade.accepted(resolved.result), asked, name)
    return [*grade.figures(name, graded, precision, None, None), *_cost(name, asked, resolved, peak)]


def _cost(name: str, asked: Questions, resolved: Timed, peak: float) -> Iterator[Figure]:
    yield Figure(f"{name}: time per value", resolved.seconds / len(asked.asked) * 1e6, unit="us")
    yield Figure(f"{name}: peak memory", round(peak), unit="MB")
