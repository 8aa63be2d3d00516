"""How large the image is shown, which part of it, and the ways to another one."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest

from tests.app.canvas.conftest import LEFT
from tests.app.canvas.conftest import PLAIN
from tests.app.canvas.conftest import ClickDesk


def test_the_zoom_is_said_and_set_in_per_cent(desk: ClickDesk) -> None:
    bar, canvas = desk.panel._zoom_bar, desk.canvas
    bar.zoom_to(200)
    assert bar.percent.text() == "200 %"
    assert canvas.viewport.scale * canvas.devicePixelRatioF() == 2.0
    canvas.actual_size()
    assert (bar.percent.text(), bar.percent.accessibleName()) == ("100 %", "Zoom: 100 %")
    chosen = {each.text(): each for each in bar.percent.menu().actions()}
    chosen["400 %"].trigger()
    assert bar.percent.text() == "400 %"


def test_a_bar_never_lies_on_an_image_that_is_fitted(desk: ClickDesk) -> None:
    canvas, bar = desk.canvas, desk.panel._zoom_bar
    canvas.fit()
    size = canvas.image_size()
    assert size is not None
    assert canvas.viewport.to_widget(0, size[1])[1] <= bar.y()


def test_the_overview_comes_with_a_part_and_goes_with_the_whole(desk: ClickDesk) -> None:
    canvas, overview = desk.canvas, desk.panel._overview
    canvas.fit()
    assert not overview.isVisible()
    canvas.zoom(8.0)
    assert overview.isVisible()
    size = canvas.image_size()
    assert size is not None
    # A press goes there: a quarter from the left, three quarters from the top.
    where = QPoint(overview.width() // 4, overview.height() * 3 // 4)
    QTest.mouseClick(overview, LEFT, PLAIN, where)
    middle = canvas.viewport.to_image(canvas.width() / 2, canvas.height() / 2)
    assert abs(middle[0] - size[0] / 4) < size[0] / 50
    assert abs(middle[1] - size[1] * 3 / 4) < size[1] / 50
    sight = overview.part_in_sight()
    assert sight.center().x() < size[0] / 2 < sight.center().y() * size[0] / size[1]
    canvas.fit()
    assert not overview.isVisible()
