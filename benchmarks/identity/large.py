"""As many LEIs as there are, 2.8 million: real ones and made ones of the same kind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.figure import Figure
from benchmarks.identity import codes, grade, lists, questions
from benchmarks.identity.measuring import apart, peak_megabytes, timed
from benchmarks.identity.questions import Questions
from benchmarks.identity.setting import Setting
from benchmarks.services.progress import say
from finsync_pipeline.identity import resolve

LISTED, UNLISTED, ASKED = 2_800_000, 16_000, 200_000
MOST_MEGABYTES = 3_000


def figures(setting: Setting) -> Iterator[Figure]:
    """A process that reads the list and the values, resolves them and ends; what it took."""
    with tempfile.TemporaryDirectory(prefix="finsync-bench-") as folder:
        apart(write, setting, Path(folder))
        yield from apart(measure, Path(folder))


def write(setting: Setting, folder: Path) -> None:
    """The list, the values and their truth as Parquet files."""
    number, unlisted = setting.size(LISTED), setting.size(UNLISTED)
    say(f"making {number:,} LEIs")
    real = lists.real_leis(setting)["LEI"].head(number)
    grown = lists.grown_leis(real, number + unlisted, setting.random("made LEIs").getrandbits(64))
    order = np.random.default_rng(setting.random("order of made LEIs").getrandbits(64)).permutation(len(grown))
    grown = grown.take(pa.array(order))
    pq.write_table(pa.table({"company_id": grown[:number], "lei": grown[:number]}), folder / "listed.parquet")
    random = setting.random("damaged made LEIs")
    ids = grown.to_pylist()
    asked = questions.of_codes(ids[:number], ids[number:], setting.size(ASKED), setting.code_mix, random)
    asked.asked.to_parquet(folder / "asked.parquet")
    asked.truth.to_parquet(folder / "truth.parquet")


def measure(folder: Path) -> list[Figure]:
    """Read, index, resolve."""
    loaded = timed(lambda: lists.reference(**_columns(folder / "listed.parquet")))
    listed = loaded.result
    asked = Questions(*(_frame(folder / f"{part}.parquet") for part in ("asked", "truth")))
    name = f"LEIs, {len(listed.companies):,} listed"
    say(f"{name}: index")
    built = codes.index(listed, asked.head(10))
    say(f"{name}: {built.seconds:.1f} s; resolving {len(asked.asked):,} values")
    resolved = timed(lambda: resolve(asked.asked, listed))
    peak = peak_megabytes()
    graded = grade.grade(grade.accepted(resolved.result), asked, name)
    return [
        *grade.figures(name, graded, precision=0.9999, recall=0.985, kept_out=0.999),
        Figure(f"{name}: reading the list", round(loaded.seconds, 3), unit="s"),
        Figure(f"{name}: index", round(built.seconds, 3), unit="s"),
        Figure(f"{name}: {len(asked.asked):,} values", round(resolved.seconds, 3), unit="s"),
        Figure(f"{name}: time per value", resolved.seconds / len(asked.asked) * 1e6, unit="us"),
        Figure(f"{name}: peak memory of the whole process", round(peak), "<=", MOST_MEGABYTES, "MB"),
    ]


def _columns(file: Path) -> dict[str, pd.Series]:
    frame = _frame(file)
    return {str(column): frame[column] for column in frame.columns}


def _frame(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file, dtype_backend="pyarrow")
