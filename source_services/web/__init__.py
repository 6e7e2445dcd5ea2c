"""HTTP: routes, access control, responses and problem details, logs and metrics.

Here belongs what knows HTTP; running SQL is in `query/`. Read on in `app` (routes and middleware), `row_routes` (/data
and /query), `meta_routes` (all others), `responses` (headers, entity tags, bodies).
"""
