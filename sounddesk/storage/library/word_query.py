"""Words that a user typed, as a query of SQLite's full-text index; nothing in them is taken for an operator."""

from __future__ import annotations

import re
from typing import Final

_MOST_WORDS: Final = 32
# They stand in every second name and say nothing.
_EMPTY_WORDS: Final = frozenset(
    ["a", "an", "and", "at", "for", "from", "in", "into", "is", "of", "on", "or", "s", "the", "to", "with"]
)


def fts_query(text: str, *, unfinished: bool = False) -> str:
    """A query that any of the words matches; '' where there is none.

    Args:
        unfinished: the last word is still being typed, and stands for all that begin like it.

    Example:
        >>> fts_query('a "dog" barks*', unfinished=True)
        '"dog" OR "barks"*'
    """
    words = [word.casefold() for word in re.findall(r"[^\W_]+", text)]
    chosen = [word for word in dict.fromkeys(words) if word not in _EMPTY_WORDS][:_MOST_WORDS]
    query = " OR ".join(f'"{word}"' for word in chosen)
    return f"{query}*" if query and unfinished else query
