"""Serving: releases and live queries over HTTP, and the same for Python, without Dagster.

Belongs here: a release opened for reading (`open_release`), what is asked of it (`listings`, `companies`, `statements`,
`screen`, `trace`), and the API over it (`app`, with its routes in `routes/`). Does not: how a release is made
(publishing), and how a query is answered (federation). docs/api.md describes it for users.
"""
