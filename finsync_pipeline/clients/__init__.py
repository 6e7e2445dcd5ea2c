"""HTTP clients: how a source's service is queried, and the errors where its response is not what it should be.

Here belong the protocol of a service (`source_service`, which the rest of FinSync uses), connections and retries
(`http`), the formats of responses (`responses`), tokens (`auth`) and `errors`. The SQL that a service is sent, and the
meaning of the cells that it returns, do not: read on in `extraction` and `statements`.
"""
