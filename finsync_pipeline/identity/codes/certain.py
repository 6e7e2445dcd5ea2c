"""What the certain steps promise on a list: that a text which is a listed code was meant for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import take
from finsync_pipeline.identity.codes.listed import FORMS, Listed, zeros_form
from finsync_pipeline.identity.codes.lookup import owners_of
from finsync_pipeline.identity.codes.noise import SEED, mistaken, sample_of

#: A form is read where at least this share of the texts that are a listed code in it are right.
FORM_FLOOR = 0.9995
#: This share of the texts that are listed codes is taken to be written without a mistake.
CLEAN_SHARE = 0.9


def promised_by_form(listed: Listed) -> dict[str, float]:
    """For each of `FORMS` the promised precision, nan where the form is not to be trusted on this list.

    That is where too many listed companies differ in nothing else, or where too many mistyped codes are other
    companies' codes but for zeros in front; of codes that are numbers, or have one length, zeros say nothing.
    """
    collisions = dict.fromkeys(FORMS, 0.0) if len(listed) == 0 else _collisions(listed)
    promised = {}
    for form in FORMS:
        right = CLEAN_SHARE / (CLEAN_SHARE + (1 - CLEAN_SHARE) * collisions[form])
        alone = 1 - (listed.ambiguity(form) if form != "exact" else 0.0)
        is_told = form != "zeros" or listed.scheme.is_number or listed.scheme.length is not None or right >= FORM_FLOOR
        promised[form] = right * alone if alone >= FORM_FLOOR and is_told else float("nan")
    return promised


def _collisions(listed: Listed) -> dict[str, float]:
    """The share of mistyped codes that are another company's code in each form; one more than was seen."""
    rows = sample_of(len(listed))
    codes = take(listed.forms["bare"], rows)
    texts = pa.array(mistaken(codes.to_pylist(), SEED), pa.large_string())
    changed = np.flatnonzero(pc.not_equal(texts, codes).to_numpy(zero_copy_only=False))
    texts, meant = take(texts, changed), listed.companies[rows[changed]]
    bare = owners_of(texts, listed.forms["bare"], listed.companies).first
    zeros = owners_of(zeros_form(texts, listed.scheme), listed.forms["zeros"], listed.companies).first
    by_bare = (int(((bare >= 0) & (bare != meant)).sum()) + 1) / (len(changed) + 1)
    by_zeros = (int(((bare < 0) & (zeros >= 0) & (zeros != meant)).sum()) + 1) / (len(changed) + 1)
    return {"exact": by_bare, "written": by_bare, "bare": by_bare, "zeros": by_bare + by_zeros}
