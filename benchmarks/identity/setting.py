"""What a run of the benchmark is made with."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.identity import name_noise, noise

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
UNLISTED_SHARE = 0.08


@dataclass(frozen=True)
class Setting:
    """The seed of everything random, the sizes as a share of the full ones, and the mixes of noise."""

    seed: int = 1
    scale: float = 1.0
    rounds: int = 2
    code_mix: Mapping[str, float] = field(default_factory=lambda: dict(noise.MIX))
    name_mix: Mapping[str, float] = field(default_factory=lambda: dict(name_noise.MIX))
    shared: Path = SHARED

    def random(self, purpose: str) -> random.Random:
        """Random numbers that depend on the seed and on what they are for, and on nothing else."""
        return random.Random(f"{self.seed}/{purpose}")

    def size(self, full: int) -> int:
        """A full size, scaled; at least 100."""
        return max(100, round(full * self.scale))
