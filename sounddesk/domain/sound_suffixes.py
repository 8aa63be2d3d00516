"""Endings of the sound files that are read."""

from __future__ import annotations

from typing import Final

SOUND_SUFFIXES: Final = (
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc",
)  # fmt: skip
"""What libsndfile reads, in lower case."""
