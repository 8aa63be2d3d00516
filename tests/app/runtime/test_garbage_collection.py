"""Who destroys widgets that nothing refers to any more."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from sounddesk.app.runtime.garbage_collection import UiThreadGarbageCollector
from sounddesk.app.runtime.garbage_collection import collection_paused


class Panel(QWidget):
    """A widget in a cycle with itself, as signals and their methods make them."""

    def __init__(self, died_on: list[int]) -> None:
        super().__init__()
        self.itself = self
        layout = QVBoxLayout(self)
        self.label = QLabel("text")
        layout.addWidget(self.label)
        weakref.finalize(self, lambda: died_on.append(threading.get_ident()))


def allocate(n: int) -> None:
    for _ in range(n):
        box: list[object] = []
        box.append(box)


def test_widgets_die_on_the_ui_thread_whoever_allocates(
    qapp: QApplication, collector: UiThreadGarbageCollector
) -> None:
    died_on: list[int] = []
    Panel(died_on)
    worker = threading.Thread(target=allocate, args=(200_000,))
    worker.start()
    worker.join()
    assert died_on == []
    while collector.collect_what_is_due() is not None:
        pass
    gc.collect()
    assert died_on == [threading.get_ident()]


def test_only_what_is_due_is_collected_and_the_event_loop_sees_to_it(
    qapp: QApplication, collector: UiThreadGarbageCollector
) -> None:
    from tests.app.conftest import wait_until

    gc.collect()
    assert collector.collect_what_is_due() is None
    allocate(gc.get_threshold()[0] + 10)
    # The youngest generation only, three times a second or so, by the timer.
    wait_until(lambda: gc.get_count()[0] < gc.get_threshold()[0])
    assert not gc.isenabled()


def test_it_gives_the_work_back(qapp: QApplication) -> None:
    gc.enable()
    try:
        collector = UiThreadGarbageCollector()
        assert not gc.isenabled()
        collector.close()
        assert gc.isenabled()
    finally:
        gc.disable()


def test_nothing_is_collected_while_imports_run(qapp: QApplication, collector: UiThreadGarbageCollector) -> None:
    with collection_paused():
        allocate(gc.get_threshold()[0] + 10)
        assert collector.collect_what_is_due() is None
        assert not gc.isenabled()
    # What came in the meantime is taken for something that stays.
    assert gc.get_count()[0] < gc.get_threshold()[0]
    allocate(gc.get_threshold()[0] + 10)
    assert collector.collect_what_is_due() is not None
