"""HTTP clients: how a source's service is queried, and the errors where its response is not what it should be.

Here belong what the rest of FinSync needs of a service (`protocol`), a class for each kind of them (`source_service`,
`datasette`), connections and retries (`http`), the formats of responses (`responses`), tokens (`auth`) and `errors`.
The SQL that a service is sent, and the meaning of the cells that it returns, do not: read on in `extraction` and
`statements`.
"""
