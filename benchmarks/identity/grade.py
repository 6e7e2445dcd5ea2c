"""How good the answers are."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from benchmarks.figure import Figure
from benchmarks.identity.questions import Questions
from benchmarks.services.progress import say

EXAMPLES = 5


@dataclass(frozen=True)
class Grade:
    """Answers counted; those of questions that nobody could tell are left out of all but `apart`."""

    known: int
    unlisted: int
    right: int
    wrong: int
    wrongly_listed: int
    apart: int

    @property
    def precision(self) -> float:
        """Of what was accepted, the share that is right; 1 where nothing was."""
        accepted = self.right + self.wrong + self.wrongly_listed
        return self.right / accepted if accepted else 1.0

    @property
    def recall(self) -> float:
        """Of the source names of listed companies, the share that was accepted and right."""
        return self.right / self.known if self.known else 1.0

    @property
    def kept_out(self) -> float:
        """Of the source names of unlisted companies, the share that was not accepted."""
        return 1 - self.wrongly_listed / self.unlisted if self.unlisted else 1.0


def grade(answers: pd.Series, questions: Questions, name: str = "") -> Grade:
    """Compare the accepted company_ids (null where none) with the truth; told on stderr by kind if there is a name."""
    truth = questions.truth.assign(source_name=questions.asked["source_name"], answer=answers.astype(object)).astype(
        object
    )
    truth = truth.where(truth.notna(), None)
    counted = truth[truth["apart"].isnull()]
    listed, accepted = counted["company_id"].notnull(), counted["answer"].notnull()
    right = accepted & (counted["answer"] == counted["company_id"])
    if name:
        _tell(name, counted.assign(right=right), counted[accepted & ~right])
    return Grade(
        known=int(listed.sum()),
        unlisted=int((~listed).sum()),
        right=int(right.sum()),
        wrong=int((accepted & listed & ~right).sum()),
        wrongly_listed=int((accepted & ~listed).sum()),
        apart=len(truth) - len(counted),
    )


def accepted(resolved: pd.DataFrame) -> pd.Series:
    """The company_id of each row that was accepted."""
    return resolved["company_id"].where(resolved["status"] == "accepted")


def figures(
    name: str, graded: Grade, precision: float, recall: float | None, kept_out: float | None
) -> Iterator[Figure]:
    """Precision, recall and what was kept out against their targets; told only where there is none."""
    yield Figure(f"{name}: precision of accepted", graded.precision, ">=", precision)
    yield _figure(f"{name}: recall", graded.recall, recall)
    yield _figure(f"{name}: unlisted kept out", graded.kept_out, kept_out)
    yield Figure(f"{name}: accepted and wrong, unlisted with them", graded.wrong + graded.wrongly_listed)
    yield Figure(f"{name}: set apart, as nobody could tell", graded.apart)


def _figure(name: str, value: float, target: float | None) -> Figure:
    return Figure(name, value) if target is None else Figure(name, value, ">=", target)


def _tell(name: str, counted: pd.DataFrame, wrong: pd.DataFrame) -> None:
    listed = counted[counted["company_id"].notnull()]
    by_kind = listed.groupby("kind")["right"].mean().sort_values()
    say(f"{name}, recall by kind: " + ", ".join(f"{kind} {share:.4f}" for kind, share in by_kind.items()))
    for row in wrong.head(EXAMPLES).itertuples():
        say(f"{name}, wrong: {row.source_name!r} ({row.kind}) is {row.company_id or 'unlisted'}, not {row.answer}")
