"""Names: of real companies as other lists write them, and a hundred thousand with generated variants."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks import truth
from benchmarks.figure import Figure
from benchmarks.identity import grade, lists, questions
from benchmarks.identity.codes import index
from benchmarks.identity.legal_forms import core
from benchmarks.identity.measuring import Timed, apart, forget_peak, peak_megabytes, timed
from benchmarks.identity.questions import Questions
from benchmarks.identity.setting import Setting
from benchmarks.services.progress import say
from finsync_pipeline.identity import Reference, read_reference, resolve

LISTED, UNLISTED, ASKED = 100_000, 8_000, 100_000
WARMING = 50


@dataclass(frozen=True)
class Resolved:
    """The answers to questions, graded, and what they took."""

    answers: pd.Series
    grade: grade.Grade
    taken: Timed
    peak: float

    def cost(self, name: str) -> Iterator[Figure]:
        """Time and memory."""
        yield Figure(f"{name}: time per value", self.taken.seconds / len(self.answers) * 1e6, unit="us")
        yield Figure(f"{name}: peak memory", round(self.peak), unit="MB")


def figures(setting: Setting) -> Iterator[Figure]:
    """Two lists of real names, and generated variants."""
    for part in (names_of_2017, names_of_today, generated):
        yield from apart(part, setting)


def names_of_2017(setting: Setting) -> list[Figure]:
    """The S&P 500 as a provider named it in 2017, among the SEC's filers of 2009 and 2010 and their former names.

    Apart are companies that are not listed but bear the name of one that is, as successors do.
    """
    with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
        truth.write_reference(setting.shared, Path(folder) / "list", with_aliases=False)
        listed = read_reference(Path(folder) / "list")
    source_names = pd.read_csv(setting.shared / "company_name_variants.csv", dtype=str)
    source_names = source_names[source_names["source"] == "kaggle_nyse_2017"].drop_duplicates("name")
    ids = set(listed.companies["company_id"])
    borne = {core(name) for name in [*listed.companies["name"].dropna(), *listed.aliases["alias"]]}
    companies = [cik if cik in ids else None for cik in source_names["cik"]]
    successors = [
        "successor" if company is None and core(name) in borne else None
        for company, name in zip(companies, source_names["name"], strict=True)
    ]
    asked = questions.make(source_names["name"].tolist(), companies, apart=successors)
    name = f"names of 2017, {len(ids):,} listed"
    done = _resolve(listed, asked, name)
    graded = done.grade
    return [
        Figure(f"{name}: right", 100 * graded.recall, ">=", 92, "%"),
        Figure(f"{name}: under a wrong company", 100 * graded.wrong / graded.known, "<=", 0.5, "%"),
        Figure(f"{name}: unlisted, under a listed one", 100 * (1 - graded.kept_out), "<=", 0.3, "%"),
        Figure(f"{name}: set apart, successors of the same name", graded.apart),
        *done.cost(name),
    ]


def names_of_today(setting: Setting) -> list[Figure]:
    """The S&P 500 as Wikipedia names it, among the SEC's names; then with these companies not listed."""
    companies = lists.sec_companies(setting)
    index_of = pd.read_csv(setting.shared / "identity" / "sp500_constituents.csv", dtype=str)
    index_of = index_of[index_of["CIK"].isin(companies["cik"])].drop_duplicates("CIK")
    source_names = index_of["Security"].tolist()
    name = f"S&P 500, {len(companies):,} listed"
    asked = questions.make(source_names, index_of["CIK"].tolist())
    done = _resolve(_named(companies), asked, name)
    without = companies[~companies["cik"].isin(index_of["CIK"])]
    removed = _resolve(_named(without), questions.make(source_names, [None] * len(source_names)), f"{name}, removed")
    return [
        Figure(f"{name}: right", 100 * done.grade.recall, ">=", 96, "%"),
        Figure(f"{name}: under a wrong company", done.grade.wrong, "=", 0),
        Figure(f"{name}: accepted though removed from the list", removed.grade.wrongly_listed, "=", 0),
        *done.cost(name),
    ]


def generated(setting: Setting) -> list[Figure]:
    """Variants of real names of entities with an LEI; once more with the country beside each."""
    number, unlisted = setting.size(LISTED), setting.size(UNLISTED)
    entities = lists.real_leis(setting).head(number + unlisted)
    listed, others = entities[:number], entities[number:]
    say("varying names")
    pairs = list(zip(listed["LEI"], listed["name"], strict=True))
    random = setting.random("varied names")
    asked = questions.of_names(pairs, others["name"].tolist(), setting.size(ASKED), setting.name_mix, random)
    reference = lists.reference(listed["LEI"], lei=listed["LEI"], name=listed["name"], country=listed["country"])
    name = f"names, {number:,} listed"
    done = _resolve(reference, asked, name)
    homonyms = int((asked.truth["apart"] == "homonym").sum())
    country_of = dict(zip(listed["LEI"], listed["country"], strict=True))
    countries = others["country"].tolist()
    evidence = [
        {"country": random.choice(countries) if pd.isna(company) else country_of[company]}
        for company in asked.truth["company_id"]
    ]
    with_country = _resolve(reference, questions.with_supporting_columns(asked, evidence), f"{name}, with country")
    return [
        *grade.figures(name, done.grade, precision=0.999, recall=0.88, kept_out=0.995),
        Figure(f"{name}: of these, two companies of one name", homonyms),
        *done.cost(name),
        *_told(f"{name}, with country", with_country.grade),
        *with_country.cost(f"{name}, with country"),
    ]


def _told(name: str, graded: grade.Grade) -> Sequence[Figure]:
    return [
        Figure(f"{name}: precision of accepted", graded.precision),
        Figure(f"{name}: recall", graded.recall),
        Figure(f"{name}: unlisted kept out", graded.kept_out),
    ]


def _named(companies: pd.DataFrame) -> Reference:
    return lists.reference(companies["cik"], name=companies["name"])


def _resolve(listed: Reference, asked: Questions, name: str) -> Resolved:
    forget_peak()
    say(f"{name}: index")
    built = index(listed, asked.head(WARMING))
    say(f"{name}: {built.seconds:.1f} s; resolving {len(asked.asked):,} names")
    taken = timed(lambda: resolve(asked.asked, listed))
    peak = peak_megabytes()
    answers = grade.accepted(taken.result)
    return Resolved(answers, grade.grade(answers, asked, name), taken, peak)
