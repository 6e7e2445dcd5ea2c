"""The routes of the API: what each takes, and what it answers. The modules above this package make the answers."""
