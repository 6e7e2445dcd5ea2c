"""HTTP: routes, access control, responses and problem details, logs and metrics.

Here belongs what a route does; what surrounds every request is in `server`, running SQL in `query/`. Read on in
`row_routes` (/data and /query), `meta_routes` (all others), `responses` (headers, entity tags, bodies).
"""
