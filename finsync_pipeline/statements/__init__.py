"""Financial statements: the standard items, how a source's columns map onto them, and how its cells are read.

Belongs here: the table of standard items, the mapping language, reading of numbers, dates, units and
lengths of period, the checks on rows, and the making of facts and rejects. Does not: company ids
(identity), SQL for a service (extraction), averages (aggregation).
"""
