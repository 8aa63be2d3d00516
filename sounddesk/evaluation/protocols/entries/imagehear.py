"""ImageHear (Sheffer and Adi 2023): a folder of pictures called by class and number, as dog1.jpg."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.protocols.registry import PICTURE_ENDINGS
from sounddesk.evaluation.protocols.registry import PROTOCOLS
from sounddesk.evaluation.protocols.registry import ProtocolEntry
from sounddesk.evaluation.protocols.registry import PublishedClip

_NAME: Final = re.compile(r"([A-Za-z_ -]+?)[ _-]?\d+")


def read(folder: Path) -> list[PublishedClip]:
    """A clip for each picture, its class as object and caption. Raises: BadInputError."""
    try:
        names = sorted(path.stem for path in folder.iterdir() if path.suffix.lower() in PICTURE_ENDINGS)
    except OSError as error:
        raise BadInputError(f"cannot read {folder} ({error.strerror}): name the folder of ImageHear") from error
    clips = []
    for name in names:
        found = _NAME.fullmatch(name)
        if found is None:
            raise BadInputError(f"{folder}: {name!r} is not named by class and number, as dog1.jpg")
        kind = found[1].replace("_", " ").strip()
        clips.append(PublishedClip(video=name, caption=kind, object=kind, labels=(kind,)))
    return clips


PROTOCOLS.register(
    ProtocolEntry(name="imagehear", label="ImageHear", summary="its folder of pictures", read=read, takes_folder=True)
)
