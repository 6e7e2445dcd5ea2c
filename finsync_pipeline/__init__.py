"""FinSync: financial statements from services that disagree, made into one table that can be trusted."""
