"""SQL for the sources: what FinSync asks each service, in the service's own dialect.

Belongs here: generating SQL from a mapping. Does not: sending it (clients), reading what comes back (statements).
"""
