"""Published lists of clips, each registered in its own module; the media are the user's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sounddesk.domain.registry import Registry

PICTURE_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, kw_only=True)
class PublishedClip:
    """A line of a published list.

    Attributes:
        video: id of the video, or name of the picture; what is cut from one video stays on one side of a split.
        start_s, end_s: of the clip in the video; None where the list does not say it.
        split: as the list has it, '' without.
    """

    video: str
    start_s: float | None = None
    end_s: float | None = None
    caption: str = ""
    object: str = ""
    labels: tuple[str, ...] = ()
    split: str = ""

    @property
    def id(self) -> str:
        """Names the clip among all."""
        return self.video if self.start_s is None else f"{self.video}_{round(self.start_s):06d}"

    def stems(self) -> tuple[str, ...]:
        """Names that its files go by among those who download such data, without their endings; the surest first."""
        if self.start_s is None:
            return (self.video,)
        start = round(self.start_s)
        names = [self.id, f"{self.video}_{start}", f"{self.video}_{round(self.start_s * 1000)}"]
        if self.end_s is not None:
            names += [f"{self.video}_{start}_{round(self.end_s)}"]
            names += [f"{self.video}_{round(self.start_s * 1000)}_{round(self.end_s * 1000)}"]
        return (*names, f"Y{self.video}", self.video)


@dataclass(frozen=True, kw_only=True)
class ProtocolEntry:
    """A published list.

    Attributes:
        read: the clips of its file, or of a folder where `takes_folder`. Raises BadInputError.
        takes_folder: the list is the folder of media itself.
    """

    name: str
    label: str
    summary: str
    read: Callable[[Path], list[PublishedClip]]
    takes_folder: bool = False


PROTOCOLS: Final[Registry[ProtocolEntry]] = Registry("protocol", package="sounddesk.evaluation.protocols.entries")
