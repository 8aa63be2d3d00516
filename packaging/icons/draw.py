"""Draws the icons of the app and of its files in the forms that desktops ask for.

    python packaging/icons/draw.py --out FOLDER

Writes `hicolor/` as Linux wants it, `sounddesk.ico` for Windows and `sounddesk.icns` for macOS.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PySide6.QtCore import QBuffer
from PySide6.QtCore import QByteArray
from PySide6.QtCore import QIODevice
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QImage
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgRenderer

ROOT: Final = Path(__file__).resolve().parents[2]
APP: Final = ROOT / "resources" / "icons" / "sounddesk.svg"
PROJECT: Final = ROOT / "packaging" / "icons" / "project.svg"
APP_ID: Final = "org.sounddesk.sounddesk"
_LINUX_SIDES: Final = (16, 24, 32, 48, 64, 128, 256)
_WINDOWS_SIDES: Final = (16, 24, 32, 48, 64, 128, 256)


def draw(drawing: Path, side: int) -> Image.Image:
    """The drawing, `side` pixels square, with alpha."""
    QGuiApplication.instance() or QGuiApplication([])
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(drawing)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return Image.open(io.BytesIO(data.data())).copy()


def draw_hicolor(folder: Path) -> None:
    """The tree `hicolor/SIZE/{apps,mimetypes}` below `folder`."""
    for drawing, kind, name in ((APP, "apps", APP_ID), (PROJECT, "mimetypes", "application-x-sounddesk-project")):
        for side in _LINUX_SIDES:
            place = folder / "hicolor" / f"{side}x{side}" / kind
            place.mkdir(parents=True, exist_ok=True)
            draw(drawing, side).save(place / f"{name}.png", optimize=True)
        place = folder / "hicolor" / "scalable" / kind
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(drawing, place / f"{name}.svg")


def draw_windows(folder: Path) -> None:
    """`sounddesk.ico` and `project.ico` in `folder`."""
    for drawing, name in ((APP, "sounddesk"), (PROJECT, "project")):
        draw(drawing, 256).save(folder / f"{name}.ico", sizes=[(side, side) for side in _WINDOWS_SIDES])


def draw_macos(folder: Path) -> None:
    """`sounddesk.icns` and `project.icns` in `folder`."""
    for drawing, name in ((APP, "sounddesk"), (PROJECT, "project")):
        draw(drawing, 1024).save(folder / f"{name}.icns")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    draw_hicolor(folder)
    draw_windows(folder)
    draw_macos(folder)


if __name__ == "__main__":
    main()
