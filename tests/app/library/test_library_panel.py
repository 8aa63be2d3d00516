"""The library in the real window: searched, heard, used as a take, scanned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sounddesk.app.library.library_jobs import AuditionJob
from sounddesk.app.library.library_jobs import LibraryWork
from sounddesk.app.library.library_jobs import SearchAnswer
from sounddesk.app.library.library_jobs import SearchJob
from sounddesk.app.library.library_jobs import TakeJob
from sounddesk.app.main_window import MainWindow
from sounddesk.audio.files.wav_io import write_wav
from sounddesk.domain.recordings import FoundEvent
from sounddesk.domain.recordings import SoundEvent
from sounddesk.domain.recordings import SoundFormat
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.library.library import Library
from sounddesk.storage.library.library import default_library_path
from sounddesk.storage.library.library_rows import IndexedRecording
from tests.app.conftest import wait_until
from tests.library_parts import bark


@pytest.fixture
def found(tmp_path: Path) -> FoundEvent:
    """An indexed recording of three barks in the user's own library."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    path = folder / "dog_bark.wav"
    samples = bark(count=3)
    write_wav(path, samples, sample_rate_hz=16_000)
    shape = SoundFormat(frames=len(samples), sample_rate_hz=16_000, channels=1, encoding="PCM_24")
    events = tuple(
        SoundEvent(start_s=0.1 + 0.5 * each, end_s=0.4 + 0.5 * each, peak_db=-15.0, level_db=-20.0) for each in range(3)
    )
    with Library(default_library_path()) as library:
        folder_id = library.add_folder(folder, licence="house", commercial=False)
        row = IndexedRecording(
            path=path, size=1, mtime_ns=1, sha256="a" * 64, analysis="1", format=shape, behaviour="repeating",
            words=("dog bark", "", "", ""), events=events, embeddings=np.ones((3, 512), np.float16),
        )  # fmt: skip
        library.put(folder_id, [row])
        recording = library.recording_at(path)
        assert recording is not None
        event_id, event = library.events_of(recording.id)[0]
    return FoundEvent(recording=recording, event=event, event_id=event_id)


def test_enter_lays_a_recording_out_as_a_take_of_the_current_object(window: MainWindow, found: FoundEvent) -> None:
    services, panel = window.services, window.recordings.panel
    object_id = services.document.project.objects[0].id
    services.selection.select_objects([object_id])
    window.recordings.worker.answered.emit(SearchJob(words="dog"), SearchAnswer(found=(found,), recordings=1))
    assert panel.list.count() == 1
    assert services.actions["library.use"].isEnabled()
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    wait_until(lambda: len(services.document.takes) == 1, seconds=30)
    (take,) = services.document.takes
    assert take.object_id == object_id
    assert take.recipe["recordings"][0]["sha256"] == "a" * 64
    assert take.sample_rate_hz == 16_000
    assert take.notes == ("the licence of dog_bark.wav (house) forbids paid work",)
    assert [clip.take_id for clip in services.document.project.clips_of(object_id)] == [take.id]
    services.document.undo()
    assert not services.document.project.clips


def test_what_is_missing_stands_in_the_middle_of_an_empty_list(window: MainWindow, found: FoundEvent) -> None:
    panel, worker = window.recordings.panel, window.recordings.worker
    assert panel.list.accessibleDescription().startswith("Add a folder") and panel._state.isHidden()
    panel.resize(360, 400)
    empty = panel.list.grab().toImage()
    panel.list.set_empty_text("")
    assert panel.list.grab().toImage() != empty
    worker.answered.emit(SearchJob(words="dog"), SearchAnswer(found=(found,), recordings=1))
    assert (panel.list.accessibleDescription(), panel._state.isHidden()) == ("", False)
    worker.answered.emit(SearchJob(words="cow"), SearchAnswer(found=(), recordings=1))
    assert panel.list.accessibleDescription().startswith("Nothing found") and panel._state.isHidden()


def test_a_drag_carries_the_file(window: MainWindow, found: FoundEvent) -> None:
    panel = window.recordings.panel
    panel.list.show_found((found,))
    data = panel.list.mimeData(panel.list.selectedItems())
    assert [Path(url.toLocalFile()) for url in data.urls()] == [found.recording.path]


def test_without_an_object_it_is_said_what_is_missing(window: MainWindow, found: FoundEvent, told: list[str]) -> None:
    window.services.selection.select_objects(())
    window.recordings.panel.list.show_found((found,))
    window.recordings.use()
    window.recordings.search_for_object()
    assert told[-2:] == ["No object is selected: click on one first."] * 2


def test_jobs_read_events_and_an_empty_library_loads_nothing(found: FoundEvent, tmp_path: Path) -> None:
    work = LibraryWork(lambda: Library(default_library_path()))
    heard = work.do(AuditionJob(found=found), CancelToken())
    assert len(heard) == round(0.3 * 48_000)
    assert np.abs(heard).max() > 0.05
    take = work.do(TakeJob(found=found, object_id="o1", seconds=4.0, seed=3), CancelToken())
    assert take.samples.shape == (64_000, 1)
    work.close()
    empty = LibraryWork(lambda: Library(tmp_path / "empty.sqlite"))
    answer = empty.do(SearchJob(words="dog"), CancelToken())
    assert (answer.found, answer.recordings) == ((), 0)
    empty.close()


def test_a_scan_that_cannot_begin_is_told(window: MainWindow, tmp_path: Path) -> None:
    worker = window.recordings.worker
    ended: list[object] = []
    worker.scan_ended.connect(ended.append)
    worker.scan(tmp_path / "nothing here")
    wait_until(lambda: bool(ended), seconds=30)
    assert ended == [None]
    assert not worker.is_scanning
