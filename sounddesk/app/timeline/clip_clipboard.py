"""Clips on the system's clipboard, within one project."""

from __future__ import annotations

import json
from collections.abc import Container
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QMimeData

from sounddesk.domain.project import Project
from sounddesk.domain.project_json import part_from_json
from sounddesk.domain.project_json import part_to_json
from sounddesk.domain.timeline import Clip

CLIPS_MIME: Final = "application/x-sounddesk-clips"


def clips_to_mime(clips: Sequence[Clip]) -> QMimeData:
    """The clips for the clipboard."""
    data = QMimeData()
    data.setData(CLIPS_MIME, json.dumps([part_to_json(clip) for clip in clips]).encode())
    return data


def clips_from_mime(data: QMimeData | None, project: Project, takes: Container[str]) -> tuple[Clip, ...]:
    """The clips that lie on the clipboard, as far as their lanes and takes are in this project; none where it holds
    something else or cannot be read. `data` is None where nothing was ever copied.
    """
    if data is None or not data.hasFormat(CLIPS_MIME):
        return ()
    lanes = {each.id for each in project.objects}
    try:
        found = [part_from_json(Clip, each)[0] for each in json.loads(bytes(data.data(CLIPS_MIME).data()))]
    except (ValueError, TypeError, KeyError):
        return ()
    return tuple(clip for clip in found if clip.object_id in lanes and clip.take_id in takes)
