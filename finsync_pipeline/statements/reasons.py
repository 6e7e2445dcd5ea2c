"""The reasons for which a row or a cell is not used, read from `reasons.csv`, and the documentation of them.

*Rejected* means that it cannot be used as it is, *superseded* that another row has the same value, or a newer one.
"""

from dataclasses import dataclass
from typing import Literal

from finsync_pipeline.statements.items import packaged_rows


@dataclass(frozen=True)
class Reason:
    """Why something is not used: the code, the stage that finds it, what it means, and how to fix it."""

    code: str
    stage: str
    outcome: Literal["rejected", "superseded"]
    meaning: str
    fix: str


REASONS: dict[str, Reason] = {row["code"]: Reason(**row) for row in packaged_rows("reasons.csv")}


def as_markdown() -> str:
    """The reasons as the page docs/rejects.md."""
    lines = [
        "# Why a row or a cell is not used",
        "",
        "Every row and cell that is not used stands in `rejects.parquet` of the release, and in the asset",
        "`<source>/rejects`, with its stage, its reason and its text as delivered. *Rejected*: it cannot be used as",
        "it is. *Superseded*: another row of the source has the same value, or a newer one.",
        "",
        "| reason | stage | outcome | what it means | how to fix it |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{reason.code}` | {reason.stage} | {reason.outcome} | {reason.meaning} | {reason.fix} |"
        for reason in REASONS.values()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
