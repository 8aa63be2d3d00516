"""The published lists, one module each."""
