"""The rules of resolution are counted: what they decide about many texts is kept beside the tests, to be read.

`FINSYNC_REWRITE_SNAPSHOTS=1 pytest tests/identity/test_rules.py` writes it anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pandas as pd
from factories import source_names_frame

from benchmarks.identity.name_noise import MIX, vary
from benchmarks.identity.noise import MIX as CODE_MIX
from benchmarks.identity.noise import damage
from finsync_pipeline.identity import Reference, read_reference, resolve

SNAPSHOT = Path(__file__).with_name("decisions_by_rules.csv")
LIST = Path(__file__).resolve().parents[2] / "finsync_pipeline" / "reference"
WHAT = ["rules", "source_name", "status", "company_id", "method", "steps", "suggestion"]


def decisions_of_the_rules() -> pd.DataFrame:
    """Variants of each name and damaged codes of the list that ships, and what is decided about them."""
    random = Random(20_091_231)
    reference = read_reference(LIST)
    texts: list[str] = []
    for company in reference.companies.to_dict("records"):
        texts += [vary(company["name"], kind, random) for kind in random.sample(sorted(MIX), 2)]
        texts += [damage(company["cik"], kind, random) for kind in random.sample(sorted(CODE_MIX), 1)]
        texts.append(f"{company['name'].split()[0]} {random.choice(['AG', 'Ltd', 'Inc', 'S.A.', 'LLC'])}")
    asked = source_names_frame((text, "2009-12-31", None) for text in dict.fromkeys(texts))
    decided = resolve(asked, reference).assign(rules=Reference.RULES)[WHAT]
    return decided.astype(object).where(decided.notna(), "").astype(str)


def test_rules_that_decide_otherwise_have_another_number() -> None:
    decided = decisions_of_the_rules()
    if os.environ.get("FINSYNC_REWRITE_SNAPSHOTS"):
        decided.to_csv(SNAPSHOT, index=False, lineterminator="\n")
    kept = pd.read_csv(SNAPSHOT, dtype=str, keep_default_na=False)
    changed = decided.merge(kept, how="outer", indicator=True).query("_merge != 'both'")
    assert changed.empty, f"count up Reference.RULES and write the snapshot anew:\n{changed.to_string()}"
