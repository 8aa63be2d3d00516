"""What ends a batch as a whole; a frame that cannot be rendered only gets a row in the manifest."""

from __future__ import annotations


class BatchInputError(Exception):
    """What the user gave cannot be used; the message names the value and the remedy."""
