"""What exists in this deployment: one YAML file per source, and the assets, jobs and resources around them."""
