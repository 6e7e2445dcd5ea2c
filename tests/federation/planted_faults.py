"""Faults of the mediator, each planted in one of its functions, with a query that shows it.

Not all that sounds wrong is: a source may be asked for more rows than are needed, since DuckDB evaluates all conditions
again, and bounds are moved a little. So LIKE sent as ILIKE, BETWEEN without its ends and a bound of first rows without
its ties change no answer. In their place are a pattern that is taken as the text itself, ends that are exchanged, and a
proof that takes ties for rows beyond the bound.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from federation.random_queries import RandomQuery
from sqlglot import exp

from finsync_pipeline.federation import conditions, plan, pushdown, reading, source_answer
from finsync_pipeline.federation.plan import _Reader
from finsync_pipeline.federation.pushdown import _Translator
from finsync_pipeline.federation.reading import _Cell
from finsync_pipeline.federation.schema import STATEMENTS
from finsync_pipeline.federation.source_index import Learner
from finsync_pipeline.federation.top_n import TopN
from finsync_pipeline.statements.mapping import SourceMapping

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Fault:
    """A fault: how it is planted, a query that shows it, and whether it is in what is learnt of a source."""

    plant: Callable[[Patch], None]
    sql: str
    is_learnt: bool = False

    @property
    def query(self) -> RandomQuery:
        """The query; the rows of one with a LIMIT have one order."""
        return RandomQuery(self.sql, is_ordered=" LIMIT " in self.sql and not self.sql.startswith("SELECT count"))


def _around(owner: Any, name: str, change: Callable[..., Any]) -> Callable[[Patch], None]:
    """Call `change` with the function of this name and its arguments instead of the function."""
    original = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, lambda *arguments: change(original, *arguments))


def _instead(owner: Any, name: str, other: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(owner, name, other)


def _together(*plants: Callable[[Patch], None]) -> Callable[[Patch], None]:
    return lambda patch: [plant(patch) for plant in plants] and None


def _without_sign(original: Any, mapping: SourceMapping, item: str, *bounds: Any) -> Any:
    items = mapping.items | {item: mapping.items[item].model_copy(update={"sign": 1})}
    return original(mapping.model_copy(update={"items": items}), item, *bounds)


def _and_for_or(original: Any, self: Any, tree: exp.Expr, items: Any) -> Any:
    tree = tree.unnest()
    return original(self, exp.and_(tree.left, tree.right) if isinstance(tree, exp.Or) else tree, items)


def _first_of_in(original: Any, tree: exp.Expr) -> Any:
    return original(exp.EQ(this=tree.this, expression=tree.expressions[0]) if isinstance(tree, exp.In) else tree)


def _without_not(original: Any, self: Any, tree: exp.Expr, items: Any) -> Any:
    tree = tree.unnest()
    return original(self, tree.this if isinstance(tree, exp.Not) else tree, items)


def _null_as_not_null(original: Any, tree: exp.Expr) -> Any:
    return (tree.this.name, None, None) if isinstance(tree, exp.Is) else original(tree)


def _exchanged_ends(original: Any, tree: exp.Expr) -> Any:
    found = original(tree)
    return (found[0], found[2], found[1]) if found and isinstance(tree, exp.Between) else found


def _prefix_as_text(original: Any, self: Any, frame: Any, *columns: str) -> Any:
    def changed(node: exp.Expr) -> exp.Expr:
        is_prefix = isinstance(node, exp.Anonymous) and node.name.lower() == "prefix"
        return exp.EQ(this=node.expressions[0], expression=node.expressions[1]) if is_prefix else node

    scan = replace(self.scan, conditions=tuple(each.transform(changed) for each in self.scan.conditions))
    return original(_Translator(scan, self.mapping, self.index), frame, *columns)


def _ids_as_names(original: Any, self: Any) -> Any:
    names = original(self)
    index = self.index.names
    is_named = index[self.mapping.company.column].isin(names or ())
    return None if names is None else tuple(index.loc[is_named, "finsync_company"].unique())


def _one_name_each(original: Any, self: Any) -> Any:
    names = original(self)
    named = self.index.names[self.index.names[self.mapping.company.column].isin(names or ())]
    return None if names is None else tuple(named.drop_duplicates("finsync_company")[self.mapping.company.column])


def _one_literal_each(original: Any, self: Any) -> Any:
    literals = original(self)
    named = self.index.periods[self.index.periods["literal"].isin(literals or ())]
    return None if literals is None else tuple(named.drop_duplicates("period_end")["literal"])


def _no_rows(original: Any, *arguments: Any) -> Any:
    return original(*arguments).head(0)


def _other_direction(original: Any, *arguments: Any) -> Any:
    order = original(*arguments)
    return order and replace(order, is_descending=not order.is_descending)


def _is_at_or_beyond(self: TopN, value: float, bound: float) -> bool:
    return value <= bound if self.is_descending else value >= bound


def _words_as_text(original: Any, self: _Cell) -> Any:
    numbers = self.mapping.numbers.model_copy(update={"null_words": []})
    return original(replace(self, mapping=self.mapping.model_copy(update={"numbers": numbers})))


def _property(owner: Any, name: str, change: Callable[..., Any]) -> Callable[[Patch], None]:
    original = getattr(owner, name).fget
    return _instead(owner, name, property(lambda self: change(original, self)))


def _filters_of_ancestors(original: Any, self: _Reader, node: Any, parent: Any) -> Any:
    is_filter = parent is not None and parent["name"].strip() == "FILTER"
    if node["name"].strip().endswith("ARROW_SCAN"):
        yield from self._scan(node, parent)
    for child in node["children"]:
        yield from self.scans(child, parent if is_filter else node)


_REVENUE = "SELECT company_id, period_end, revenue FROM income_statement WHERE "
FAULTS = {
    "sign ignored": Fault(
        _around(conditions, "raw_bounds", _without_sign),
        "SELECT dividends_paid FROM cash_flow WHERE dividends_paid > 1e6",
    ),
    "unit ignored": Fault(_instead(conditions, "exponents_of", lambda *_: [0]), _REVENUE + "revenue > 1e7"),
    "only one of the units that rows have": Fault(
        _around(conditions, "exponents_of", lambda original, *arguments: original(*arguments)[:1]),
        _REVENUE + "revenue > 1e6 AND source = 'filings'",
    ),
    "a bound moved inwards": Fault(
        _around(conditions, "_moved", lambda original, bound, direction: original(bound, -direction)),
        _REVENUE + "revenue = 5000000",
    ),
    "texts among numbers left out": Fault(
        _around(
            conditions,
            "has_type",
            lambda original, column, types: exp.false() if types == conditions.OTHERS else original(column, types),
        ),
        "SELECT value FROM facts WHERE source = 'feed' AND value BETWEEN 11000 AND 80000",
    ),
    "OR taken as AND": Fault(
        _around(_Translator, "_translated", _and_for_or), _REVENUE + "revenue > 1e7 OR net_income < 0"
    ),
    "IN taken as its first value": Fault(
        _around(pushdown, "bounds_of", _first_of_in), _REVENUE + "revenue IN (5000000, 100000000)"
    ),
    "NOT taken as what is in it": Fault(
        _around(_Translator, "_translated", _without_not), _REVENUE + "revenue NOT IN (5000000)"
    ),
    "IS NULL taken as IS NOT NULL": Fault(
        _around(pushdown, "bounds_of", _null_as_not_null), _REVENUE + "revenue IS NULL"
    ),
    "ends of BETWEEN exchanged": Fault(
        _around(pushdown, "bounds_of", _exchanged_ends), _REVENUE + "revenue BETWEEN -1e7 AND 1e8"
    ),
    "a pattern taken as the text": Fault(
        _around(_Translator, "_fulfilling", _prefix_as_text), _REVENUE + "company_id LIKE '100%'"
    ),
    "ids of companies sent as their names": Fault(
        _around(_Translator, "_names", _ids_as_names), _REVENUE + "company_id = '1002'"
    ),
    "one name of each company sent": Fault(
        _around(_Translator, "_names", _one_name_each), _REVENUE + "company_id > '1005'"
    ),
    "ids as texts alone, where some are numbers": Fault(
        _around(conditions, "literals_of", lambda original, text: original(text)[:1]),
        "SELECT equity FROM balance_sheet WHERE company_id = '1002'",
    ),
    "one text of each period end sent": Fault(
        _around(_Translator, "_literals", _one_literal_each), _REVENUE + "period_end = '2009-12-31'"
    ),
    "two scans taken as the first": Fault(
        _instead(pushdown, "_joined", lambda one, *_: one),
        "SELECT a.value, b.value AS other FROM facts a JOIN facts b USING (company_id, period_end) "
        "WHERE a.item = 'revenue' AND b.item = 'equity'",
    ),
    "dependent rows read one by one": Fault(
        _around(Learner, "_dependent", _no_rows), "SELECT item, row_key, value FROM facts", is_learnt=True
    ),
    "every statement claimed to have an item": Fault(
        _instead(Learner, "_filled", lambda *_: (frozenset(STATEMENTS), [])),
        "SELECT source, company_id, period_end FROM cash_flow",
        is_learnt=True,
    ),
    "epochs ignored": Fault(
        _instead(Learner, "_turns", lambda _: []), "SELECT source, company_id, period_end FROM facts", is_learnt=True
    ),
    "rows of unknown companies counted among the first": Fault(
        _together(
            _instead(TopN, "rows_asked", property(lambda self: self.count)),
            _instead(TopN, "is_proven", lambda *_: True),
        ),
        "SELECT revenue, company_id, period_end FROM income_statement WHERE source = 'ledger' "
        "ORDER BY revenue DESC, company_id, period_end LIMIT 60",
    ),
    "descending taken as ascending": Fault(
        _around(source_answer, "source_order", _other_direction),
        "SELECT revenue, company_id, period_end, months FROM income_statement "
        "ORDER BY revenue DESC, company_id, period_end, months LIMIT 5",
    ),
    "ties taken for rows beyond the bound": Fault(
        _instead(TopN, "_is_beyond", _is_at_or_beyond),
        "SELECT dividends_paid, company_id, period_end FROM cash_flow "
        "ORDER BY dividends_paid, company_id, period_end LIMIT 5",
    ),
    "words for no value read as text": Fault(
        _property(_Cell, "text_sql", _words_as_text), "SELECT text FROM texts WHERE item = 'form'"
    ),
    "brackets and minus read as positive": Fault(
        _around(reading, "number_sql", lambda original, *arguments: f"abs({original(*arguments)})"),
        "SELECT operating_income FROM income_statement WHERE source = 'filings'",
    ),
    "unit of numbers ignored": Fault(
        _instead(_Cell, "exponent", property(lambda _: "0")),
        "SELECT revenue FROM income_statement WHERE source = 'ledger'",
    ),
    "days since which rows are known ignored": Fault(
        _around(reading, "_usable", lambda original, mapping: original(mapping)[:3]),
        "SELECT item, row_key FROM facts WHERE source = 'registry'",
    ),
    "a filter taken for one of all scans below": Fault(
        _around(_Reader, "scans", _filters_of_ancestors),
        "SELECT count(*) FROM (SELECT company_id, value FROM facts ORDER BY value DESC, company_id LIMIT 200) "
        "WHERE company_id = '1002'",
    ),
    "only the first of several columns fetched": Fault(
        _around(_Translator, "_columns", lambda original, *arguments: original(*arguments)[:1]),
        "SELECT revenue, net_income FROM income_statement",
    ),
    "names of renamed columns trusted": Fault(
        _instead(plan, "_renames_columns", lambda _: False),
        "SELECT * FROM (SELECT x.source AS company_id, y.currency AS source FROM income_statement AS x FULL JOIN "
        "balance_sheet AS y USING (company_id, period_end)) WHERE source = 'USD' AND company_id = 'ledger'",
    ),
}
