"""The explorer: pages over releases and sources for those who never open Dagster, served by the API's process.

Belongs here: what a page shows and how it looks. Each view is one module with its routes, and one template; what it
shows comes from the same functions as the routes of the API (`serving`). All state is in the address. `rendering` makes
a page, or the fragment of it that htmx asks for; `numbers` writes numbers; `vendor/` has the libraries, served as they
are. docs/explorer.md describes it for users.
"""
