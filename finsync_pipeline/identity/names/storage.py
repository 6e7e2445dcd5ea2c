"""The names of a list on disk: NumPy files for arrays, Arrow for words, JSON for what was found out. No pickle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather

from finsync_pipeline.identity.names.calibration import Calibration
from finsync_pipeline.identity.names.forms import WHOLE_FORMS
from finsync_pipeline.identity.names.index import Claim, NameIndex
from finsync_pipeline.identity.names.keys import KeyTable
from finsync_pipeline.identity.names.listed_names import Names

_TABLES = ("beginnings", "initials", "tailless", "rest")


def save_names(folder: Path, names: Names) -> None:
    """Write what is known of the names into a folder, which is made; the claims of listed companies are left out."""
    folder.mkdir(parents=True)
    index = names.index
    tables = index.whole | {name: getattr(index, name) for name in _TABLES}
    arrays = {f"{name}.hashes": table.hashes for name, table in tables.items()}
    arrays |= {f"{name}.numbers": table.numbers for name, table in tables.items()}
    np.savez(folder / "keys.npz", rest_claims=index.rest_claims, **arrays)
    words = pa.table({"word": pa.array(index.rest_words, pa.large_string())})
    feather.write_feather(words, folder / "words.arrow", compression="zstd")
    bearers = {"word": pa.array(index.bearers, pa.large_string()), "companies": pa.array(index.bearers.values())}
    feather.write_feather(pa.table(bearers), folder / "bearers.arrow", compression="zstd")
    decoys = [claim.text for claim in index.claims if claim.company >= names.listed]
    known = {"decoys": decoys, "right": names.calibration.right, "wrong": names.calibration.wrong}
    (folder / "known.json").write_text(json.dumps(known, ensure_ascii=False, sort_keys=True), encoding="utf-8")


def load_names(folder: Path, claims: Sequence[Claim], listed: int) -> Names:
    """Read what `save_names` wrote of these claims of listed companies."""
    known = json.loads((folder / "known.json").read_text(encoding="utf-8"))
    with np.load(folder / "keys.npz", allow_pickle=False) as arrays:
        tables = {
            name: KeyTable(arrays[f"{name}.hashes"], arrays[f"{name}.numbers"]) for name in (*WHOLE_FORMS, *_TABLES)
        }
        rest_claims = arrays["rest_claims"]
    bearers = feather.read_table(folder / "bearers.arrow")
    companies = map(tuple, bearers["companies"].to_pylist())
    index = NameIndex(
        claims=[*claims, *(Claim(listed + number, name) for number, name in enumerate(known["decoys"]))],
        whole={form: tables[form] for form in WHOLE_FORMS},
        **{name: tables[name] for name in _TABLES},
        rest_claims=rest_claims,
        rest_words=feather.read_table(folder / "words.arrow")["word"].to_pylist(),
        bearers=dict(zip(bearers["word"].to_pylist(), companies, strict=True)),
    )
    return Names(listed, index, Calibration(known["right"], known["wrong"]))
