"""Lists without a header, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError

# AudioSet's longest list has 103 MB.
_MOST_BYTES: Final = 256 << 20


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers and texts of the lines that say something; comments with '#' are passed over.

    Raises:
        BadInputError: not readable, too long, or no UTF-8.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError(f"{path} has more than {_MOST_BYTES >> 20} MiB: name the list itself")
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                text = line.strip()
                if text and not text.startswith("#"):
                    yield number, text
    except OSError as error:
        raise BadInputError(f"cannot read {path} ({error.strerror}): name the list as it was published") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is no text: name the list as it was published") from error
