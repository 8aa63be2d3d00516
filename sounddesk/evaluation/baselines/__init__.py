"""Simple methods that ours has to beat."""
