"""Showing what the model listens to: where it finds an object's words, and the patch weights it makes its sound by."""

from __future__ import annotations

from functools import partial
from typing import Final
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject

from sounddesk.app.canvas.heat_map import HeatMap
from sounddesk.app.canvas.image_canvas import ImageCanvas
from sounddesk.app.commands.command import Command
from sounddesk.app.generation import as_probability
from sounddesk.app.generation import object_request
from sounddesk.app.notifications import notifier
from sounddesk.app.services import Services
from sounddesk.app.workers.generation_queue import AttentionTarget
from sounddesk.domain.project import Project
from sounddesk.engine.types import ObjectRequest

HeatKind = Literal["attention", "weights"]
_COMMANDS: Final[dict[HeatKind, str]] = {"attention": "view.heat_map", "weights": "view.patch_weights"}


class HeatMapCommands(QObject):
    """Shows one heat map at a time over the image, of the current object."""

    def __init__(self, services: Services, canvas: ImageCanvas, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._canvas = canvas
        self._query = 0
        self._kind: HeatKind | None = None
        self._title = ""
        services.actions.add(COMMANDS, owner=self)
        services.generate.attention.connect(self._show)
        services.selection.objects_changed.connect(self._ask)
        services.document.changed.connect(self._on_changed)
        services.document.replaced.connect(lambda: self._set(None))

    def show(self, kind: HeatKind, on: bool) -> None:
        """Show a heat map over the image, or none."""
        self._set(kind if on else None)

    def _set(self, kind: HeatKind | None) -> None:
        self._kind = kind
        for each, command in _COMMANDS.items():
            self._services.actions[command].setChecked(each == kind)
        if kind is None:
            self._canvas.set_heat_map(None)
        elif self._services.selection.current_object_id is None:
            notifier.warning(self.tr("No object is selected: click on one in the image first."))
        else:
            self._ask()

    def _on_changed(self, old: Project, new: Project) -> None:
        current = self._services.selection.current_object_id
        before = {each.id: each for each in old.objects}.get(current or "")
        after = {each.id: each for each in new.objects}.get(current or "")
        if after is not None and before is not None and (before.mask, before.hint) != (after.mask, after.hint):
            self._ask()

    def _ask(self) -> None:
        services = self._services
        object_id, image = services.selection.current_object_id, services.document.image
        if self._kind is None or object_id is None or image is None or services.document.in_gesture:
            return
        project = services.document.project
        current = project.object(object_id)
        target: AttentionTarget = current.hint.strip() or current.name
        if self._kind == "attention":
            self._title = self.tr("attention of {words}").format(words=target)
        else:
            target = partial(_request_for_weights, project, object_id)
            self._title = self.tr("patch weights of {name}").format(name=current.name)
        self._query += 1
        services.generate.find_attention(self._query, image, target, engine=services.generation.engine_for(project))

    def _show(self, query: int, result: tuple[np.ndarray, tuple[int, int]] | None, error: Exception | None) -> None:
        if query != self._query or self._kind is None:
            return
        if error is not None:
            notifier.refused(error)
        elif result is not None:
            weights, grid = result
            self._canvas.set_heat_map(HeatMap(weights=weights, grid=grid, title=self._title))


COMMANDS: Final[tuple[Command[HeatMapCommands], ...]] = (
    Command("view.heat_map", "Atte&ntion", switch=lambda it, on: it.show("attention", on), menu="View",
            section="attention", keys="H", tip="Where the model finds the words of the current object"),
    Command("view.patch_weights", "Patch &weights", switch=lambda it, on: it.show("weights", on), menu="View",
            section="attention", keys="Shift+H",
            tip="To which parts of the image the sound of the current object listens"),
)  # fmt: skip


def _request_for_weights(project: Project, object_id: str) -> ObjectRequest:
    """Patch weights follow from the mask alone: any seed will do."""
    mask = as_probability(project.sounding_mask(object_id))
    return object_request(project.object(object_id), mask=mask, seed=0)
