"""What two writings of one text have in common: blanks and invisible characters, tickers, CIKs."""

from __future__ import annotations

import re
import unicodedata

_TICKER = re.compile(r"[0-9A-Z]{1,10}(?:\.[0-9A-Z]{1,4})?")
_TICKER_SEPARATORS = re.compile(r"\s*[./\-_\s]\s*")
_CIK = re.compile(r"(?:CIK)?[\s:#.\-]*([0-9]{1,10})")


def fold_blanks(text: str) -> str:
    """Unicode NFKC without invisible characters, and with single blanks."""
    visible = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join("".join(visible).split())


def normalise_ticker(text: str) -> str | None:
    """A ticker in capitals, its share class after a dot (`BRK.B`), or null where the text cannot be one."""
    ticker = _TICKER_SEPARATORS.sub(".", fold_blanks(text)).upper()
    return ticker if _TICKER.fullmatch(ticker) else None


def normalise_cik(text: str) -> str | None:
    """A CIK without its label and its leading zeros, or null where the text is none."""
    found = _CIK.fullmatch(fold_blanks(text).upper())
    return (found[1].lstrip("0") or None) if found else None
