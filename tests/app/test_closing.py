"""The window closes at once, whatever is at work behind it."""

from __future__ import annotations

import threading

import numpy as np
from PySide6.QtWidgets import QApplication

from sounddesk.app.desk import open_window
from sounddesk.app.settings import Settings
from sounddesk.engine.segmenters.protocol import Prompt


def test_the_window_closes_while_a_library_loads(qapp: QApplication) -> None:
    window = open_window(Settings())
    loading, go_on = threading.Event(), threading.Event()
    waited_in_vain: list[bool] = []

    def load() -> object:
        loading.set()
        waited_in_vain.append(not go_on.wait(10))
        raise ValueError("too late")

    window.services.segment.set_segmenter(load)  # type: ignore[arg-type]
    window.services.segment.set_image("0" * 64, np.zeros((8, 8, 3), np.uint8))
    window.services.segment.predict(Prompt.click(1, 1))
    assert loading.wait(20)
    window.close()
    assert not window.isVisible()
    assert waited_in_vain == []
    go_on.set()
    window.shut_down()
    assert waited_in_vain == [False]
    assert "the selection" not in [each.name for each in threading.enumerate()]
