"""Numbers as people read them: in full, thousands, millions or billions, with the separators of a language."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal

Scale = Literal["auto", "full", "thousands", "millions", "billions"]
_DIVISORS = {"full": 1.0, "thousands": 1e3, "millions": 1e6, "billions": 1e9}
DEFAULT = "en"
NOTHING = "\u2013"
"""What stands for a value that is missing: missing is not zero."""


@dataclass(frozen=True)
class Numbers:
    """How numbers are written: divided by the scale, with the separators of the locale.

    `auto` divides by what keeps the largest magnitude of a table below seven digits: `for_values` chooses it.
    """

    scale: Scale = "auto"
    locale: str = DEFAULT

    def for_values(self, values: Any) -> "Numbers":
        """The same, with the scale chosen by these values where it is `auto`."""
        if self.scale != "auto":
            return self
        largest = max((abs(value) for value in values if value is not None), default=0.0)
        scales: dict[Scale, float] = {"full": 1e6, "thousands": 1e9, "millions": 1e13}
        return Numbers(next((scale for scale, most in scales.items() if largest < most), "billions"), self.locale)

    @property
    def unit(self) -> str:
        """What numbers are in, in words; empty if in full."""
        return "" if self.scale in ("full", "auto") else self.scale

    def divided(self, value: float | None) -> float | None:
        """The number in the scale, for charts."""
        return None if value is None else value / _DIVISORS.get(self.scale, 1.0)

    def text(self, value: float | None, is_per_share: bool = False) -> str:
        """The number in the scale; amounts per share are always in full."""
        if value is None:
            return NOTHING
        divided = value if is_per_share else value / _DIVISORS.get(self.scale, 1.0)
        return written(divided, self.locale)

    def full(self, value: float | None) -> str:
        """The number in full."""
        return NOTHING if value is None else written(value, self.locale, places=6)

    def share(self, value: float | None) -> str:
        """A share as a percentage."""
        return NOTHING if value is None else f"{written(100 * value, self.locale)} %"


@lru_cache(100_000)
def written(value: float, locale: str, places: int | None = None) -> str:
    """The number with the separators of the locale, and as many places as its size needs."""
    if places is None:
        places = 0 if abs(value) >= 1000 or value == int(value) else 2 if abs(value) >= 1 else 4
    separators = _separators(locale)
    if separators is None:
        pattern = "#,##0" + ("." + "#" * places if places else "")
        return str(format_decimal(value, _pattern(locale, pattern), locale=locale))
    # The same ten times as fast: a page has thousands of numbers
    whole, _, fraction = f"{Decimal(repr(value)):,.{places}f}".partition(".")
    text = whole.translate(separators)
    if kept := fraction.rstrip("0"):
        return f"{text}{separators[ord('.')]}{kept}"
    return text if text.strip(separators[ord("-")]) != "0" else "0"


@lru_cache(200)
def _separators(locale: str) -> dict[int, str] | None:
    """The separators and the minus of the locale; None where digits are not in groups of three."""
    read = Locale.parse(locale)
    if read.decimal_formats[None].grouping != (3, 3):
        return None
    symbols = read.number_symbols["latn"]
    return str.maketrans({",": symbols["group"], ".": symbols["decimal"], "-": symbols["minusSign"]})


@lru_cache(200)
def locale_of(header: str, wanted: str | None = None) -> str:
    """The first language of an Accept-Language header, or the wanted one, that is known; English otherwise."""
    ranges = [part.partition(";")[0].strip() for part in header[:200].split(",")]
    for name in [wanted, *ranges]:
        try:
            return str(Locale.parse(str(name or "").replace("-", "_")))
        except (UnknownLocaleError, ValueError):
            continue
    return DEFAULT


@lru_cache(1_000)
def _pattern(locale: str, pattern: str) -> str:
    """The pattern with the groups of digits of the locale: lakh and crore are groups of two."""
    of_locale = Locale.parse(locale).decimal_formats[None].pattern
    whole = of_locale.partition(";")[0].partition(".")[0]
    return str(whole) + ("." + pattern.partition(".")[2] if "." in pattern else "")
