"""Spectrograms as pictures."""
