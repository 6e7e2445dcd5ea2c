"""Quality of the tables: reconciliation of all rows and cells, exact. Read on in `reconciliation`."""
