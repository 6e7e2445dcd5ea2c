"""What is promised of decisions on names holds for variations other than those that the list was tried with."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from factories import source_names_frame
from resolving import SHARED_DATA, MakeReference

from benchmarks.identity.name_noise import MIX, core, vary
from finsync_pipeline.identity import Reference, resolve

LEIS = SHARED_DATA / "identity" / "gleif_sample.parquet"
needs_leis = pytest.mark.skipif(not LEIS.exists(), reason="the real names (../shared/data) are not beside the project")
LISTED, ASKED, UNLISTED = 3_000, 4_000, 0.1


@needs_leis
def test_the_promised_precision_is_kept_by_another_noise(make_reference: MakeReference) -> None:
    random = Random(20260131)
    names = random.sample(pd.read_parquet(LEIS, columns=["name"])["name"].drop_duplicates().tolist(), 2 * LISTED)
    listed, others = names[:LISTED], names[LISTED:]
    reference = make_reference([{"company_id": f"c{number}", "name": name} for number, name in enumerate(listed)])
    asked, truth = _vary(listed, others, random)
    decided = resolve(source_names_frame((text, "2009-12-31", None) for text in asked), reference)
    accepted = (decided["status"] == "accepted").to_numpy(dtype=bool)
    right = (decided["company_id"].astype(object) == pd.Series(truth)).to_numpy(dtype=bool)[accepted]
    assert right.mean() >= decided["precision"][accepted].mean() - 0.001
    assert accepted.mean() > 0.7


def _vary(listed: list[str], others: list[str], random: Random) -> tuple[list[str], list[str | None]]:
    """Variants of names, and whose they are; those that are just another name of the list are left out."""
    cores = {core(name): number for number, name in enumerate(listed)}
    asked: dict[str, str | None] = {}
    while len(asked) < ASKED:
        kind = random.choices(list(MIX), list(MIX.values()))[0]
        number = random.randrange(LISTED)
        is_unlisted = random.random() < UNLISTED
        text = vary((others if is_unlisted else listed)[number], kind, random)
        if cores.get(core(text), number) == number and not (is_unlisted and core(text) in cores):
            asked[text] = None if is_unlisted else f"c{number}"
    return list(asked), list(asked.values())


AUDIT = """
import hashlib, sys
import pyarrow as pa
sys.path[:0] = {path!r}
pa.set_cpu_count(int(sys.argv[1]))
from factories import source_names_frame
from finsync_pipeline.identity import read_reference, resolve
asked = ["Aple Inc", "BRISTOL MYERS", "Coca Cola", "0000O01800", "HP", "Chub Corp", "Nobody", "goldman sach group", ""]
rows = source_names_frame((text, "2009-12-31", '{{"country": "US"}}') for text in asked)
decided = resolve(rows, read_reference({list!r}))
print(hashlib.sha256(decided.to_csv(index=False).encode()).hexdigest())
"""


def test_processes_threads_and_hash_seeds_change_no_byte() -> None:
    project = Path(__file__).resolve().parents[2]
    listed = str(project / "finsync_pipeline" / "reference")
    script = AUDIT.format(path=[str(project), str(project / "tests")], list=listed)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, threads],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, threads in (("0", "1"), ("4242", "4"))
    ]
    digests = [process.communicate(timeout=120)[0] for process in running]
    assert len(digests[0].strip()) == len(hashlib.sha256().hexdigest())
    assert digests[0] == digests[1]


def test_every_decision_can_be_made_again_from_its_row(make_reference: MakeReference) -> None:
    reference: Reference = make_reference(
        [
            {"company_id": "10", "name": "Corvale Instruments Inc", "cik": "320193", "country": "US"},
            {"company_id": "20", "name": "Corvale Pumps plc", "tickers": "CVP", "country": "GB"},
            {"company_id": "30", "name": "Northwestern Steelmark Group", "tickers": "NSG"},
        ],
        [{"company_id": "20", "alias": "Brightwater Pumps", "valid_to": "2009-06-30"}],
    )
    texts = [
        "Corvale Instrumets",
        "corvale pumps",
        "CVP",
        "cik 0000320193",
        "Brightwater Pumps",
        "Corvale",
        "Steelmark",
    ]
    supporting_columns = [None, '{"name": "Northwestern Steelmark"}', '{"country": "US"}', '{"cik": "320193"}']
    days = ["2009-03-31", "2009-12-31"]
    asked = source_names_frame((text, day, said) for text in texts for day in days for said in supporting_columns)
    decided = resolve(asked, reference)
    assert set(decided["status"]) >= {"accepted", "conflict", "unknown"}
    for number in range(len(decided)):
        row = decided.iloc[[number]]
        pd.testing.assert_frame_equal(row, resolve(row[["source_name", "period_end", "supporting_columns"]], reference))
