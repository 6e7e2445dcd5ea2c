"""Figures that FinSync is held to, one part at a time: `make bench PART=truth`."""
