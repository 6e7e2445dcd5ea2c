"""Screening: companies by conditions on any item, before or after the mean, and their ranking; one typed request.

*After* the mean, a condition is on the mean of a company over its annual periods, which is the published summary.
*Before* it, a condition is on each period, and the mean is over those periods that meet all conditions: what a period
has of durations and instants is one row. An item that is missing meets no condition but `is_null`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import narwhals as nw
import pyarrow as pa
from pydantic import Field, model_validator

from finsync_pipeline import frames
from finsync_pipeline.aggregation.means import mean_of, pivot, unpivot
from finsync_pipeline.federation.request import Filter
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.statements.config_errors import ConfigModel
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS, TEXT_ITEMS
