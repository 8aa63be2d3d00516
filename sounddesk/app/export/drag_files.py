"""Files for dragging out of the window: rendered before the drag starts, and kept, because a DAW may go on reading
them from where they lie.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Literal

from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.domain.project import Project
from sounddesk.domain.take import TakeLibrary
from sounddesk.storage.path_text import user_data_folder
from sounddesk.storage.project_json import part_to_json
from sounddesk.storage.project_json import to_text

DragKind = Literal["mix", "stem", "clip"]
FOLDER_NAME = "dragged"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DragItem:
    """What can be dragged: the mix, a lane's stem, or a clip; `id` is the lane's or clip's."""

    kind: DragKind
    id: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DragFile:
    """The file of an item: `path` is there once `plan` was exported into its folder."""

    plan: ExportPlan
    path: Path


def drag_folder() -> Path:
    """Where dragged files are kept; a folder for each state, so that none ever changes."""
    return user_data_folder() / FOLDER_NAME


def drag_file(item: DragItem, project: Project, takes: TakeLibrary, settings: ExportSettings, *, name: str) -> DragFile:
    """Where an item's file is or will be; the same for the same sound.

    Args:
        settings: format, rate, channels and names are taken from them.

    Raises:
        ValueError: the item is not there any more.
    """
    wanted = dataclasses.replace(
        settings,
        stems=item.kind == "stem",
        mix=item.kind == "mix",
        clips=item.kind == "clip",
        takes="none",
        silent_lanes=True,
        range_s=None,
        normalise_lufs=None,
        sidecar=False,
        exchange=(),
    )
    plan = plan_export(project, takes, wanted, name=name)
    files = [
        file
        for file in plan.files
        if item.kind == "mix" or item.id == (file.clip_id if item.kind == "clip" else file.object_id)
    ]
    if not files:
        raise ValueError("this sound is no longer in the project: choose another")
    plan = dataclasses.replace(plan, files=tuple(files[:1]))
    folder = drag_folder() / _digest(item, project, wanted, name=name)
    return DragFile(plan=plan, path=folder / plan.files[0].name)


def _digest(item: DragItem, project: Project, settings: ExportSettings, *, name: str) -> str:
    """Of everything that the sound and its metadata depend on; takes never change."""
    parts = [
        item.kind,
        item.id,
        name,
        to_text(settings.to_json()),
        *(to_text([lane.id, lane.name, part_to_json(lane.strip)]) for lane in project.objects),
        *(to_text(part_to_json(clip)) for clip in project.clips),
        *(to_text(part_to_json(marker)) for marker in project.markers),
        to_text(part_to_json(project.master)),
        to_text([project.settings.timeline_s, project.settings.start_timecode_s, str(project.settings.timecode_rate)]),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
