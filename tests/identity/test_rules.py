"""The rules of deciding are counted: what they made of one list and many spellings, rules by rules."""

from __future__ import annotations

import hashlib
from random import Random

from identity_frames import MakeReference, spellings_frame

from benchmarks.identity.name_noise import MIX, vary
from finsync_pipeline.identity import Reference, resolve


DECIDED = {1: "90b3e1d31f4b02b8"}
"""The newest rules, and the hash of what they decide below."""

LISTED, ASKED = 320, 1_500


def test_rules_that_decide_otherwise_have_another_number(make_reference: MakeReference) -> None:
    random = Random(20_091_231)
    names = random.sample(sorted(known_names()), 2 * LISTED)
    reference = make_reference(
        {"company_id": f"{random.randrange(10**9):010d}", "name": name, "cik": str(random.randrange(10**6))}
        for name in names[:LISTED]
    )
    ids = reference.companies["company_id"].tolist()
    texts = [vary(random.choice(names), random.choice(list(MIX)), random) for _ in range(ASKED)]
    texts += [mistyped(random.choice(ids), random) for _ in range(ASKED)]
    decided = resolve(spellings_frame((text, "2009-12-31", None) for text in texts), reference)
    what = decided[["spelling", "status", "company_id", "method", "steps"]].to_csv(index=False)
    digest = hashlib.sha256(what.encode()).hexdigest()[:16]
    assert {Reference.RULES: digest} == DECIDED, "count up Reference.RULES, and say here what they decide"


def mistyped(code: str, random: Random) -> str:
    place = random.randrange(len(code))
    return random.choice([code, code.lstrip("0"), code[:place] + str(random.randrange(10)) + code[place + 1 :]])
