"""File formats of the packages that the starter data come from, read by our own code."""
