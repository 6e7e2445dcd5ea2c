"""HTTP: routes, who may ask and how often, errors of one shape, logs and metrics."""
