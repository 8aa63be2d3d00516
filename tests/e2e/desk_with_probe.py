"""The desk as `sounddesk desk` starts it, with a probe that only looks: one question a line on stdin, JSON on stdout.

Questions: `state`; `place NAME` with the names of `place`, answered by the screen position to click on. What raises is
answered by `{"error": traceback}`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import traceback
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtCore import QPointF
from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QStyle
from PySide6.QtWidgets import QStyleOptionSlider
from PySide6.QtWidgets import QWidget

from sounddesk.app.desk import make_application
from sounddesk.app.desk import open_window
from sounddesk.app.main_window import MainWindow
from sounddesk.app.runtime.crash_reports import install_crash_reports
from sounddesk.app.settings import Settings
from sounddesk.domain.project import Project
from sounddesk.storage.project_json import object_to_json
from sounddesk.storage.project_json import part_to_json


def fingerprint(project: Project) -> str:
    """Hash of everything in a project."""
    parts = [object_to_json(each) for each in project.objects]
    parts += [part_to_json(each) for each in (*project.clips, *project.markers, project.master, project.settings)]
    parts += [each.mask.sha256 for each in project.objects]
    parts.append(None if project.image is None else part_to_json(project.image))
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def state(window: MainWindow) -> dict[str, Any]:
    """What the test waits for and compares."""
    document = window.services.document
    active = QApplication.activeModalWidget()
    status = window.canvas.canvas.tool.status()
    return {
        "active": int((active or window).winId()),
        "dialog": None if active is None else active.windowTitle() or type(active).__name__,
        "focus": type(QApplication.focusWidget()).__name__,
        "fingerprint": fingerprint(document.project),
        "image": document.project.image is not None,
        "objects": [[each.id, each.name, each.mask.bounding_box is not None] for each in document.project.objects],
        "clips": [[each.id, each.start_s] for each in document.project.clips],
        "gains_db": [each.strip.gain_db for each in document.project.objects],
        "soloed": [each.strip.soloed for each in document.project.objects],
        "takes": len(document.takes),
        "busy": status is not None and status.waiting > 0,
        "undo": document.undo_stack.index(),
        "in_gesture": document.in_gesture,
        "steps": [document.undo_stack.text(i) for i in range(document.undo_stack.count())],
        "dirty": document.is_dirty,
        "path": str(window.services.store.path or ""),
        "message": window.statusBar().currentMessage(),
        "page": window._pages.currentIndex(),
        "tool": window.canvas.canvas.tool_name,
    }


def place(window: MainWindow, name: str) -> QPoint:
    """The screen position of a named thing."""
    kind, _, rest = name.partition(" ")
    if kind == "image":
        x, y = (float(each) for each in rest.split(","))
        canvas = window.canvas.canvas
        return canvas.mapToGlobal(QPointF(*canvas.viewport.to_widget(x, y))).toPoint()
    if kind == "fader":
        fader = window.mixer.strips[rest].fader
        option = QStyleOptionSlider()
        fader.initStyleOption(option)
        style = QStyle.SubControl.SC_SliderHandle
        rect = fader.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, style, fader)
        return fader.mapToGlobal(rect.center())
    if kind == "solo":
        return _middle(window.mixer.strips[rest].buttons["soloed"])
    if kind == "clip":
        clip = window.services.document.project.clip(rest)
        return window.timeline.mapToGlobal(window.timeline.clip_rect(clip).center()).toPoint()
    if kind == "button":
        top = QApplication.activeModalWidget() or window
        for button in top.findChildren(QAbstractButton):
            if button.text().replace("&", "") == rest and button.isVisible():
                return _middle(button)
    raise ValueError(name)


def _middle(widget: QWidget) -> QPoint:
    return widget.mapToGlobal(widget.rect().center())


def main() -> None:
    app = make_application(())
    settings = Settings()
    install_crash_reports(settings)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    window = open_window(settings, path=path, device="cpu")
    window.setGeometry(0, 0, 1600, 1000)

    def answer() -> None:
        question = sys.stdin.readline().strip()
        reply: Any
        try:
            if question.startswith("place "):
                where = place(window, question[6:])
                reply = [where.x(), where.y()]
            else:
                reply = state(window)
        except Exception:  # noqa: BLE001 - who asks would wait for ever: Qt only reports a slot that raises
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), flush=True)

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(answer)
    sys.exit(app.exec())


if __name__ == "__main__":
    main()
