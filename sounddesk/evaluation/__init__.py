"""Measurements of a bundle that anyone can repeat."""
