"""A caller's SQL, run so that it can only read, within bounds; and its rows in the format that was asked for."""
