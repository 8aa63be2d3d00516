"""Context menus of the timeline: of clips and lanes, of the ruler, and of fades."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.menus import add_commands
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.timeline.clip_dialog import FADE_CURVES
from sounddesk.app.timeline.clip_dialog import fade_curve_name
from sounddesk.app.timeline.timeline_commands import TimelineCommands
from sounddesk.app.timeline.timeline_panel_commands import CLIP_MENU
from sounddesk.app.timeline.timeline_panel_commands import RULER_MENU
from sounddesk.app.timeline.timeline_view import Hit
from sounddesk.domain.project import Project


def timeline_menu(
    parent: QWidget, actions: CommandRegistry, commands: TimelineCommands, project: Project, hit: Hit, *, in_ruler: bool
) -> QMenu:
    """The menu for what lies under the mouse."""
    menu = QMenu(parent)
    if hit.part in ("fade in", "fade out"):
        _add_fade_curves(menu, commands, project, hit)
        menu.addSeparator()
        add_commands(menu, actions, ("timeline.numbers", "timeline.crossfades"))
    else:
        add_commands(menu, actions, RULER_MENU if in_ruler else CLIP_MENU)
    return menu


def show_menu(menu: QMenu, at: QPoint) -> None:
    """Open a menu that goes when it is closed."""
    menu.aboutToHide.connect(menu.deleteLater)
    menu.popup(at)


def _add_fade_curves(menu: QMenu, commands: TimelineCommands, project: Project, hit: Hit) -> None:
    fade_in = hit.part == "fade in"
    clip = project.clip(hit.id)
    group = QActionGroup(menu)
    for curve in FADE_CURVES:
        action = menu.addAction(fade_curve_name(curve))
        action.setCheckable(True)
        action.setChecked(curve == (clip.fade_in_curve if fade_in else clip.fade_out_curve))
        group.addAction(action)
        action.triggered.connect(lambda _on, curve=curve: commands.set_fade_curve(clip.id, curve, fade_in=fade_in))
