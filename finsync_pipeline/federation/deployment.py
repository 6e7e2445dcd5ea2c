"""What a query is asked of: the sources, the lists, the folders and the limits of one deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from finsync_pipeline.clients.bounds import Bounds
from finsync_pipeline.federation.engine import Limits
from finsync_pipeline.statements.mapping import SourceMapping


@dataclass(frozen=True)
class Deployment:
    """One deployment.

    `mappings` has the mapping of each source by its name, `quarters` the first days of those whose rows are used.
    `bounds` are those of one answer of a source.

    `reference` is the list of companies, `review` and `agreement` are files of reviewed decisions and of rules, None
    where there is none. `tables`, `published` and `cache` are folders: between the assets, of releases, of queries.
    """

    mappings: Mapping[str, SourceMapping]
    reference: Path
    review: Path | None
    agreement: Path | None
    quarters: Sequence[date]
    tables: Path
    published: Path
    cache: Path
    limits: Limits
    bounds: Bounds = field(default_factory=Bounds)
