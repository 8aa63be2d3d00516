"""What is wrong with a data set."""

from __future__ import annotations

from sounddesk.domain.errors import BadInputError


class DataError(BadInputError, ValueError):
    """A data set that cannot be used; the message names what and the remedy."""
