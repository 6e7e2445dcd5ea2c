"""What two ways to write one text have in common: blanks and invisible characters; CIKs."""

from __future__ import annotations

import re
import unicodedata

_CIK = re.compile(r"(?:CIK)?[\s:#.\-]*([0-9]{1,10})")


def fold_blanks(text: str) -> str:
    """Unicode NFKC without invisible characters, and with single blanks."""
    if text.isascii():
        return " ".join(text.split())
    visible = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join("".join(visible).split())


def normalise_cik(text: str) -> str | None:
    """A CIK without its label and its leading zeros, or None where the text is none."""
    found = _CIK.fullmatch(fold_blanks(text).upper())
    return (found[1].lstrip("0") or None) if found else None
