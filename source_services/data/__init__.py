"""A data file becomes a SQLite file and an Arrow file, which nobody changes afterwards, and an account of them."""
