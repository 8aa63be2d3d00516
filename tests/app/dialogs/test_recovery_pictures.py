"""The pictures of the recovery list: stills are shown, and nothing else is even tried."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from sounddesk.app.dialogs.recovery_dialog import _picture

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="60" height="40" fill="red"/></svg>'
XPM = b'/* XPM */\nstatic char *x[] = {\n"1 1 1 1",\n"a c #ff0000",\n"a"\n};\n'


def middle(icon: QIcon) -> str:
    image = icon.pixmap(60, 40).toImage()
    return str(image.pixelColor(image.width() // 2, image.height() // 2).name())


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_stills_are_shown(kind: str, qapp: QApplication) -> None:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), (255, 0, 0)).save(file, kind)
    assert middle(_picture(file.getvalue())) == "#ff0000"


@pytest.mark.parametrize("file", [SVG, XPM, b"%!PS-Adobe-3.0 EPSF-3.0\n{} loop", b"x" * 100, b""])
def test_other_kinds_are_not_read(file: bytes, qapp: QApplication) -> None:
    assert middle(_picture(file)) == "#a0a0a4"
