"""The rows that the sources delivered about one company and day, as a release keeps them, and how they were read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from finsync_pipeline.publishing.raw_rows import earlier_name, raw_name
from finsync_pipeline.serving.lineage import Decision, Origin
from finsync_pipeline.serving.release_tables import ReleaseTables
from finsync_pipeline.statements.dates import quarter_label, quarter_of
from finsync_pipeline.statements.items import ITEMS
from finsync_pipeline.statements.mapping import Dates, SourceMapping, ValueColumn

OLD = "the release was made before raw rows were kept"


@dataclass(frozen=True)
class DeliveredRow:
    """A delivered row, the mapping by which it was read, and the decision on its company."""

    cells: dict[str, Any]
    mapping: SourceMapping
    mapping_hash: str
    decision: dict[str, Any]

    @property
    def key(self) -> str:
        """The key of the row at its source."""
        return str(self.cells[self.mapping.row_key])

    @property
    def delivered(self) -> dict[str, str | None]:
        """The cells without FinSync's own."""
        return {name: cell for name, cell in self.cells.items() if not name.startswith("finsync_")}

    def cell(self, item: str) -> str | None:
        """The text of the item, exactly as delivered."""
        declared = self.mapping.items.get(item)
        return None if declared is None else self.delivered.get(declared.column)

    def months(self, item: str) -> int | None:
        """The length that the row gives the item; None if it cannot be read."""
        if ITEMS[item].kind == "instant":
            return 0
        months: int | None = self._read(self.mapping.months)
        return months

    @property
    def currency(self) -> str | None:
        """The currency that the row gives; None if it cannot be read."""
        currency: str | None = self._read(self.mapping.currency)
        return currency

    def origin(self, item: str) -> Origin | None:
        """The cell of the item and how it is read; None if the mapping does not have the item."""
        mapping, declared = self.mapping, self.mapping.items.get(item)
        if declared is None:
            return None
        is_text = ITEMS[item].kind == "text"
        exponent = 0 if is_text else mapping.exponent_of(item)
        unit_column = None
        if exponent is None:
            exponent, unit_column = self._read(mapping.scale), mapping.scale
        return Origin(
            column=declared.column,
            raw_text=self.cells.get(declared.column),
            sign=declared.sign,
            power_of_ten=exponent,
            unit_text=self._text(unit_column),
            currency_text=None if is_text else self._text(mapping.currency),
            period_text=self._text(mapping.period_end),
            length_text=None if ITEMS[item].kind == "instant" else self._text(mapping.months),
            known_since_text=self._text(mapping.known_since),
            row=self.delivered,
            mapping_hash=self.mapping_hash,
        )

    def _text(self, declared: Any) -> str | None:
        return self.cells.get(declared.column) if isinstance(declared, ValueColumn | Dates) else None

    def _read(self, declared: Any) -> Any:
        if not isinstance(declared, ValueColumn):
            return declared
        text = self.cells.get(declared.column)
        return None if text is None else declared.read(text)


class DeliveredRows:
    """The delivered rows of a release about one company and day, of all sources with the item, read when needed."""

    def __init__(self, tables: ReleaseTables, company_id: str, item: str, day: date) -> None:
        self._tables, self._company_id, self._item, self.day = tables, company_id, item, day

    @cached_property
    def decisions(self) -> dict[str, list[dict[str, Any]]]:
        """By source, the decisions (rows of COMPANY_IDS) for the company on rows of the day."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self._tables.rows("company_ids", company_id=self._company_id, period_end=self.day):
            if row["status"] == "accepted":
                found.setdefault(row["source"], []).append(row)
        return found

    @cached_property
    def now(self) -> dict[str, list[DeliveredRow]]:
        """By source, the rows that the facts of the release were made of."""
        return {source: list(self._rows(source, raw_name(source))) for source in self.decisions}

    @cached_property
    def earlier(self) -> dict[str, list[DeliveredRow]]:
        """By source, the rows that it delivered before, and not any more when the release was made."""
        return {source: list(self._rows(source, earlier_name(source))) for source in self.decisions}

    def row_of(self, value: Mapping[str, Any]) -> DeliveredRow | None:
        """The row of a value: source, row_key, data_version and first_seen, as in FACTS, TEXTS or HISTORY."""
        source = value["source"]
        return _same(self.now.get(source, ()), value) or _same(self.earlier.get(source, ()), value)

    def why_missing(self, source: str) -> str:
        """Why the release does not have the row of a value of the source."""
        if raw_name(source) not in self._tables.names:
            return OLD
        quarter = quarter_of(self.day)
        of_source = self._tables.manifest.get("sources", {}).get(source, {})
        if str(quarter) in of_source.get("raw_rows_missing", ()):
            return f"the raw rows of {quarter_label(quarter)} were no longer stored when the release was made"
        if self._mapping(source) is None:
            return "the mapping by which its rows were read is not kept, or not one that this version can read"
        return "the raw rows of the release do not have it"

    def _rows(self, source: str, table: str) -> Iterator[DeliveredRow]:
        found = self._mapping(source)
        if found is None or self._item not in found[1].items:
            return
        mapping_hash, mapping = found
        decisions = {(row["source_name"], _cells(row["supporting_columns"])): row for row in self.decisions[source]}
        names = sorted({name for name, _ in decisions if name is not None})
        company, supporting = mapping.company.column, mapping.company.supporting_columns
        for row in self._tables.rows(table, **{company: names, "finsync_period_end": self.day}):
            cells = tuple((name, row.get(column)) for name, column in supporting.items())
            if decision := decisions.get((row[company], cells)):
                yield DeliveredRow(row, mapping, mapping_hash, decision)

    def _mapping(self, source: str) -> tuple[str, SourceMapping] | None:
        """The mapping by which the quarter of the day was read, and its hash; None if it is not there."""
        mapping_hash = self._mapping_hashes.get(source)
        kept = self._tables.manifest.get("sources", {}).get(source, {}).get("mappings", {})
        if mapping_hash is None or mapping_hash not in kept:
            return None
        try:
            return mapping_hash, SourceMapping.of_content(kept[mapping_hash])
        except ValidationError:
            return None

    @cached_property
    def _mapping_hashes(self) -> dict[str, str]:
        """By source, the version of the mapping by which the quarter of the day was read."""
        lines = self._tables.rows("ledger", quarter=quarter_of(self.day))
        return {line["source"]: line["mapping_hash"] for line in lines}


def _same(rows: Iterable[DeliveredRow], value: Mapping[str, Any]) -> DeliveredRow | None:
    """The row with the key of the value, of the same delivery."""
    delivery = (value["row_key"], value["data_version"], value["first_seen"])
    for row in rows:
        if (row.key, row.cells["finsync_data_version"], row.cells["finsync_first_seen"]) == delivery:
            return row
    return None


def decision_of(row: Mapping[str, Any]) -> Decision:
    """The decision in a row of COMPANY_IDS."""
    given = {name: cell for name, cell in row.items() if name in Decision.model_fields}
    return Decision(**{**given, "supporting_columns": dict(_cells(row["supporting_columns"]))})


def only_one(decisions: Sequence[Mapping[str, Any]]) -> Decision | None:
    """The decision, if it is the only one: then it is that of every row of the source."""
    return decision_of(decisions[0]) if len(decisions) == 1 else None


def _cells(supporting_columns: str | None) -> tuple[tuple[str, str | None], ...]:
    return tuple(json.loads(supporting_columns).items()) if supporting_columns else ()
