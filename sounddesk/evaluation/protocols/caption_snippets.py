"""Snippets of a caption that name one thing each, one of which an object mask is made for (appendix B.2)."""

from __future__ import annotations

import re
from typing import Final

_BETWEEN: Final = re.compile(
    r"\s*(?:[,;.]|\b(?:and then|followed by|then|while|when|after|before|as|with|and)\b)\s*",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(r"^(?:a|an|the|some|several|many|other|another)\s+", re.IGNORECASE)


def snippets_of(caption: str) -> tuple[str, ...]:
    """Its parts in their order, without articles; what is left of an empty part is left out.

    Example:
        >>> snippets_of("A dog barks and then a man speaks while rain falls")
        ('dog barks', 'man speaks', 'rain falls')
    """
    parts = [_BEFORE.sub("", part.strip()) for part in _BETWEEN.split(caption)]
    return tuple(dict.fromkeys(part for part in parts if part))
