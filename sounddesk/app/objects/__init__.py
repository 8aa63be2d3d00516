"""The list of objects and what is set for each."""
