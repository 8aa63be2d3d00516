"""While takes are made, the window says of which objects, and how far they are."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from sounddesk.app.main_window import MainWindow
from sounddesk.app.objects.object_list import NAME
from sounddesk.app.objects.row_delegates import SHARE_ROLE
from tests.app.conftest import wait_until


def test_rows_lanes_and_takes_follow_a_generation(window: MainWindow) -> None:
    services = window.services
    first, second = (each.id for each in services.document.project.objects[:2])
    services.selection.select_objects([first])
    QApplication.processEvents()
    window.timeline.fit()
    lanes = window.timeline.grab().toImage()
    seen: list[dict[str, float]] = []
    window._making.changed.connect(lambda: seen.append(window._making.shares))
    services.generation.generate([first])
    services.generation.generate([second])
    assert window._making.shares == {first: 0.0, second: 0.0}
    row = window.objects._list.topLevelItem(0)
    assert row is not None
    assert row.data(NAME, SHARE_ROLE) == 0.0
    assert "making a take" in window.takes._title.text()
    assert window.timeline.grab().toImage() != lanes
    wait_until(lambda: not services.generate.waiting, seconds=120)
    assert any(0.0 < shares.get(first, 0.0) <= 1.0 for shares in seen)
    assert window._making.shares == {}
    assert row.data(NAME, SHARE_ROLE) is None
    assert window.takes._title.text().endswith("1 take")
    # What is cancelled is in the making no more.
    services.generation.generate([first])
    services.generate.cancel_all()
    wait_until(lambda: not services.generate.waiting, seconds=60)
    assert window._making.shares == {}
