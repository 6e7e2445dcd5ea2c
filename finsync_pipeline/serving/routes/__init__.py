"""The routes of the API: what each takes, and what it answers. What they ask for is beside this package."""
