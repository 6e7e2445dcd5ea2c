"""Quality: checks on what was made of a source's rows.

`reconciliation` counts every row and cell once, exactly. `agreement` compares the sources of each cell: where they
differ, which of them is wrong by a unit or by its sign (`suspects`), and what is published (`rules`).

Belongs here: what judges tables by their contents, without changing them. Does not: whether a row can be read
(statements), whether a release may be published (publishing).
"""
