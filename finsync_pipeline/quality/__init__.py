"""Quality of what was made: the law of conservation, exact."""
