"""AudioSet (Gemmeke et al. 2017): eval_segments.csv and its kin, with YTID, start, end and labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.protocols.published_lines import lines_of
from sounddesk.evaluation.protocols.registry import PROTOCOLS
from sounddesk.evaluation.protocols.registry import ProtocolEntry
from sounddesk.evaluation.protocols.registry import PublishedClip

_LINE: Final = re.compile(r'([\w-]{11}), *(\d{1,6}(?:\.\d*)?), *(\d{1,6}(?:\.\d*)?), *"?([^"]*)"?')


def read(path: Path) -> list[PublishedClip]:
    """Clips with the ids of their classes. Raises: BadInputError, which names the line."""
    clips = []
    for number, text in lines_of(path):
        found = _LINE.fullmatch(text)
        if found is None:
            raise BadInputError(f'{path}, line {number}: expected YTID, start, end, "labels" as AudioSet has them')
        labels = tuple(label.strip() for label in found[4].split(",") if label.strip())
        clips.append(PublishedClip(video=found[1], start_s=float(found[2]), end_s=float(found[3]), labels=labels))
    return clips


PROTOCOLS.register(
    ProtocolEntry(name="audioset", label="AudioSet", summary="eval_segments.csv or another list of segments", read=read)
)
