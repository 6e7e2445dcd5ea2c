"""The queries that are measured, by what they ask for."""

from collections.abc import Sequence

from benchmarks.federation.dataset import QUARTER

STATEMENTS = {
    "income_statement": ("income", "revenue", "net_income"),
    "balance_sheet": ("balance", "total_assets", "equity"),
    "cash_flow": ("cash_flow_statement", "cash_from_operations", "capital_expenditure"),
}
"""The views of single sources: the source, and two items."""
_ITEMS = ", ".join(f"'{item}'" for _, item, _ in STATEMENTS.values())


def one_cell(company: str) -> dict[str, str]:
    """One company and one quarter, of each view."""
    where = f"WHERE company_id = '{company}' AND period_end = '{QUARTER}'"
    found = {
        view: f"SELECT company_id, period_end, {first}, {second} FROM {view} {where}"
        for view, (_, first, second) in STATEMENTS.items()
    }
    return {**found, "facts": f"SELECT source, item, value FROM facts {where}"}


def one_quarter() -> dict[str, str]:
    """One quarter over all companies, of each view."""
    where = f"WHERE period_end = '{QUARTER}'"
    found = {
        view: f"SELECT company_id, {first}, {second} FROM {view} {where}"
        for view, (_, first, second) in STATEMENTS.items()
    }
    return {**found, "facts": f"SELECT company_id, item, value FROM facts {where} AND item IN ({_ITEMS})"}


def top_10() -> dict[str, str]:
    """The ten greatest, of each view."""
    found = {
        view: f"SELECT company_id, period_end, {first} FROM {view} ORDER BY {first} DESC LIMIT 10"
        for view, (_, first, _) in STATEMENTS.items()
    }
    facts = "SELECT company_id, period_end, value FROM facts WHERE item = 'total_assets' ORDER BY value DESC LIMIT 10"
    return {**found, "facts": facts}


def small_parts(company: str) -> dict[str, dict[str, str]]:
    """Those that need a small part of a source, by what that is."""
    return {"one company and quarter": one_cell(company), "one quarter": one_quarter(), "top 10": top_10()}


def three_sources(company: str) -> dict[str, str]:
    """All quarters of one company out of three sources: side by side, and one after the other."""
    (one, (_, revenue, _)), (two, (_, assets, _)), (three, (_, cash, _)) = STATEMENTS.items()
    where = f"WHERE company_id = '{company}'"
    joined = f"""
        SELECT period_end, {revenue}, {assets}, {cash}
        FROM {one} JOIN {two} USING (company_id, period_end) JOIN {three} USING (company_id, period_end)
        {where}
    """
    parts: Sequence[str] = [
        f"SELECT source, period_end, {item} AS value FROM {view} {where}" for view, (_, item, _) in STATEMENTS.items()
    ]
    return {"join": " ".join(joined.split()), "UNION": " UNION ALL ".join(parts)}


def everything(view: str = "income_statement") -> str:
    """All rows and columns of a view."""
    return f"SELECT * FROM {view}"
