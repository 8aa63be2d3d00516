"""The kinds that a bundle, or a prepared data set, knows: `kinds.json`, one entry a kind, in the networks' order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal

from sounddesk.domain.limits import NotEmpty
from sounddesk.domain.limits import Range
from sounddesk.storage.codec import load

KINDS_DOCUMENT: Final = "kinds.json"


@dataclass(frozen=True, kw_only=True)
class KindRow:
    """A kind of sounding thing and how it behaves over time.

    Attributes:
        kind: its name.
        caption: what it sounds like; `alt_captions` say it in other words.
        group: of kinds, such as 'mammals'.
        imagenet_classes: which of ImageNet's 1,000 classes are of it.
    """

    kind: NotEmpty
    caption: str
    alt_captions: tuple[str, ...] = ()
    group: str = ""
    repeat: Literal["one-shot", "repeating", "continuous"] = "repeating"
    imagenet_classes: tuple[Annotated[int, Range(0, 999)], ...] = ()


def read_kind_rows(path: Path) -> list[KindRow]:
    """The kinds of a `kinds.json`. Raises: FieldError, which names the file, the entry and its key; OSError."""
    return load(list[KindRow], path, unknown="ignore")
