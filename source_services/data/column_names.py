"""Names of columns, as SQLite tells them apart."""

from collections.abc import Iterable


def distinct_names(names: Iterable[str]) -> list[str]:
    """Names that SQLite can tell apart: blank ones become `column_<n>`, repeated ones get `_2`, `_3`.

    Two names that differ only in the case of their ASCII letters are the same to SQLite. `_rowid_` is taken:
    it is what SQLite calls the position of a row.
    """
    wanted = [name if name.strip() else f"column_{position}" for position, name in enumerate(names, start=1)]
    reserved = {_identity(name) for name in wanted}
    used = {_identity("_rowid_")}
    distinct = []
    for name in wanted:
        candidate, number = name, 2
        while _identity(candidate) in used or (number > 2 and _identity(candidate) in reserved):
            candidate, number = f"{name}_{number}", number + 1
        used.add(_identity(candidate))
        distinct.append(candidate)
    return distinct


def free_name(name: str, columns: list[str]) -> str:
    """The name, with as many `_` behind it as it takes to be none of the columns."""
    used = {_identity(column) for column in columns}
    while _identity(name) in used:
        name += "_"
    return name


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _identity(name: str) -> bytes:
    return name.encode().lower()
