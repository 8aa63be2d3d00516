"""Text of others (names, notes, what a hub answers, keys of files) as a terminal may show it."""

from __future__ import annotations

import re
from typing import Final

# What a terminal carries out or what reorders a line: control characters (C0, DEL, C1), separators of lines and
# paragraphs, and the embeddings, overrides and isolates of bidirectional text. Tabs do no harm.
_CONTROLS: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MOST_SHOWN: Final = 4_000


def printable(text: str) -> str:
    r"""The text as one line that a terminal shows and does not obey, cut where it is very long.

    Example:
        >>> printable("not allowed\x1b[2K")
        'not allowed\\x1b[2K'
    """
    shown = text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), shown)
