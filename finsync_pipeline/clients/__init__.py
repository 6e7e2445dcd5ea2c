"""HTTP clients: how a source's service is asked, and what is said when it does not answer as it should.

`source_service` is what the rest of FinSync uses. Below it: `http` gets whole bodies over pooled connections, `arrow`
and `json_format` read them, `responses` is what comes of it, `errors` what may go wrong.
"""
