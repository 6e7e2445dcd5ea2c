"""What has to be known of a source before a part of its rows can be asked for, for one version of its data.

The mapping reads most rows one by one. Which company a name means is decided with all names of the source at hand, so
that a filter on a company becomes a filter on the names that lead to it. Rows that share their company, period end and
length, or their key, with other rows have a meaning only together (which of them counts, and which contradict each
other): these `dependent` rows are fetched here and standardized by the pipeline's own code.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sqlglot import exp

from finsync_pipeline import frames
from finsync_pipeline.clients.errors import ResultTooLarge, RouteNotFound, SourceErrors
from finsync_pipeline.clients.protocol import Service
from finsync_pipeline.extraction.cell_text import table_as_text
from finsync_pipeline.extraction.deliveries import compare_deliveries, first_delivery, stored_deliveries, today
from finsync_pipeline.extraction.fetch import fetch_reconciled, query_count, query_unless_too_large, with_columns
from finsync_pipeline.extraction.inventory import quarter_versions, take_inventory
from finsync_pipeline.extraction.raw_rows import place_rows
from finsync_pipeline.extraction.source_query import conditional_count_query, rows_query
from finsync_pipeline.federation.conditions import has_text, plain_number
from finsync_pipeline.federation.schema import STATEMENTS
from finsync_pipeline.identity import Decider
from finsync_pipeline.identity.results import Status
from finsync_pipeline.quality.fit import check_dates, count_cells
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import SourceMapping
from finsync_pipeline.statements.row_context import read_column, source_names
from finsync_pipeline.statements.standardize import StandardizedTables, standardize
from finsync_pipeline.statements.tables import COMPANY_IDS, raw_table

MOST_DEPENDENT = 0.5
"""From this share of dependent rows on, the pipeline's own code reads the whole source."""
MOST_EMPTY = 0.01
"""Of a larger share of rows it is not asked whether they have an item: all columns of the statement are fetched."""
MOST_KEYS = 5_000
"""More dependent rows than these are not asked for by their keys: all rows of their period ends are fetched."""
_FRAMES = ("periods", "names", "dependent", "facts", "texts", "cells")
_DEPENDENT = ["finsync_key", "finsync_literal"]
COUNT = pd.ArrowDtype(pa.int64())


@dataclass(frozen=True)
class SourceIndex:
    """What is known of a source.

    `data_version` is that of the source (None: it has none); `periods` the period ends of its inventory that have a
    quarter, with `epoch` and `quarter_version`; `names` the distinct names of its rows: the mapping's company column
    and supporting columns as text, `finsync_epoch`, and `finsync_company` where one is accepted; `dependent` the rows
    that are not read one by one (row_key, literal), with `facts`, `texts` and `cells` (`quality.fit.count_cells`);
    `is_dependent` says that these are all rows; `filled` the views of statements of which all other rows certainly have
    an item; `supports_arrow` is what the service does (`clients.protocol`).

    An epoch is a stretch of time in which no alias and no line of the review begins or ends.
    """

    data_version: str | None
    periods: pd.DataFrame
    names: pd.DataFrame
    dependent: pd.DataFrame
    facts: pd.DataFrame
    texts: pd.DataFrame
    cells: pd.DataFrame
    is_dependent: bool
    filled: frozenset[str]
    supports_arrow: bool

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The index as tables, for a cache; `of_tables` reads them."""
        meta = {
            "data_version": self.data_version,
            "is_dependent": self.is_dependent,
            "filled": sorted(self.filled),
            "supports_arrow": self.supports_arrow,
        }
        return {**self.arrow, "meta": pa.Table.from_pylist([meta])}

    @cached_property
    def arrow(self) -> dict[str, pa.Table]:
        """The frames as Arrow tables, by their names."""
        return {name: frames.to_arrow(getattr(self, name)) for name in _FRAMES}

    @cached_property
    def companies(self) -> pa.Table:
        """Which names lead to which company, each once: name, company_id."""
        names = self.names.iloc[:, [0]].assign(company_id=self.names["finsync_company"])
        names = names.set_axis(["name", "company_id"], axis="columns").dropna().drop_duplicates(ignore_index=True)
        return frames.to_arrow(names)

    @classmethod
    def of_tables(cls, tables: Mapping[str, pa.Table]) -> "SourceIndex":
        """The index of these tables."""
        [meta] = tables["meta"].to_pylist()
        members: dict[str, Any] = {name: frames.from_arrow(tables[name]) for name in _FRAMES}
        return cls(**members, **meta | {"filled": frozenset(meta["filled"])})


@dataclass(frozen=True)
class Learner:
    """Learns what is known of sources; `tables` is the folder of the stored tables, `quarters` all first days."""

    decider: Decider
    tables: Path
    quarters: Sequence[date]

    def learn(self, service: Service, mapping: SourceMapping) -> SourceIndex:
        """What is known of the source as it is now. Raises SourceError; SourceChanged if it changes meanwhile."""
        version, inventory = service.version(), take_inventory(service, mapping, self.quarters)
        check_dates(mapping, inventory.unassigned, inventory.row_count)
        periods = self._with_epochs(inventory.periods)
        rows = self._key_rows(service, mapping, periods)
        names = self._names(rows, mapping)
        filled, empty = self._filled(service, mapping, periods, len(rows))
        dependent = pd.concat([self._dependent(rows, names, mapping), *empty]).drop_duplicates(ignore_index=True)
        is_dependent = len(dependent) > MOST_DEPENDENT * len(rows)
        dependent = rows[_DEPENDENT] if is_dependent else dependent
        dependent = dependent.set_axis(["row_key", "literal"], axis="columns")
        made = self._dependent_tables(service, mapping, periods, rows, dependent)
        data_version = version.data_version if version else None
        return SourceIndex(
            data_version,
            periods,
            names,
            dependent,
            made.facts,
            made.texts,
            count_cells(made),
            is_dependent,
            filled,
            bool(service.supports_arrow),
        )

    def standardized(self, raw: pd.DataFrame, mapping: SourceMapping) -> StandardizedTables:
        """What the pipeline makes of these raw rows (`place_rows`), with those that it has stored."""
        quarters = sorted({quarter_of(day) for day in raw["finsync_period_end"].unique()})
        rows, _ = compare_deliveries(raw, *stored_deliveries(self.tables, mapping, quarters), day=today())
        decided = COMPANY_IDS.conform(self.decider.decide(source_names(rows, mapping), mapping.name))
        return standardize(rows, decided, mapping)

    def _with_epochs(self, inventory: pd.DataFrame) -> pd.DataFrame:
        periods = inventory[inventory["quarter"].notna()].reset_index(drop=True)
        versions = periods["quarter"].map(quarter_versions(periods)).astype(frames.STRING)
        turns = self._turns()
        epochs = pd.Series([bisect_right(turns, day) for day in periods["period_end"]], dtype=COUNT)
        return periods.assign(epoch=epochs, quarter_version=versions)

    def _turns(self) -> list[date]:
        """The days on which an epoch begins: those of aliases and of lines of the review."""
        dated = (self.decider.reference.aliases, self.decider.review.table)
        first = {day for table in dated for day in table["valid_from"].dropna()}
        last = {day + timedelta(days=1) for table in dated for day in table["valid_to"].dropna() if day < date.max}
        return sorted(first | last)

    def _key_rows(self, service: Service, mapping: SourceMapping, periods: pd.DataFrame) -> pd.DataFrame:
        """The rows that have a quarter: key, names, period end, and what is read as length and as known_since."""
        rows = fetch_reconciled(service, keys_only(mapping), periods)
        known = read_column(rows, mapping.known_since, pa.date32())
        months = read_column(rows, mapping.months, pa.int64())
        names = ", ".join(f"rows.{name}" for name in map(frames.quoted, name_columns(mapping)))
        return frames.query(
            f"""
            SELECT
                {names}, rows.{frames.quoted(mapping.row_key)} AS finsync_key, finsync_literal,
                finsync_known_since, finsync_months,
                periods.period_end AS finsync_period_end, periods.quarter AS finsync_quarter,
                periods.epoch AS finsync_epoch
            FROM rows JOIN periods ON rows.finsync_literal = periods.literal
            """,
            rows=rows.assign(finsync_known_since=known, finsync_months=months),
            periods=periods[["literal", "period_end", "quarter", "epoch"]],
        )

    def _names(self, rows: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
        columns = name_columns(mapping)
        named = ", ".join(map(frames.quoted, columns))
        distinct = frames.query(
            f"""
            SELECT {named}, finsync_epoch, min(finsync_period_end) AS finsync_period_end
            FROM rows GROUP BY ALL ORDER BY ALL
            """,
            rows=rows,
        )
        supporting = mapping.company.supporting_columns
        cells = distinct[list(supporting.values())].set_axis(list(supporting), axis="columns")
        asked = pd.DataFrame(
            {
                "source_name": distinct[mapping.company.column],
                "supporting_columns": frames.rows_as_json(cells) if supporting else None,
                "period_end": distinct["finsync_period_end"],
                "kind": pd.Series(mapping.company.kind, distinct.index, frames.STRING),
            }
        )
        decided = self.decider.decide(asked, mapping.name)
        companies = decided["company_id"].where(decided["status"] == Status.ACCEPTED).astype(frames.STRING)
        return distinct[[*columns, "finsync_epoch"]].assign(finsync_company=companies)

    def _dependent(self, rows: pd.DataFrame, names: pd.DataFrame, mapping: SourceMapping) -> pd.DataFrame:
        """The rows that are not read one by one: finsync_key, finsync_literal.

        Two rows have facts in common if they have company, period end and, but for instants, length in common. Two
        names of one company may contradict each other, whatever the lengths.
        """
        has_instants = any(ITEMS[item].kind == "instant" for item in mapping.items)
        of_fact = "finsync_company, finsync_period_end" + ("" if has_instants else ", finsync_months")
        columns = [*name_columns(mapping), "finsync_epoch"]
        same_name = " AND ".join(
            f"rows.{name} IS NOT DISTINCT FROM names.{name}" for name in map(frames.quoted, columns)
        )
        is_late = "finsync_known_since > first_delivery"
        is_keyless = rows["finsync_key"].str.strip().fillna("") == ""
        return frames.query(
            f"""
            WITH decided AS (
                SELECT
                    rows.*, finsync_company, finsync_name,
                    DATE '{first_delivery(self.tables, mapping)}' AS first_delivery
                FROM rows JOIN names ON {same_name}
            ),
            placed AS (
                SELECT
                    *,
                    count(*) OVER (PARTITION BY {of_fact}) AS of_fact,
                    min(finsync_name) OVER of_company < max(finsync_name) OVER of_company AS has_names,
                    count(*) OVER (PARTITION BY finsync_key, finsync_quarter) AS of_key
                FROM decided
                WINDOW of_company AS (PARTITION BY finsync_company, finsync_period_end)
            )
            SELECT finsync_key, finsync_literal
            FROM placed
            WHERE
                finsync_is_keyless OR of_key > 1
                OR finsync_company IS NOT NULL AND (of_fact > 1 OR has_names OR {is_late})
            """,
            rows=rows.assign(finsync_is_keyless=is_keyless),
            names=names.assign(finsync_name=pd.Series(range(len(names)), dtype=COUNT)),
        )

    def _filled(
        self, service: Service, mapping: SourceMapping, periods: pd.DataFrame, row_count: int
    ) -> tuple[frozenset[str], list[pd.DataFrame]]:
        """The views of which all but few rows certainly have an item, and the rows (as `_dependent`) that may not."""
        filled: dict[str, pd.DataFrame] = {}
        for view, statement in STATEMENTS.items():
            items = [item for item in mapping.items if ITEMS[item].statement == statement]
            if items and not has_numeric_words(mapping):
                empty = exp.not_(exp.or_(*(plain_number(mapping, item) for item in items)))
                rows = self._few_rows(service, mapping, empty, int(MOST_EMPTY * row_count))
                if rows is not None:
                    filled[view] = rows[rows["finsync_literal"].isin(periods["literal"])]
        return frozenset(filled), list(filled.values())

    def _few_rows(
        self, service: Service, mapping: SourceMapping, condition: exp.Expr, most: int
    ) -> pd.DataFrame | None:
        """Those rows that fulfil the condition, None where there are more or the service does not take SQL."""
        narrow = keys_only(mapping)
        with suppress(RouteNotFound, ResultTooLarge):
            count = query_count(service, mapping, conditional_count_query(narrow, None, condition))
            if count <= most:
                found = with_columns(service.query(rows_query(narrow, None, condition)), narrow)
                texts = frames.from_arrow(table_as_text(found.table, narrow))
                if len(texts) == count:
                    return texts[[mapping.row_key, "finsync_literal"]].set_axis(_DEPENDENT, axis="columns")
        return None

    def _dependent_tables(
        self,
        service: Service,
        mapping: SourceMapping,
        periods: pd.DataFrame,
        rows: pd.DataFrame,
        dependent: pd.DataFrame,
    ) -> StandardizedTables:
        """What the pipeline makes of the dependent rows among the `rows` (`_key_rows`)."""
        wanted = periods[periods["literal"].isin(dependent["literal"].unique())]
        if wanted.empty:
            return standardize_nothing(mapping)
        kept = self._rows_by_key(service, mapping, wanted, dependent)
        if kept is None or len(kept) != len(_only(rows, "finsync_key", dependent)):
            kept = _only(fetch_reconciled(service, mapping, wanted), mapping.row_key, dependent)
        of_quarters = periods[periods["quarter"].isin(wanted["quarter"].unique())]
        return self.standardized(place_rows(kept, of_quarters, mapping), mapping)

    def _rows_by_key(
        self, service: Service, mapping: SourceMapping, periods: pd.DataFrame, dependent: pd.DataFrame
    ) -> pd.DataFrame | None:
        """The dependent rows (as `reconcile`) as the source finds them by their keys; None where it cannot.

        The caller counts them: a source may write a key otherwise than it is read.
        """
        keys = dependent["row_key"].dropna().unique()
        if not service.supports_arrow or len(keys) > MOST_KEYS:
            return None
        condition = has_text(mapping, mapping.row_key, keys)
        found = query_unless_too_large(service, rows_query(mapping, list(periods["literal"]), condition))
        if found is None:
            return None
        if found.data_version not in (None, *periods["data_version"]):
            raise SourceErrors(mapping.name, mapping.url).changed()
        return _only(
            frames.from_arrow(table_as_text(with_columns(found, mapping).table, mapping)), mapping.row_key, dependent
        )


def _only(rows: pd.DataFrame, key: str, dependent: pd.DataFrame) -> pd.DataFrame:
    """Those of the rows, with this column of their keys, that are dependent."""
    return frames.query(
        f"""
        SELECT rows.* FROM rows
        SEMI JOIN dependent
            ON rows.finsync_literal = dependent.literal
            AND rows.{frames.quoted(key)} IS NOT DISTINCT FROM dependent.row_key
        """,
        rows=rows,
        dependent=dependent,
    )


def keys_only(mapping: SourceMapping) -> SourceMapping:
    """The mapping with the columns alone by which a row is known: key, company, period end, length, known_since."""
    return mapping.model_copy(update={"items": {}, "currency": "", "scale": 0})


def has_numeric_words(mapping: SourceMapping) -> bool:
    """Whether a number can mean no value."""
    return any(map(_is_number, mapping.numbers.null_words))


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return math.isfinite(float(text))
    return False


def name_columns(mapping: SourceMapping) -> list[str]:
    """The columns on which the decision about a company depends, each once."""
    return list(dict.fromkeys([mapping.company.column, *mapping.company.supporting_columns.values()]))


def standardize_nothing(mapping: SourceMapping) -> StandardizedTables:
    """The tables of no rows."""
    return standardize(raw_table(mapping).frame(), COMPANY_IDS.frame(), mapping)
