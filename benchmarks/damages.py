"""Damages of real facts: what goes wrong between a filing and a table, with seeds, so that findings can be counted.

Every kind takes the value of a fact and gives another; `shifted` takes that of the item beside it in the same row.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from finsync_pipeline import frames

KINDS = ("thousand", "million", "thousandth", "sign", "swapped", "shifted")
EVEN: Mapping[str, float] = dict.fromkeys(KINDS, 1)


def damaged(facts: pd.DataFrame, share: float, seed: int, mix: Mapping[str, float] = EVEN) -> pd.DataFrame:
    """The facts with this share of them damaged, and the columns `true_value` and `damage` (the kind, or empty).

    `mix` weighs the kinds. A damage that leaves the value as it was (a sign of 0, equal digits) is not marked.
    """
    random = np.random.default_rng(seed)
    weights = np.array(list(mix.values())) / sum(mix.values())
    chosen = random.random(len(facts)) < share
    kinds = np.where(chosen, random.choice(list(mix), len(facts), p=weights), "")
    values = facts["value"].to_numpy(dtype="float64")
    wrong = values.copy()
    for kind, factor in (("thousand", 1e3), ("million", 1e6), ("thousandth", 1e-3), ("sign", -1.0)):
        wrong = np.where(kinds == kind, values * factor, wrong)
    wrong = np.where(kinds == "shifted", _beside(facts), wrong)
    for place in np.flatnonzero(kinds == "swapped"):
        wrong[place] = _digits_swapped(values[place], random)
    wrong = np.where(np.isnan(wrong), values, wrong)
    marked = pd.Series(np.where(wrong == values, "", kinds), index=facts.index, dtype=frames.STRING)
    value = pd.Series(wrong, index=facts.index, dtype=facts["value"].dtype)
    return facts.assign(true_value=facts["value"], value=value, damage=marked)


def _beside(facts: pd.DataFrame) -> np.ndarray:
    """The value of the next item of the same row; NaN where there is none."""
    keys = [facts[name].astype(str) for name in ("source", "row_key", "period_end", "months")]
    return facts.groupby(keys, sort=False)["value"].shift(-1).to_numpy(dtype="float64", na_value=np.nan)


def _digits_swapped(value: float, random: np.random.Generator) -> float:
    """The value with two digits that stand side by side in each other's place."""
    digits = list(f"{abs(value):.0f}" if float(value).is_integer() else f"{abs(value):.4f}".rstrip("0"))
    places = [n for n in range(len(digits) - 1) if "." not in digits[n : n + 2] and digits[n] != digits[n + 1]]
    if not places:
        return value
    place = int(random.choice(places))
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    return float(np.copysign(float("".join(digits)), value))
