"""Answers about releases, for the command, a page or another system; nothing here writes."""
