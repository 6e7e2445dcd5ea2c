"""The component: one YAML file in, the assets of a source out."""

from typing import Self

import dagster as dg
from pydantic import BaseModel

from finsync_pipeline.components.source_assets import source_assets
from finsync_pipeline.statements.mapping import SourceMapping


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
        """Resolve the url and the token's file, which may name an environment variable."""
        assert isinstance(attributes, SourceMapping)
        written = context.resolution_context.at_path("attributes")
        url = written.resolve_value(attributes.url, as_type=str)
        token_file = written.resolve_value(attributes.token_file) or ""
        try:
            return cls(attributes.at(url, str(token_file)))
        except ValueError as mistake:
            raise ValueError(f"{attributes.name}: {mistake}") from None

    @staticmethod
    def all_in(tree: dg.ComponentTree) -> list[SourceMapping]:
        """The mappings of all sources below `defs/`, by name. Raises ValueError if two have the same name."""
        mappings = [source.mapping for source in tree.get_all_components(of_type=StatementSource)]
        names = [mapping.name for mapping in mappings]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"two sources are named {name}: give each defs.yaml below defs/sources a name of its own"
                )
        return sorted(mappings, key=lambda mapping: mapping.name)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The source's assets, with the checks on them."""
        return dg.Definitions(assets=source_assets(self.mapping))
