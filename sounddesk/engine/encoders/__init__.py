"""Frozen image and text encoders that turn pictures and words into vectors."""
