"""A release: the summary as CSV, the tables that it was made of, and a manifest that says what went in."""
