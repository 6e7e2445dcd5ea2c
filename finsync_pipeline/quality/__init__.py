"""Quality: checks on what was made of a source's rows. `reconciliation` counts every row and cell once, exactly.

Belongs here: what judges tables by their contents, without changing them. Does not: whether a row can be read
(statements), whether a release may be published (publishing).
"""
