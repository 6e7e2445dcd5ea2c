"""The declared services. Any other data file can be served too; only these have a known period column."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """One service: its table has the same name.

    `period_column` holds the period end, None where unknown; `indexes` are the columns, alone or together, by which
    rows are looked up fast, beside the period column.
    """

    name: str
    port: int
    period_column: str | None = None
    indexes: tuple[tuple[str, ...], ...] = ()


SERVICES = (
    Service("pnl", 5001, "Period Ended"),
    Service("balance_sheet", 5002, "fiscalDateEnding"),
    Service("cash_flow", 5003, "asOf"),
)
