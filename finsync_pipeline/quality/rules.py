"""The rules of agreement: which value of a cell is published where sources differ, declared in one YAML file.

    default: {rule: mean, tolerance: 0.01, disputed: flag, suspects: withhold}
    items:
      operating_income: {rule: {prefer: [pnl, nyse]}, disputed: withhold}
      eps_diluted: {rule: median, tolerance: 0.005}

What an item does not declare is that of `default`, and what `default` does not declare is as above.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.config_errors import ConfigModel
from finsync_pipeline.statements.items import NUMERIC_ITEMS


class Preference(ConfigModel):
    """The value of the first of these sources that has the cell; of the others, their mean."""

    prefer: list[str] = Field(min_length=1, description="Sources, the preferred one first")


class ItemRule(ConfigModel):
    """How the values of one item are joined, and when sources agree on it.

    `tolerance` is relative: 0.01 lets two values differ by 1 % of the larger one. A disputed cell is published with its
    flag or withheld; a suspect is withheld, or published with its flag where no other value contradicts it.
    """

    rule: Literal["mean", "median"] | Preference = Field(
        default="mean", description="mean, median or {prefer: [source, ...]}"
    )
    tolerance: float = Field(
        default=0.01, ge=0, lt=0.5, description="Share of the larger value by which sources may differ"
    )
    disputed: Literal["flag", "withhold"] = Field(default="flag", description="flag or withhold")
    suspects: Literal["flag", "withhold"] = Field(default="withhold", description="withhold or flag")

    @field_validator("rule", mode="before")
    @classmethod
    def _rule(cls, rule: Any) -> Any:
        if isinstance(rule, dict | Preference) or rule in ("mean", "median"):
            return Preference.model_validate(rule) if isinstance(rule, dict) else rule
        raise ValueError(f"{rule!r} is not a rule; use mean, median or {{prefer: [source, ...]}}")

    @property
    def preferred(self) -> list[str]:
        """The preferred sources, the first one first; empty for other rules."""
        return self.rule.prefer if isinstance(self.rule, Preference) else []


class Rules(ConfigModel):
    """The rule of every item: its own, or that of `default`."""

    default: ItemRule = Field(default=ItemRule(), description="The rule of the items that declare none")
    items: dict[str, ItemRule] = Field(default={}, description="Item: what differs from the default")

    @field_validator("items")
    @classmethod
    def _known(cls, items: dict[str, ItemRule]) -> dict[str, ItemRule]:
        for item in items:
            if item not in NUMERIC_ITEMS:
                raise ValueError(f"{item} is not a standard item with numbers; {_suggestion(item, NUMERIC_ITEMS)}")
        return items

    def of(self, item: str) -> ItemRule:
        """The rule of this item."""
        levels = [self.default, *([self.items[item]] if item in self.items else [])]
        declared = {name: getattr(level, name) for level in levels for name in level.model_fields_set}
        return ItemRule.model_validate(declared)

    @property
    def sources(self) -> set[str]:
        """The sources that any rule names."""
        return {source for item in NUMERIC_ITEMS for source in self.of(item).preferred}


def read_rules(path: Path | None, sources: Collection[str] = ()) -> Rules:
    """The rules in the YAML file; without a file, the default for every item.

    Raises ConfigurationError, with file, line or field, and fix, if the file cannot be read, has unknown keys or items,
    or names a source that is not one of `sources` (not checked if these are empty).
    """
    if path is None:
        return Rules()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", "Name a file that exists", path) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{error.problem} in line {line}", "Correct the YAML", path) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigurationError("is not a text file of YAML", "Save it as UTF-8", path) from None
    if content is not None and not isinstance(content, Mapping):
        raise ConfigurationError("has no keys", "Write default: and items: with their keys", path)
    try:
        rules = Rules.model_validate(content or {})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "rules"
        what, _, fix = first["msg"].removeprefix("Value error, ").partition("; ")
        raise ConfigurationError(f"{field}: {what}", _sentence(fix or "Correct it"), path) from None
    if sources and (unknown := sorted(rules.sources - set(sources))):
        what = f"rule: {unknown[0]} is not a source"
        raise ConfigurationError(what, _sentence(_suggestion(unknown[0], sources)), path)
    return rules


def _suggestion(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(sorted(known))}"


def _sentence(fix: str) -> str:
    return fix[:1].upper() + fix[1:].rstrip("?.")
