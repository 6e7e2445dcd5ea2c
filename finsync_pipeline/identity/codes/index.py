"""The listed codes, ready to be asked which company a text means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from finsync_pipeline.identity.codes.bytes_of import large_text
from finsync_pipeline.identity.codes.calibration import Calibration, calibrate
from finsync_pipeline.identity.codes.costs import smallest_costs
from finsync_pipeline.identity.codes.find import find_distinct
from finsync_pipeline.identity.codes.found import CodesFound
from finsync_pipeline.identity.codes.listed import Companies, Listed
from finsync_pipeline.identity.codes.schemes import Scheme
from finsync_pipeline.identity.codes.shape import Shape
from finsync_pipeline.identity.codes.storage import load_index, save_index


@dataclass(frozen=True)
class CodeIndex:
    """Build it with `CodeIndex.of`, once for each list; `save` keeps it with what was found out about the list."""

    listed: Listed
    calibration: Calibration
    shape: Shape

    @classmethod
    def of(cls, codes: pa.Array, companies: Companies, scheme: Scheme) -> CodeIndex:
        """`codes[i]` (text; null and blank ones are left out) belongs to the company number `companies[i]` (int32).

        A company may have several codes; a code that several companies have is ambiguous. Raises `ValueError`
        where the two differ in length or a company number is negative.
        """
        if len(codes) != len(companies):
            raise ValueError(f"{len(codes)} codes but {len(companies)} companies: give each code its company")
        if len(companies) and int(np.min(companies)) < 0:
            raise ValueError("companies: a company number is negative; count companies from 0")
        listed = Listed.of(codes, companies, scheme)
        shape = Shape.of(listed.forms["bare"], listed.forms["written"], scheme)
        return cls(listed, calibrate(listed), shape)

    def find(self, texts: pa.Array) -> CodesFound:
        """Which company each text means. Text of any kind; a null one means none, repeated ones mean the same."""
        encoded = large_text(texts).dictionary_encode()
        found = find_distinct(encoded.dictionary, self.listed, self.calibration, self.shape)
        if len(encoded.dictionary) == len(texts):
            return found
        return found.take(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64))

    def costs(self, texts: pa.Array, companies: Companies) -> npt.NDArray[np.float32]:
        """The smallest cost from each text to any code of the company beside it (1.0 is an ordinary edit).

        0 where they are the same but for how they are written; infinite beyond two edits, and for nulls.
        """
        return smallest_costs(large_text(texts), np.asarray(companies, dtype=np.int32), self.listed)

    def save(self, folder: Path) -> None:
        """Write the index into a folder, which is made."""
        save_index(folder, self.listed, self.calibration, self.shape)

    @classmethod
    def load(cls, folder: Path) -> CodeIndex:
        """Read what `save` wrote. Raises `ValueError` where the folder holds no index, or one of another make."""
        return cls(*load_index(folder))
