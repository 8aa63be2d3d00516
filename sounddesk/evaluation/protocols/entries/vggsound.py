"""VGG-Sound (Chen et al. 2020): vggsound.csv with YouTube id, start, label and split.

VGG-Sound Sync is a list of some of its clips, which `--only` takes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.protocols.published_lines import lines_of
from sounddesk.evaluation.protocols.registry import PROTOCOLS
from sounddesk.evaluation.protocols.registry import ProtocolEntry
from sounddesk.evaluation.protocols.registry import PublishedClip

_LINE: Final = re.compile(r'([\w-]{11}),(\d{1,6}),(?:"([^"]*)"|([^",]*)),(train|test)')
_SECONDS: Final = 10.0


def read(path: Path) -> list[PublishedClip]:
    """Clips with their label as text and object. Raises: BadInputError, which names the line."""
    clips = []
    for number, text in lines_of(path):
        found = _LINE.fullmatch(text)
        if found is None:
            raise BadInputError(f"{path}, line {number}: expected id, start, label, split as vggsound.csv has them")
        label = (found[3] if found[3] is not None else found[4]).strip()
        start = float(found[2])
        clips.append(
            PublishedClip(
                video=found[1],
                start_s=start,
                end_s=start + _SECONDS,
                caption=label,
                object=label,
                labels=(label,),
                split=found[5],
            )
        )
    return clips


PROTOCOLS.register(
    ProtocolEntry(name="vggsound", label="VGG-Sound (Sync)", summary="vggsound.csv; --only for Sync", read=read)
)
