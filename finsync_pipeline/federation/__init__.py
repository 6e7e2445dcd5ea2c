"""One query over all sources: a mediator between one SELECT over the standard views and what each source holds.

Belongs here: the `schema` of the views, the reading of a caller's `statement`, the plan of what each source is sent,
the answer that DuckDB finishes. Does not: how a source's rows become facts (statements), how sources are compared
(quality), how a service is spoken to (clients). Read on in `live` for the services, in `releases` for what is
published.
"""
