"""While takes are made, the window says of which objects, and how far they are."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from sounddesk.app.main_window import MainWindow
from sounddesk.app.objects.object_list import NAME
from sounddesk.app.objects.row_delegates import SHARE_ROLE
from sounddesk.engine.tasks import Progress
from tests.app.conftest import wait_until


def test_rows_lanes_and_takes_follow_a_generation(window: MainWindow) -> None:
    services = window.services
    first, second = (each.id for each in services.document.project.objects[:2])
    services.selection.select_objects([first])
    QApplication.processEvents()
    window.timeline.fit()
    lanes = window.timeline.grab().toImage()
    services.generation.generate([first])
    services.generation.generate([second])
    assert window._making.shares == {first: 0.0, second: 0.0}
    row = window.objects._list.topLevelItem(0)
    assert row is not None
    assert row.data(NAME, SHARE_ROLE) == 0.0
    assert "making a take" in window.takes._title.text()
    assert window.timeline.grab().toImage() != lanes
    # How far it is, as the queue tells while networks compute; loading them tells nothing.
    for stage, done in (("denoise", 1), ("decode", 0)):
        progress = Progress(stage=stage, done=done, total=4, elapsed_s=1.0)
        services.generate.progressed.emit(services.generate.waiting[0], progress)
        assert row.data(NAME, SHARE_ROLE) == 0.25
    wait_until(lambda: not services.generate.waiting, seconds=120)
    assert window._making.shares == {}
    assert row.data(NAME, SHARE_ROLE) is None
    assert window.takes._title.text().endswith("1 take")
    # What is cancelled is in the making no more.
    services.generation.generate([first])
    services.generate.cancel_all()
    wait_until(lambda: not services.generate.waiting, seconds=60)
    assert window._making.shares == {}
