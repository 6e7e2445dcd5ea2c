"""FinSync on one machine without containers: what the `finsync` command does."""
