"""Clips on the system's clipboard, within one project.

They travel as text: a `QMimeData` made in Python that still lies on the clipboard at the end crashes the process there
(PySide6 6.12).
"""

from __future__ import annotations

import json
from collections.abc import Container
from collections.abc import Sequence
from typing import Final

from PySide6.QtGui import QGuiApplication

from sounddesk.domain.project import Project
from sounddesk.domain.timeline import Clip
from sounddesk.storage.project_json import part_from_json
from sounddesk.storage.project_json import part_to_json
from sounddesk.storage.text_formats import parse_json

_MARK: Final = "sounddesk clips "


def copy_clips(clips: Sequence[Clip]) -> None:
    """Put clips on the clipboard."""
    QGuiApplication.clipboard().setText(_MARK + json.dumps([part_to_json(clip) for clip in clips]))


def clips_lie_on_the_clipboard() -> bool:
    """Whether there are clips to paste, of whatever project."""
    return QGuiApplication.clipboard().text().startswith(_MARK)


def clips_on_the_clipboard(project: Project, takes: Container[str]) -> tuple[Clip, ...]:
    """The clips to paste, as far as their lanes and takes are in this project; none where something else lies there."""
    text = QGuiApplication.clipboard().text()
    if not text.startswith(_MARK):
        return ()
    lanes = {each.id for each in project.objects}
    try:
        found = [part_from_json(Clip, each)[0] for each in parse_json(text.removeprefix(_MARK))]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(clip for clip in found if clip.object_id in lanes and clip.take_id in takes)
