"""HTTP clients: how a source's service is asked, and what is said when it does not answer as it should.

`source_service` is what the rest of FinSync uses. Below it: `http` gets whole bodies over pooled connections, `arrow`
and `plain` read them, `answers` is what comes of it, `faults` what may go wrong.
"""
