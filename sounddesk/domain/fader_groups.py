"""Groups of faders: the selected strips get one in common, or leave theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from sounddesk.domain.mixer_effects import FaderGroup
from sounddesk.domain.project import Project
from sounddesk.domain.scene import free_name


def with_group_of(project: Project, object_ids: Iterable[str], *, name: str) -> Project:
    """With the strips of some objects in a new group, out of the ones that they were in.

    Args:
        name: of the group, numbered where another one has it.
    """
    project, group_id = project.with_new_id("g")
    group = FaderGroup(id=group_id, name=free_name(name, (each.name for each in project.master.groups)))
    for object_id in object_ids:
        project = project.with_strip(object_id, group_id=group_id)
    return project.with_master(groups=(*project.master.groups, group)).without_empty_groups()


def without_group(project: Project, object_ids: Iterable[str]) -> Project:
    """With the strips of some objects in no group; what their group did to them goes into their own faders."""
    for object_id in object_ids:
        heard = project.heard_strip(object_id)
        strip = dataclasses.replace(heard, group_id="")
        project = project.with_changed_object(object_id, strip=strip)
    return project.without_empty_groups()
