"""Lanes and clips over time."""
