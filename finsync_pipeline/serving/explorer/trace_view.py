"""Where a number comes from, down to the raw cell: in the drawer of a view, or as a page of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, ValidationError

from finsync_pipeline.serving.companies import published_company
from finsync_pipeline.serving.errors import NotInRelease
from finsync_pipeline.serving.explorer.rendering import is_fragment, page
from finsync_pipeline.serving.explorer.view_state import View, ViewState
from finsync_pipeline.serving.explorer.words import KINDS, length
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.serving.routes.trace import AskedTrace
from finsync_pipeline.serving.statements import DerivedKind, Wanted, derived_values, rows_of
from finsync_pipeline.serving.trace import trace as lineage_of
from finsync_pipeline.statements.dates import quarter_of
from finsync_pipeline.statements.derived import FORMULAS

router = APIRouter(include_in_schema=False)
UNITS = {0: "in units", 2: "in hundreds", 3: "in thousands", 6: "in millions", 9: "in billions"}


class AskedCell(AskedTrace):
    """A cell of a release, or a value that is derived of several."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    derived: DerivedKind | None = None

    @classmethod
    def of(cls, state: ViewState) -> "AskedCell":
        """Read from the address. Raises RequestValidationError."""
        try:
            return cls.model_validate(dict(state.parameters))
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None


@dataclass(frozen=True)
class Operand:
    """An operand of a derived value, and the address of its own lineage."""

    sign: int
    item: str
    period_end: date
    months: int
    value: float
    derived: DerivedKind | None
    link: str


@router.get("/trace")
def trace(request: Request, state: View) -> Response:
    """The lineage of a number or text, or the operands of a derived value."""
    context, asked = context_of(request), AskedCell.of(state)
    release = context.releases.open(asked.release)
    shown: dict[str, Any] = {
        "state": state,
        "asked": asked,
        "release": release,
        "is_drawer": is_fragment(request),
        "length": length,
        "back": state.link(f"/company/{quote(asked.company_id, safe='')}", release=asked.release),
    }
    if asked.derived:
        row = _derived_row(release, asked)
        operands = [_operand(release, asked, row, operand, state) for operand in row["operands"]]
        return page(request, "derived.html", row=row, operands=operands, kinds=KINDS, formula=FORMULAS.get(asked.item),
                    company_name=_company_name(release, asked.company_id), **shown)  # fmt: skip
    found = lineage_of(release.folder, asked.company_id, asked.item, asked.period_end, asked.months, asked.currency)
    dagster = context.settings.dagster

    def run_link(source: str, day: date) -> str:
        """The materializations of the facts of the source and quarter in Dagster, with their runs."""
        return f"{dagster}/assets/{quote(source)}/facts?view=partitions&partition={quarter_of(day)}"

    def cell_link(day: date, months: int, currency: str) -> str:
        """The lineage of a cell of the same item."""
        return _link(state, asked, item=asked.item, period_end=day, months=months, currency=currency)

    return page(request, "trace.html", trace=found, run_link=run_link, cell_link=cell_link, units=UNITS,
                release_link=f"{dagster}/assets/company_summary", **shown)  # fmt: skip


def _derived_row(release: OpenRelease, asked: AskedCell) -> Mapping[str, Any]:
    """The row of DERIVED that is asked for. Raises NotInRelease."""
    for row in derived_values(release, _wanted(asked, asked.item), [asked.derived] if asked.derived else []):
        place = (row["period_end"], row["months"], row["currency"])
        if row["item"] == asked.item and place == (asked.period_end, asked.months, asked.currency):
            return row
    what = f"no {asked.item} of {asked.months} months to {asked.period_end} in {asked.currency} can be derived"
    raise NotInRelease(what, "Choose a value in the view of the company", f"Release {release.name}")


def _wanted(asked: AskedCell, item: str) -> Wanted:
    formula = FORMULAS.get(item)
    return Wanted(asked.company_id, currency=asked.currency, named=formula.items if formula else (item,))


def _operand(
    release: OpenRelease, asked: AskedCell, row: Mapping[str, Any], operand: Mapping[str, Any], state: ViewState
) -> Operand:
    place = (operand["period_end"], operand["months"])
    kind = _kind_of(release, asked, operand["item"], place)
    given = {"item": operand["item"], "period_end": place[0], "months": place[1], "currency": row["currency"]}
    return Operand(**operand, derived=kind, link=_link(state, asked, **given, derived=kind))


def _kind_of(release: OpenRelease, asked: AskedCell, item: str, place: tuple[date, int]) -> DerivedKind | None:
    """How the operand is derived itself; None if it is published."""
    wanted = _wanted(asked, item)
    if item not in FORMULAS:
        rows = rows_of(release, wanted)
        values = (row["items"].get(item) for row in rows if (row["period_end"], row["months"]) == place)
        return None if any(value is not None for value in values) else "quarter"
    formulas = derived_values(release, wanted, ["formula"])
    has_value = any(
        (row["item"], row["period_end"], row["months"]) == (item, *place) and row["value"] is not None
        for row in formulas
    )
    return "formula" if has_value else "quarter"


def _link(state: ViewState, asked: AskedCell, **cell: Any) -> str:
    return state.link("/trace", release=asked.release, company_id=asked.company_id, **cell)


def _company_name(release: OpenRelease, company_id: str) -> str:
    company = published_company(company_id, release)
    return (company.name if company else None) or company_id
