"""What Dagster needs around the assets."""
