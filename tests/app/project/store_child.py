"""A process that works on a project until it is killed; each number printed is a state that was on the disk before."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from PySide6.QtWidgets import QApplication

from sounddesk.app.project.document import Document
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.settings import Settings
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import Take
from sounddesk.domain.tiled_mask import TiledMask
from tests.app.conftest import succeeds


def main() -> None:
    app = QApplication([])
    assert app is not None
    document = Document()
    store = ProjectStore(document, Settings())
    if len(sys.argv) > 1:
        assert succeeds(store.open, Path(sys.argv[1]))
    pixels = np.zeros((400, 500), dtype=np.uint8)
    number = 0
    while True:
        number += 1
        pixels[number % 400, :] = number % 256
        project = document.project
        if number % 10 == 1:
            mask = TiledMask.from_array(pixels)
            project = project.with_object(SceneObject(id=f"n{number}", name=f"n{number}", mask=mask, seed=number))
        document.add_take(
            Take(
                id=f"k{number}",
                object_id="o",
                number=number,
                seed=number,
                waveform=np.full(500, number, dtype=np.float32),
                sample_rate_hz=16_000,
                recipe={"seed": number},
                created="2026-11-22T10:00:00+00:00",
            )
        )
        document.commit("step", project.with_settings(seed=number))
        store.wait()
        print(number, flush=True)


main()
