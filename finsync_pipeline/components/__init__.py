"""StatementSource: how one YAML file becomes the assets and checks of a source.

Belongs here: the component and the assets that every source has. Does not: which sources there are (defs), the work
itself (extraction, identity, statements, quality). Read on in `source_assets`.
"""

from finsync_pipeline.components.statement_source import StatementSource

__all__ = ["StatementSource"]
