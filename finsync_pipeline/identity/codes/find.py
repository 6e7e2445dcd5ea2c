"""The decision for each text: the certain steps first, then the check digits, then typing errors."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Flags, Ints, replaced, take
from finsync_pipeline.identity.codes.calibration import Calibration
from finsync_pipeline.identity.codes.explain import told_or_as_listed, told_steps, told_together
from finsync_pipeline.identity.codes.found import AMBIGUOUS, EXACT, LOOK_ALIKE, NORMALISED, UNKNOWN, CodesFound, Sheet
from finsync_pipeline.identity.codes.listed import FORMS, Listed, forms_of, search_keys
from finsync_pipeline.identity.codes.look_alikes import in_latin_letters, letters_read
from finsync_pipeline.identity.codes.lookup import Owners, owners_of
from finsync_pipeline.identity.codes.repair import repair
from finsync_pipeline.identity.codes.shape import Shape
from finsync_pipeline.identity.codes.writing import ZEROS_BACK, ZEROS_OFF

_BLOCK = 500_000


def find_distinct(texts: pa.Array, listed: Listed, calibration: Calibration, shape: Shape) -> CodesFound:
    """The result for each of the texts (large_string, no nulls, each once)."""
    sheet = Sheet(len(texts))
    sheet.is_plausible[:] = True
    rows = _look_up_exact(sheet, texts, listed, calibration)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        _find_written_otherwise(sheet, take(texts, block), block, listed, calibration, shape)
    sheet.is_plausible[(sheet.status != UNKNOWN) | sheet.is_other] = True
    return sheet.found()


def _look_up_exact(sheet: Sheet, texts: pa.Array, listed: Listed, calibration: Calibration) -> Ints:
    owners = owners_of(texts, listed.forms["exact"], listed.companies)
    hits = np.flatnonzero(owners.first >= 0)
    _settle(sheet, hits, owners, hits, EXACT, calibration.forms["exact"])
    return np.flatnonzero(owners.first < 0)


def _find_written_otherwise(
    sheet: Sheet, texts: pa.Array, rows: Ints, listed: Listed, calibration: Calibration, shape: Shape
) -> None:
    forms, outer, steps = forms_of(texts, listed.scheme)
    sheet.is_plausible[rows] = shape.fits(forms["bare"], forms["written"], listed.scheme)
    left = np.arange(len(rows))
    for form in FORMS[1:]:
        owners = owners_of(take(forms[form], left), listed.forms[form], listed.companies)
        hits = np.flatnonzero(owners.first >= 0)
        taken = outer if form == "written" else steps
        if form == "zeros":
            taken = _with_zeros(taken, forms["bare"], left[hits], listed.forms["bare"], owners.row[hits])
        told = told_or_as_listed(told_steps(taken[left[hits]]))
        _settle(sheet, rows[left[hits]], owners, hits, NORMALISED, calibration.forms[form], told)
        left = left[owners.first < 0]
    forms = {form: take(folded, left) for form, folded in forms.items()}
    texts, rows, told = take(texts, left), rows[left], take(told_steps(steps), left)
    is_open, told = _read_scripts(sheet, texts, rows, forms["bare"], told, listed, calibration)
    left = np.flatnonzero(is_open)
    keys = search_keys({form: take(folded, left) for form, folded in forms.items()}, listed.scheme)
    repair(sheet, keys, rows[left], take(told, left), listed, calibration)


def _settle(
    sheet: Sheet, rows: Ints, owners: Owners, hits: Ints, method: int, precision: float, told: pa.Array | None = None
) -> None:
    """One owner is meant, two are ambiguous; where the form tells too little on this list, one is suggested."""
    first, second = owners.first[hits], owners.second[hits]
    sheet.method[rows], sheet.score[rows] = method, 100.0
    if told is not None:
        sheet.tell(rows, told)
    several = second >= 0
    sheet.suggest(rows[several], first[several], status=AMBIGUOUS)
    sheet.runner_up[rows[several]], sheet.runner_up_score[rows[several]] = second[several], 100.0
    if np.isnan(precision):
        sheet.suggest(rows[~several], first[~several], status=UNKNOWN)
    else:
        sheet.accept(rows[~several], first[~several], precision)


def _with_zeros(steps: Ints, bare: pa.Array, hits: Ints, listed_bare: pa.Array, listed_rows: Ints) -> Ints:
    """The steps with that of leading zeros: put back where the listed code is longer."""
    text_lengths = pc.binary_length(take(bare, hits)).to_numpy(zero_copy_only=False)
    code_lengths = pc.binary_length(take(listed_bare, listed_rows)).to_numpy(zero_copy_only=False)
    changed = steps.copy()
    changed[hits] |= np.where(code_lengths > text_lengths, ZEROS_BACK, ZEROS_OFF)
    return changed


def _read_scripts(
    sheet: Sheet, texts: pa.Array, rows: Ints, bare: pa.Array, told: pa.Array, listed: Listed, calibration: Calibration
) -> tuple[Flags, pa.Array]:
    """Letters of other scripts read as Latin ones; which rows are open then, and the steps told so far of each."""
    is_open = np.ones(len(rows), dtype=np.bool_)
    foreign = np.flatnonzero(~pc.string_is_ascii(bare).to_numpy(zero_copy_only=False))
    if len(foreign) == 0:
        return is_open, told
    some = take(texts, foreign)
    forms, _, steps = forms_of(in_latin_letters(some), listed.scheme)
    letters = pa.array([", ".join(letters_read(text)) for text in some.to_pylist()], pa.large_string())
    told = replaced(told, foreign, told_together(letters, told_steps(steps)))
    for form in FORMS[2:]:
        still = np.flatnonzero(is_open[foreign])
        owners = owners_of(take(forms[form], still), listed.forms[form], listed.companies)
        hits = np.flatnonzero(owners.first >= 0)
        found = foreign[still[hits]]
        _settle(sheet, rows[found], owners, hits, LOOK_ALIKE, calibration.forms[form], take(told, found))
        is_open[found] = False
    return is_open, told
