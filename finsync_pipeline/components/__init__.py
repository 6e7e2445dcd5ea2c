"""StatementSource: how one YAML file becomes the assets and checks of a source."""

from finsync_pipeline.components.statement_source import StatementSource

__all__ = ["StatementSource"]
