"""The component: one YAML file in, the assets of a source out."""

from pathlib import Path
from typing import Self

import dagster as dg
from dagster_shared.yaml_utils.source_position import SourcePosition
from pydantic import BaseModel

from finsync_pipeline.components.source_assets import source_assets
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.source_files import check_keys, filled


class StatementSource(dg.Component):
    """A service of financial statements, and how its table maps onto the standard items."""

    def __init__(self, mapping: SourceMapping) -> None:
        self.mapping = mapping

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The attributes of the YAML file: the mapping language."""
        return SourceMapping

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Resolve the url and the token's file, which may name an environment variable.

        Raises ConfigurationError, also for a key that the file has twice: YAML would take the second one.
        """
        assert isinstance(attributes, SourceMapping)
        check_keys(Path(_position(context, "name").filename))
        url = _resolve(context, "url", attributes.url)
        token_file = _resolve(context, "token_file", attributes.token_file)
        try:
            return cls(attributes.at(url, token_file))
        except ValueError as error:
            what, fix = str(error).removeprefix("url: "), "Correct the file, or the variable that it names"
            raise ConfigurationError(what, fix, _place(context, "url")) from None

    @staticmethod
    def all_in(tree: dg.ComponentTree) -> list[SourceMapping]:
        """The mappings of all sources below `defs/`, by name. Raises ConfigurationError if two have the same name."""
        mappings = [source.mapping for source in tree.get_all_components(of_type=StatementSource)]
        names = [mapping.name for mapping in mappings]
        for name in names:
            if names.count(name) > 1:
                fix = "Give each defs.yaml a name of its own"
                raise ConfigurationError(f"two sources are named {name}", fix, "defs/sources")
        return sorted(mappings, key=lambda mapping: mapping.name)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The source's assets, with the checks on them."""
        return dg.Definitions(assets=source_assets(self.mapping))


def _resolve(context: dg.ComponentLoadContext, field: str, text: str) -> str:
    """The text of the field with its template filled in: not by Dagster, whose templates can run any Python."""
    return filled(text, _place(context, field))


def _place(context: dg.ComponentLoadContext, field: str) -> str:
    """File, line and field, for the message of an error."""
    position = _position(context, field)
    return f"{position.filename}:{position.start.line}: {field}"


def _position(context: dg.ComponentLoadContext, field: str) -> SourcePosition:
    tree = context.resolution_context.source_position_tree
    assert tree is not None
    return tree.lookup_closest_and_path(["attributes", field], None)[0]
