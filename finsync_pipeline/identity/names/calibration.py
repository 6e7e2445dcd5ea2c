"""How far each class of likeness can be trusted in this very list.

What a class was right in when the list was tried with its own names (`trial`) is its precision, drawn towards that
of the more general class, which counts as `WEIGHT_OF_GENERAL` more names:

    precision = (right + WEIGHT_OF_GENERAL * precision of the more general) / (right + wrong + WEIGHT_OF_GENERAL)

`typo/1/same/2` is more general than `typo/1/same/2/own`, and so on; the most general begins with `UNTRIED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from finsync_pipeline.identity.names.likeness import ANOTHER_WORD

#: What is promised of a class before any trial, and for how many names the more general class counts.
UNTRIED, WEIGHT_OF_GENERAL = 0.9, 5.0
#: Classes are accepted from the first precision on; and more, the surest first, as long as all that is accepted has
#: the second together, but none that has less than the third.
SURE, TOGETHER, FLOOR = 0.99, 0.9985, 0.96
#: Accepted whatever the trial says: nothing is guessed in them, and their precision says how often names recur.
CERTAIN = (
    *("literal", "light", "core/same", "core/none", "core/partly"),
    *("core/missing/1/own", "core/missing/2", "core/missing/3+"),
)


@dataclass(frozen=True)
class Calibration:
    """Right and wrong answers of each class and of its more general ones, in names (wrong ones weighed)."""

    right: dict[str, float]
    wrong: dict[str, float]

    def precision(self, trust_class: str) -> float:
        """The precision that is promised of a class."""
        promised = UNTRIED
        parts = trust_class.split("/")
        for length in range(1, len(parts) + 1):
            name = "/".join(parts[:length])
            right, wrong = self.right.get(name, 0.0), self.wrong.get(name, 0.0)
            promised = (right + promised * WEIGHT_OF_GENERAL) / (right + wrong + WEIGHT_OF_GENERAL)
        return promised

    def accepts(self, trust_class: str) -> bool:
        """Whether an answer of this class is precise enough to be taken."""
        if trust_class == ANOTHER_WORD:
            return False
        return trust_class.startswith(CERTAIN) or self.precision(trust_class) >= self.least

    @cached_property
    def least(self) -> float:
        """The precision from which on a class is accepted: that of the last one in which all together suffice."""
        classes = [name for name in self.right.keys() | self.wrong.keys() if self._is_whole(name)]
        ranked = sorted(((self.precision(name), name) for name in classes), reverse=True)
        right, wrong = 0.0, 0.0
        least = SURE
        for precision, name in ranked:
            tried = self.right.get(name, 0.0) + self.wrong.get(name, 0.0)
            right, wrong = right + tried * precision, wrong + tried * (1 - precision)
            if precision < FLOOR or right < TOGETHER * (right + wrong):
                break
            least = min(least, precision)
        return least

    def _is_whole(self, name: str) -> bool:
        """Whether the class has no more particular ones."""
        return name not in self._general

    @cached_property
    def _general(self) -> frozenset[str]:
        return frozenset(name.rpartition("/")[0] for name in self.right.keys() | self.wrong.keys())
