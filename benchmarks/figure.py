"""A figure and the target that it is held to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """`value` is to be at least, at most, or exactly the target; without a bound it is told and held to nothing."""

    name: str
    value: float
    bound: Literal[">=", "<=", "=", ""] = ""
    target: float = 0
    unit: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether the value is on the right side of the target."""
        return {
            ">=": self.value >= self.target,
            "<=": self.value <= self.target,
            "=": self.value == self.target,
            "": True,
        }[self.bound]

    def __str__(self) -> str:
        """`ok     truth: right by the list alone   98.706 %   >= 98.5 %`."""
        state = ("ok" if self.is_reached else "short") if self.bound else "-"
        value, target = f"{self.value:,.6g} {self.unit}", f"{self.bound} {self.target:,.6g} {self.unit}"
        return f"{state:<6} {self.name:<62} {value:>14}   {target if self.bound else ''}".rstrip()


def print_figures(figures: Iterable[Figure]) -> int:
    """Print each figure as soon as it is known; the exit code, 1 if a target is not reached."""
    are_reached = []
    for figure in figures:
        print(figure, flush=True)
        are_reached.append(figure.is_reached)
    return 0 if all(are_reached) else 1
