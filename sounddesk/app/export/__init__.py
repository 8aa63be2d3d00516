"""Exports from the window, and files to drag out of it."""
