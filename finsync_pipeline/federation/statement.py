"""The caller's SQL: one SELECT over the standard views, or an error that points at what it is instead.

DuckDB's own parser finds out whether it is one SELECT. sqlglot finds the tables and functions in it, so that what is
refused is explained by its place. That a statement reads nothing but the views does not rest on this: the connection
that runs it has no access to anything else (`engine`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile

import duckdb
import sqlglot
from sqlglot import exp

from finsync_pipeline.federation.errors import NEAR_ID, QueryError, nearest
from finsync_pipeline.federation.explain_error import explained, only_place
from finsync_pipeline.federation.schema import VIEWS
from finsync_pipeline.frames import empty_database
from finsync_pipeline.statements.items import ITEMS

ONE_SELECT = "write one SELECT over the standard views"
NAMED = f"there are {', '.join(VIEWS)}"
_REFUSED: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Insert: ("a query reads, and this changes something", ONE_SELECT),
    exp.Update: ("a query reads, and this changes something", ONE_SELECT),
    exp.Delete: ("a query reads, and this changes something", ONE_SELECT),
    exp.Into: ("a query reads, and this changes something", ONE_SELECT),
    exp.Command: ("this is not a SELECT", ONE_SELECT),
    exp.Values: ("VALUES is not read here", "use SELECT, and UNION ALL for several rows"),
    exp.Unnest: ("UNNEST as a table is not read here", f"only views and subqueries; {NAMED}"),
    exp.Placeholder: ("parameters are not read here", "write the value itself"),
    exp.Parameter: ("parameters are not read here", "write the value itself"),
    exp.SessionParameter: ("parameters are not read here", "write the value itself"),
}
OUTSIDE = frozenset(
    {
        "current_catalog", "current_connection_id", "current_database", "current_query", "current_query_id",
        "current_role", "current_schema", "current_schemas", "current_setting", "current_transaction_id",
        "current_user", "current_version", "currval", "getenv", "getvariable", "in_search_path", "nextval", "query",
        "query_table", "session_user", "set_config", "setseed", "txid_current", "user", "write_log",
    }
)  # fmt: skip
"""Functions about the session or the machine, which are no part of the views."""


BYTE_ORDER_MARK = "\ufeff"
"""What some editors put before the first character of a file."""
_END = re.compile(r"[\s;]+\Z")


@dataclass(frozen=True)
class Statement:
    """One SELECT over the standard views: its text without a semicolon, its tree, and the views that it reads."""

    sql: str
    tree: exp.Query
    views: frozenset[str]


def read_statement(sql: str) -> Statement:
    """The statement that the text is. Raises QueryError for everything but one SELECT over views and CTEs."""
    sql = _END.sub("", sql.removeprefix(BYTE_ORDER_MARK))
    _check_is_select(sql)
    sql = _without_end(sql)
    tree = _tree(sql)
    for node in tree.walk():
        _check_node(node, sql)
    views = frozenset(_views_in(tree, sql))
    if views & {"facts", "texts"} and not _renames(tree):
        _check_items(tree, sql)
    return Statement(sql, tree, views)


def _check_is_select(sql: str) -> None:
    try:
        sql.encode()
    except UnicodeEncodeError as error:  # bytes of the command line that cannot be read
        raise QueryError(
            f"character {error.start + 1} of the SQL is not valid UTF-8", "write the SQL in UTF-8"
        ) from None
    try:
        with empty_database() as connection:
            connection.execute("SET errors_as_json = true")
            statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise explained(error, sql, frozenset()) from None
    if not statements:
        raise QueryError("there is no SQL", ONE_SELECT)
    if len(statements) > 1:
        raise QueryError(f"these are {len(statements)} statements", ONE_SELECT)
    if statements[0].type == duckdb.StatementType.MULTI:
        what, fix = "a PIVOT has to name its values here", "write ON item IN ('revenue', 'net_income')"
        raise QueryError(what, fix)
    if statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError.at(sql, _first(sql), f"this is {_kind(statements[0].type)}, not a SELECT", ONE_SELECT)


def _without_end(sql: str) -> str:
    """The SQL up to its semicolon: after it there may be comments."""
    with suppress(sqlglot.errors.SqlglotError):
        tokens = list(sqlglot.tokenize(sql, dialect="duckdb"))
        ends = list(takewhile(lambda token: token.token_type == sqlglot.TokenType.SEMICOLON, reversed(tokens)))
        return sql[: ends[-1].start] if ends and len(ends) < len(tokens) else sql
    return sql


def _first(sql: str) -> int:
    return len(sql) - len(sql.lstrip())


def _kind(kind: duckdb.StatementType) -> str:
    name = str(kind).rpartition(".")[2].replace("_", " ")
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _tree(sql: str) -> exp.Query:
    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise QueryError.at(sql, _place_of(error, sql), "this part of the SQL is not understood", ONE_SELECT) from None
    if not isinstance(tree, exp.Query):
        raise QueryError.at(sql, _first(sql), "this is not a SELECT", ONE_SELECT)
    return tree


def _place_of(error: Exception, sql: str) -> int | None:
    """The offset of sqlglot's error, which has line and column of the end of what it does not know."""
    found = getattr(error, "errors", None) or [{}]
    line, end, text = found[0].get("line"), found[0].get("col"), found[0].get("highlight") or ""
    if line is None or end is None:
        return None
    before = sum(len(each) for each in sql.splitlines(keepends=True)[: int(line) - 1])
    return before + max(0, int(end) - len(text))


def _check_node(node: exp.Expr, sql: str) -> None:
    for kind, (what, fix) in _REFUSED.items():
        if isinstance(node, kind):
            raise QueryError.at(sql, offset_of(node, sql), what, fix)
    if isinstance(node, exp.Func) and (outside := function_names(node) & OUTSIDE):
        what = f"{min(outside)} is about the session or the machine, not about the views"
        raise QueryError.at(sql, offset_of(node, sql), what, "take it out")
    if isinstance(node, exp.Lateral) and not isinstance(node.this, exp.Subquery):
        raise QueryError.at(sql, offset_of(node, sql), *_no_table_functions("LATERAL"))


def function_names(function: exp.Func) -> frozenset[str]:
    """All names, in lower case, by which the function may be called in SQL."""
    names = [function.name] if isinstance(function, exp.Anonymous) else function.sql_names()
    return frozenset(name.lower() for name in names)


def _no_table_functions(name: str) -> tuple[str, str]:
    return f"{name} as a table is not read here", f"only views and subqueries; {NAMED}"


def _views_in(tree: exp.Query, sql: str) -> Iterator[str]:
    """The views that the tables of the tree are. Raises QueryError for a table that is neither a view nor a CTE."""
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise QueryError.at(sql, offset_of(table, sql), *_no_table_functions(_word(sql, offset_of(table, sql))))
        name = table.name.lower()
        if table.args.get("db") or not (_is_cte(table, name) or name in VIEWS):
            raise _no_such_view(table, sql)
        if not _is_cte(table, name):
            yield name


def _word(sql: str, offset: int | None) -> str:
    found = re.compile(r"\w+").match(sql, offset or 0)
    return found[0] if found else "this"


def _is_cte(table: exp.Table, name: str) -> bool:
    """Whether the name is that of a CTE which the table can see: an earlier one, or its own if it is recursive."""
    node: exp.Expr = table
    inside: exp.Expr | None = None
    while node.parent is not None:
        inside, node = (node if isinstance(node, exp.CTE) else inside), node.parent
        for cte in _visible(node, inside):
            if cte.alias.lower() == name:
                return True
    return False


def _visible(node: exp.Expr, inside: exp.Expr | None) -> Iterator[exp.CTE]:
    """The CTEs of the node that are seen from `inside`, one of them, or from its SELECT."""
    clause: exp.With | None = node.args.get("with_")
    if clause is None:
        return
    for cte in clause.expressions:
        if cte is inside and not clause.args.get("recursive"):
            return
        yield cte
        if cte is inside:
            return


def _renames(tree: exp.Query) -> bool:
    """Whether `item` may be another column than that of the views."""
    aliases = (each.alias.lower() == "item" for each in tree.find_all(exp.Alias))
    return any(aliases) or any(each.columns for each in tree.find_all(exp.TableAlias))


def _check_items(tree: exp.Query, sql: str) -> None:
    """Raise QueryError for an item that there is not: nothing would be found, and nobody would know why."""
    for literal in _texts_compared(tree, "item"):
        if literal.name not in ITEMS:
            raise _no_item(literal, f"no item {literal.name}", literal.name, sql)
    for comparison in tree.find_all(exp.Like, exp.ILike, exp.Between):
        texts = [comparison.args.get(part) for part in ("expression", "low", "high")]
        given = [text for text in texts if isinstance(text, exp.Literal) and text.is_string]
        # Items in another order or case are no mistake in writing, and what is negated is fulfilled by all the others
        is_negated = comparison.args.get("negate") or comparison.find_ancestor(exp.Not)
        is_meant = is_negated or all(text.name.lower() in ITEMS for text in given)
        if _is_column(comparison.this, "item") and not is_meant and not _has_any(comparison, given, ITEMS):
            raise _no_item(given[0], "no item fulfils this condition", given[0].name.strip("%_"), sql)


def _has_any(comparison: exp.Expr, given: Sequence[exp.Literal], names: Iterable[str]) -> bool:
    """Whether one of the names is between the two texts, or like the one; true where it is not plain which are."""
    if isinstance(comparison, exp.Between):
        is_plain = len(given) == 2 and not comparison.args.get("symmetric")
        return not is_plain or any(given[0].name <= name <= given[1].name for name in names)
    pattern = "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in given[0].name)
    is_like = re.compile(pattern, re.DOTALL | (re.IGNORECASE if isinstance(comparison, exp.ILike) else 0))
    return isinstance(comparison.parent, exp.Escape) or any(map(is_like.fullmatch, names))


def _no_item(literal: exp.Literal, what: str, name: str, sql: str) -> QueryError:
    near = nearest(name, ITEMS)
    fix = f"did you mean {near}?" if near else "docs/query.md lists the items"
    return QueryError.at(sql, offset_of(literal, sql), what, fix)


def _is_column(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Column) and node.name.lower() == name


def unlisted_companies(statement: Statement, listed: Iterable[str]) -> list[str]:
    """What a person has to know of ids in the statement that are not in the list of companies: nothing has them."""
    named = {text.name for text in _texts_compared(statement.tree, "company_id")}
    ids = set(listed) if named else set()
    unlisted = sorted(named - ids)
    return [f"company_id {text!r} is not in the list of companies{_near_company(text, ids)}" for text in unlisted]


def _texts_compared(tree: exp.Query, column: str) -> Iterator[exp.Literal]:
    """The texts that a column of this name is, or is not, to be equal to."""
    for comparison in tree.find_all(exp.EQ, exp.NEQ, exp.In):
        sides = [comparison.this, comparison.expression, *comparison.expressions]
        if any(_is_column(side, column) for side in sides):
            yield from (side for side in sides if isinstance(side, exp.Literal) and side.is_string)


def _near_company(text: str, listed: Collection[str]) -> str:
    same = sorted(each for each in listed if each.lstrip("0") == text.lstrip("0"))
    near = same[0] if same else nearest(text, listed, NEAR_ID)
    return f"; did you mean {near}?" if near else ""


def _no_such_view(table: exp.Table, sql: str) -> QueryError:
    name = ".".join(part.name for part in table.parts)
    near = nearest(name, VIEWS)
    fix = f"did you mean {near}?" if near else NAMED
    return QueryError.at(sql, offset_of(table, sql), f"no view {name}", fix)


def offset_of(node: exp.Expr, sql: str) -> int | None:
    """Where the node begins in the SQL that it was read from; None if that is not known."""
    starts = [int(each.meta["start"]) for each in node.walk() if "start" in each.meta]
    return min(starts) if starts else only_place(sql, node.sql(dialect="duckdb").removesuffix("()"))
