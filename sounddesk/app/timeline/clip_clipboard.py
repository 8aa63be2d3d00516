"""Clips on the system's clipboard, within one project.

They travel as text: a `QMimeData` made in Python that still lies on the clipboard at the end crashes the process there
(PySide6 6.12).
"""

from __future__ import annotations

import json
from collections.abc import Container
from collections.abc import Sequence
from typing import Any
from typing import Final

from PySide6.QtGui import QGuiApplication

from sounddesk.domain.project import Project
from sounddesk.domain.timeline import Clip
from sounddesk.storage.codec import decode
from sounddesk.storage.project_json import part_from_json
from sounddesk.storage.project_json import part_to_json
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json

_MARK: Final = "sounddesk clips "
# Beyond that a paste is no work of anybody's hands.
_MOST_CLIPS: Final = 10_000


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
        rows = decode(list[dict[str, Any]], parse_json(text.removeprefix(_MARK)), where="clips")
        found = [part_from_json(Clip, each)[0] for each in rows[:_MOST_CLIPS]]
    except FieldError:
        return ()
    return tuple(clip for clip in found if clip.object_id in lanes and clip.take_id in takes)
