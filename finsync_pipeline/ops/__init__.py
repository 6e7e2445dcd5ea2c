"""Operations: commands for the upkeep of a deployment, run by hand or when it starts.

Belongs here: what works on Dagster's own storage, such as pools and old runs. Does not: commands on the data, which are
in cli.
"""
