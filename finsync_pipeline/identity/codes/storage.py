"""An index on disk: Arrow files for texts, NumPy files for arrays, JSON for what was found out. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from finsync_pipeline.identity.codes.calibration import Calibration
from finsync_pipeline.identity.codes.classes import CLASSES
from finsync_pipeline.identity.codes.joins import Cut, Strings
from finsync_pipeline.identity.codes.listed import FORMS, Listed
from finsync_pipeline.identity.codes.schemes import SCHEMES
from finsync_pipeline.identity.codes.shape import Shape

#: Counts up when an index of before can no longer be read.
MAKE = 2
_ARRAYS = ("companies", "matrix", "lengths", "rows")


def save_index(folder: Path, listed: Listed, calibration: Calibration, shape: Shape) -> None:
    """Write all of it; the file that says what it is comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").unlink(missing_ok=True)
    distinct = [form for form, before in zip(FORMS, (None, *FORMS), strict=False) if _differs(listed, form, before)]
    with ipc.new_file(folder / "forms.arrow", pa.schema([(form, pa.large_string()) for form in distinct])) as file:
        file.write_table(pa.table({form: listed.forms[form] for form in distinct}))
    arrays = (listed.companies, listed.keys.matrix, listed.keys.lengths, listed.rows)
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(folder / f"{name}.npy", np.asarray(array), allow_pickle=False)
    about = {
        "make": MAKE,
        "scheme": listed.scheme.name,
        "shape": asdict(shape),
        "edits": calibration.edits,
        "forms": calibration.forms,
        "cuts": {str(length): asdict(cut) for length, cut in listed.keys.cuts.items()},
        "classes": {
            name: {"allowed": bool(allowed), "precision": float(precision)}
            for name, allowed, precision in zip(CLASSES, calibration.allowed, calibration.precision, strict=True)
        },
    }
    (folder / "index.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def load_index(folder: Path) -> tuple[Listed, Calibration, Shape]:
    """Read what `save_index` wrote; arrays are mapped, not read. Raises `ValueError` where there is no such index."""
    try:
        about = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{folder}: holds no index of codes: build it from the list and save it there") from None
    if about["make"] != MAKE:
        raise ValueError(f"{folder}: holds an index of make {about['make']}, not {MAKE}: build it again from the list")
    companies, matrix, lengths, rows = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS
    )
    classes = [about["classes"][name] for name in CLASSES]
    calibration = Calibration(
        about["edits"],
        np.array([kind["allowed"] for kind in classes], dtype=np.bool_),
        np.array([kind["precision"] for kind in classes], dtype=np.float64),
        about["forms"],
    )
    cuts = {int(length): Cut(**cut) for length, cut in about["cuts"].items()}
    keys = Strings.of(np.asarray(matrix), np.asarray(lengths), cuts)
    listed = Listed(SCHEMES[about["scheme"]], np.asarray(companies), _forms(folder), keys, np.asarray(rows))
    return listed, calibration, Shape(**about["shape"])


def _differs(listed: Listed, form: str, before: str | None) -> bool:
    return before is None or listed.forms[form] is not listed.forms[before]


def _forms(folder: Path) -> dict[str, pa.Array]:
    with pa.memory_map(str(folder / "forms.arrow")) as file:
        table = ipc.open_file(file).read_all().combine_chunks()
    forms: dict[str, pa.Array] = {}
    for form, before in zip(FORMS, (None, *FORMS), strict=False):
        stored = form in table.column_names
        forms[form] = table[form].chunk(0) if stored else forms[before or form]
    return forms
