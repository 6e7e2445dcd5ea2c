"""The YAML files of the sources, read without Dagster: a mapping of each, as its component has it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import SandboxedEnvironment
from pydantic import ValidationError

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.mapping import SourceMapping

FIX = "Correct the file, then run: finsync check"
UNSET = "Set the variable, or correct the template"
NOTHING_ELSE = "a template can do nothing but name variables of the environment"
VARIABLES = "Write {{ env('NAME') }}, or {{ env('NAME', 'what holds where it is not set') }}"
TEMPLATES = ("url", "token_file")
"""The fields that may name an environment variable."""
_PACKAGE = "finsync_pipeline.components."
_KIND = f"{_PACKAGE}StatementSource"


def read_sources(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, SourceMapping]:
    """The mappings of all `defs.yaml` below the folder that declare a StatementSource, by name, in its order.

    Files and variables are read again when one of them has changed. Raises ConfigurationError, which names file, line
    and field of each mistake.
    """
    files = sorted(folder.rglob("defs.yaml"))
    states = tuple((file, (state := file.stat()).st_mtime_ns, state.st_size, state.st_ino) for file in files)
    return dict(_read(states, Path.cwd(), tuple(sorted(environment.items()))))


@lru_cache(maxsize=4)
def _read(
    states: tuple[tuple[Path, int, int, int], ...], _: Path, variables: tuple[tuple[str, str], ...]
) -> dict[str, SourceMapping]:
    """The mappings in files of these states, from the working folder by which errors name them."""
    environment = dict(variables)
    mappings: dict[str, SourceMapping] = {}
    for file, *_state in states:
        for attributes in _attributes(file):
            mapping = _mapping(attributes, file, environment)
            if mapping.name in mappings:
                fix = "Give each defs.yaml a name of its own"
                raise ConfigurationError(f"two sources are named {mapping.name}", fix, "defs/sources")
            mappings[mapping.name] = mapping
    return dict(sorted(mappings.items()))


def check_keys(file: Path) -> None:
    """Raise ConfigurationError if a mapping in the file has a key twice: YAML would take the second one."""
    for document in _nodes(file):
        for key in _repeated_keys(document):
            place = f"{relative(file)}:{key.start_mark.line + 1}: {key.value}"
            raise ConfigurationError("this key is there twice", "Take one of them out", place)


def _repeated_keys(node: yaml.Node | None, looked_at: set[int] | None = None) -> Iterator[yaml.Node]:
    """The keys in or below the node that another key of the same mapping precedes; a node may be in many places."""
    looked_at = set() if looked_at is None else looked_at
    if id(node) in looked_at:
        return
    looked_at.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(str(key.value))
            yield from _repeated_keys(value, looked_at)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value, looked_at)


def _nodes(file: Path) -> list[yaml.Node]:
    """The documents in the file, with their places."""
    try:
        return list(yaml.compose_all(file.read_text(encoding="utf-8"), yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"not valid YAML: {error.problem}", FIX, f"{relative(file)}:{line}") from None


def _attributes(file: Path) -> Iterator[yaml.MappingNode]:
    """The attributes of each source in the file, with their places."""
    for node in _nodes(file):
        parts = {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        kind, attributes = str(getattr(parts.get("type"), "value", "")), parts.get("attributes")
        if kind.startswith(_PACKAGE) and kind != _KIND:
            raise ConfigurationError(f"type: there is no {kind}", f"Write {_KIND}", relative(file))
        if kind == _KIND and isinstance(attributes, yaml.MappingNode):
            check_keys(file)
            yield attributes


def _mapping(node: yaml.MappingNode, file: Path, environment: Mapping[str, str]) -> SourceMapping:
    attributes = _plain(node)
    try:
        mapping = SourceMapping.model_validate(attributes)
    except ValidationError as error:
        lines = [_line(mistake, node, file) for mistake in error.errors()]
        raise ConfigurationError("\n".join(lines), FIX) from None
    url, token_file = (filled(getattr(mapping, field), _place(node, [field], file), environment) for field in TEMPLATES)
    try:
        return mapping.at(url, token_file)
    except ValueError as error:
        fix, place = "Correct the file, or the variable that it names", _place(node, ["url"], file)
        raise ConfigurationError(str(error).removeprefix("url: "), fix, place) from None


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _line(mistake: Any, node: yaml.MappingNode, file: Path) -> str:
    """One mistake of pydantic with file, line and field."""
    text = str(mistake["msg"]).removeprefix("Value error, ").removesuffix("?")
    return f"{_place(node, mistake['loc'], file)}: {text}"


def _place(node: yaml.MappingNode, path: Any, file: Path) -> str:
    """File, line and field of the path in the attributes; of what is missing, the line of what it is missing in."""
    at: yaml.Node = node
    line, keys = node.start_mark.line, [str(key) for key in path]
    for key in keys:
        found = [pair for pair in at.value if pair[0].value == key] if isinstance(at, yaml.MappingNode) else []
        if not found:
            break
        line, at = found[0][0].start_mark.line, found[0][1]
    return ": ".join(filter(None, [f"{relative(file)}:{line + 1}", ".".join(keys)]))


def filled(text: str, place: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with the variables of the environment that its template names, and nothing else that Jinja can do.

    `env('NAME')` must be set, `env('NAME', 'default')` need not be, and `env.NAME` is empty if it is not. Raises
    ConfigurationError.
    """
    template = SandboxedEnvironment(undefined=StrictUndefined)
    try:
        for node in template.parse(text).find_all(nodes.Node):
            if not _names_a_variable(node):
                what = f"{node.name!r} is undefined" if isinstance(node, nodes.Name) else NOTHING_ELSE
                raise ConfigurationError(what, VARIABLES, place)
        return template.from_string(text).render(env=_Variables(environment, place))
    except RecursionError:
        raise ConfigurationError("the template is nested too deeply", VARIABLES, place) from None
    except (TemplateError, TypeError) as error:
        raise ConfigurationError(str(error), UNSET, place) from None


def _names_a_variable(node: nodes.Node) -> bool:
    """Whether this part of a template is text, or a part of naming a variable."""
    if isinstance(node, nodes.Name):
        return node.name == "env"
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Name)
    if isinstance(node, nodes.Getattr):
        return isinstance(node.node, nodes.Name) and not node.attr.startswith("_")
    return isinstance(node, nodes.Output | nodes.TemplateData | nodes.Const | nodes.Keyword | nodes.Or)


@dataclass(frozen=True)
class _Variables:
    """The environment in a template, as in Dagster."""

    _environment: Mapping[str, str]
    _place: str

    def __call__(self, name: str, default: str | None = None) -> str:
        value = self._environment.get(name, default)
        if value is None:
            raise ConfigurationError(f"{name} is not set", UNSET, self._place)
        return value

    def __getattr__(self, name: str) -> str:
        if not name.isupper():  # what Jinja looks for in a value
            raise AttributeError(name)
        return self._environment.get(name, "")


def relative(file: Path) -> str:
    """The path as an error shows it: from the working folder, if it is in there."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
