"""Batches in the window: real processes with the tiny bundle, driven by mouse and keys."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from sounddesk.app.batch.batch_process import command
from sounddesk.app.batch.batch_request import BatchRequest
from sounddesk.app.batch.queue_file import queue_folder
from sounddesk.storage.project_file import read_project
from tests import hostile_folder
from tests.app.batch.conftest import FRAMES
from tests.app.batch.conftest import BatchDesk
from tests.app.batch.conftest import answer
from tests.app.batch.conftest import choose
from tests.app.batch.conftest import click
from tests.app.batch.conftest import mask_file
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until


@pytest.mark.slow
def test_from_the_open_project_to_a_result_as_project(batch_desk: BatchDesk, tmp_path: Path) -> None:
    # Many steps make frames slow enough to be paused between.
    asked_with = batch_desk.open_project(steps=40)
    batch_desk.services.document.commit("Louder", asked_with.with_strip("o1", gain_db=-6.0))
    form = batch_desk.ask()
    assert f"{FRAMES} frames: f.1.png … f.{FRAMES}.png" in form.frames.found.text()
    assert form.of_project.text().endswith("street: red, blue, ambience")
    out = tmp_path / "shot-sounds"
    assert form.out.line.text() == str(out)
    form.every.setFocus()
    QTest.keyClick(form.every, Qt.Key.Key_Up)
    assert "4 of 8" in form.count.text()
    asked: list[str] = []
    answer("save_first", "Cancel", asked=asked)
    click(form.add_button)
    assert form.isVisible()
    assert batch_desk.queue.entries == ()
    answer("save_first", "Save", asked=asked)
    click(form.add_button)
    assert asked == ["Save the project first?"] * 2
    wait_until(lambda: bool(batch_desk.queue.entries))
    assert not batch_desk.services.document.is_dirty
    (entry,) = batch_desk.queue.entries

    def now() -> str:
        found = batch_desk.queue.entry(entry.id)
        return "" if found is None else found.state

    wait_until(lambda: now() != "running" or batch_desk.queue.entries[0].done > 0, seconds=240)
    item = batch_desk.dialog.list.topLevelItem(0)
    assert item is not None
    assert item.text(1) == "running"
    click(batch_desk.dialog.pause_button)
    assert item.text(1) == "stopping…"
    wait_until(lambda: now() == "paused", seconds=120)
    assert 0 < batch_desk.queue.entries[0].done < 4
    assert not (out / "index.html").exists()
    first = (out / "f_1" / "red.wav").stat().st_mtime_ns
    # What the artist goes on with meanwhile is not what the batch was asked for.
    document = batch_desk.services.document
    document.commit("Other words", document.project.with_changed_object("o1", hint="meow", colour="#123456"))
    click(batch_desk.dialog.resume_button)
    wait_until(lambda: now() in ("done", "failed"), seconds=240)
    assert (now(), batch_desk.queue.entries[0].message) == ("done", "")
    assert batch_desk.said[-1] == "The batch of shot is done."
    assert (out / "f_1" / "red.wav").stat().st_mtime_ns == first
    assert batch_desk.dialog.results.page_button.isEnabled()

    results = batch_desk.dialog.results
    shown = [[results.model.index(line, column).data() for column in (0, 1, 3)] for line in range(12)]
    assert results.model.rowCount() == 12
    assert shown[3:6] == [["f.3.png", name, "done"] for name in ("ambience", "blue", "red")]
    # Nothing is left to resume, and what was made can be listened to.
    assert not batch_desk.dialog.resume_button.isEnabled()
    player = batch_desk.services.player
    table = results.table
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Space)
    wait_until(lambda: player.is_playing)
    QTest.keyClick(table, Qt.Key.Key_Space)
    assert not player.is_playing
    QTest.keyClick(table, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    for _ in range(4):
        QTest.keyClick(table, Qt.Key.Key_Down)
    answer("", "Cancel", asked=asked)
    QTest.keyClick(table, Qt.Key.Key_Return)
    wait_until(lambda: len(asked) == 3)
    assert document.project.image is not None
    assert document.project.image.name == "f.1.png"
    answer("", "Discard", asked=asked)
    click(results.open_button)
    wait_until(lambda: document.project.image is not None and document.project.image.name == "f.3.png", seconds=60)
    project = document.project
    assert batch_desk.services.store.path is None
    assert batch_desk.dialog.isHidden()
    assert [each.name for each in project.objects] == ["red", "blue", "ambience"]
    assert [each.hint for each in project.objects] == ["bark", "", ""]
    assert [each.colour for each in project.objects] == [each.colour for each in asked_with.objects]
    assert (project.settings.steps, project.settings.seconds, project.settings.timeline_s) == (40, 1.0, 1.0)
    red, _, ambience = project.objects
    coverage = mask_file(out / "f_3" / "masks" / "red.png")
    assert np.array_equal(red.mask.to_array(), coverage)
    assert 0 < np.count_nonzero((coverage > 0) & (coverage < 255))
    assert ambience.mask.is_empty
    for each in project.objects:
        (clip,) = project.clips_of(each.id)
        take = document.takes[clip.take_id]
        sound, rate = soundfile.read(out / "f_3" / f"{each.name}.wav", dtype="float32")
        assert np.array_equal(take.waveform, sound)
        assert (take.sample_rate_hz, take.number, take.seed) == (rate, 1, each.seed)
        assert (clip.start_s, clip.duration_s) == (0.0, 1.0)
        assert take.recipe["bundle"] == project.settings.bundle
    # It can be gone on with, and saved.
    document.commit("Fader", project.with_strip(red.id, gain_db=-3.0))
    assert succeeds(batch_desk.services.store.save_as, tmp_path / "f3.sdesk")
    assert len(read_project(tmp_path / "f3.sdesk").takes) == 3


def test_what_cannot_be_rendered_is_told_before_anything_starts(batch_desk: BatchDesk, tmp_path: Path) -> None:
    form = batch_desk.ask()
    # No project is open: only proposed objects are left.
    assert not form.of_project.isEnabled()
    assert "none is open" in form.of_project.text()
    assert form.automatic.isChecked()
    choose(form.bed)
    assert "select the objects" in form.problem.text()
    assert not form.add_button.isEnabled()
    choose(form.per_frame)
    (tmp_path / "empty").mkdir()
    line = form.frames.folder.line
    for path, told in ((tmp_path / "empty", "holds no image"), (tmp_path / "gone", "cannot be read")):
        line.setText(str(path))
        wait_until(lambda: not form.frames.is_looking)
        assert told in form.problem.text()
        assert not form.add_button.isEnabled()
    line.setText(str(batch_desk.folder))
    wait_until(lambda: not form.frames.is_looking)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    for out, told in (
        (tmp_path / "notes" / "a.txt" / "deep", "a part of its path is a file"),
        (tmp_path / "notes", "holds other files"),
        (tmp_path / "notes" / "a.txt", "is a file"),
        (batch_desk.folder, "cannot go into the folder of the frames"),
    ):
        form.out.line.setText(str(out))
        click(form.add_button)
        assert told in form.problem.text()
        assert form.isVisible()
    assert batch_desk.queue.entries == ()
    assert sorted(path.name for path in (tmp_path / "notes").iterdir()) == ["a.txt"]
    QTest.keyClick(form, Qt.Key.Key_Escape)


def test_a_movie_is_offered_with_its_own_rate(batch_desk: BatchDesk, tmp_path: Path) -> None:
    movie = tmp_path / "street.mov"
    with av.open(str(movie), "w") as container:
        container.metadata["timecode"] = "10:00:00:00"
        video = container.add_stream("png", rate=Fraction(30000, 1001))
        video.width, video.height, video.pix_fmt = 64, 48, "rgb24"
        for _ in range(60):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(video.encode(None))
    batch_desk.open_project()
    form = batch_desk.ask()
    form.frames.folder.line.setText(str(movie))
    wait_until(lambda: len(form.frames.frames) == 60)
    assert form.frames.found.text() == "60 frames, 29.97 per second, starts at 10:00:00:00"
    form.bed.setChecked(True)
    form.every.setValue(7)
    assert (form.frames_per_s.value(), form.out.path) == (29.97, tmp_path / "street-sounds")
    assert "9 of 60; the shot lasts 2 s" in form.count.text()
    assert form._request().arguments()[1] == str(movie)
    form.frames.folder.line.setText(str(tmp_path / "none.mov"))
    wait_until(lambda: bool(form.frames.problem))
    form.reject()


def test_a_shot_too_short_for_a_continuous_sound_is_told(batch_desk: BatchDesk) -> None:
    batch_desk.open_project()
    form = batch_desk.ask()
    form.frames_per_s.setValue(24.0)
    choose(form.bed)
    assert "choose another frame rate" in form.problem.text()
    form.frames_per_s.setValue(4.0)
    assert form.add_button.isEnabled()
    assert form.frames_per_s.isVisible()
    assert not form.seconds.isVisible()


def request_for(batch_desk: BatchDesk, name: str, **changes: object) -> BatchRequest:
    return BatchRequest(folder=batch_desk.folder, out=batch_desk.folder.parent / name, name="shot", **changes)


def test_the_queue_outlives_the_window_and_is_put_in_order(batch_desk: BatchDesk, tmp_path: Path) -> None:
    project = batch_desk.open_project()
    batch_desk.batches.show()
    batch_desk.form.reject()
    queue = batch_desk.queue
    contents = read_project(tmp_path / "street.sdesk")
    bundle = project.settings.bundle
    ids = [queue.add(request_for(batch_desk, name, bundle=bundle), contents) for name in ("one", "two", "three")]
    assert [each.state for each in queue.entries] == ["running", "waiting", "waiting"]
    batches = batch_desk.dialog.list
    batches.select(ids[2])
    QTest.keyClick(batches, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert [each.id for each in queue.entries] == [ids[0], ids[2], ids[1]]
    assert batches.selected_ids == [ids[2]]
    # A second window keeps its hands off.
    other = batch_desk.new_commands()
    other.show()
    assert "another sounddesk window" in batch_desk.said[-1]
    assert other.queue is None
    # Asked before it is paused by closing.
    asked: list[str] = []
    answer("batch_runs", "Cancel", asked=asked)
    assert not batch_desk.batches.may_close()
    answer("batch_runs", "Pause and close", asked=asked)
    assert batch_desk.batches.may_close()
    assert len(asked) == 2
    process = queue.process_id
    assert process
    batch_desk.batches.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    batch_desk.batches = other
    other.show()
    assert [(each.id, each.state) for each in batch_desk.queue.entries] == [
        (ids[0], "paused"),
        (ids[2], "paused"),
        (ids[1], "paused"),
    ]
    batches = batch_desk.dialog.list
    batches.selectAll()
    QTest.keyClick(batches, Qt.Key.Key_Delete)
    assert batch_desk.queue.entries == ()
    assert [path.name for path in queue_folder().iterdir() if path.is_dir()] == []


def test_a_batch_that_fails_says_why_and_the_next_one_begins(batch_desk: BatchDesk) -> None:
    batch_desk.batches.show()
    batch_desk.form.reject()
    queue = batch_desk.queue
    broken = queue.add(request_for(batch_desk, "one", bundle="nowhere"))
    killed = queue.add(request_for(batch_desk, "two", bundle=batch_desk.services.bundle_of_new_projects))
    wait_until(lambda: queue.running is not None and queue.running.id == killed, seconds=120)
    failed = queue.entry(broken)
    assert failed is not None
    assert failed.state == "failed"
    assert "nowhere" in failed.message
    batch_desk.dialog.list.select(broken)
    assert "nowhere" in batch_desk.dialog.results.note.text()
    wait_until(lambda: bool(queue.process_id))
    os.kill(queue.process_id or 0, signal.SIGKILL)
    wait_until(lambda: queue.running is None, seconds=60)
    ended = queue.entry(killed)
    assert ended is not None
    assert (ended.state, ended.message) == ("failed", "It ended unexpectedly. Resume goes on where it stopped.")
    queue.cancel([killed])
    assert not batch_desk.dialog.isHidden()
    # Every button and list says what it is.
    for widget in batch_desk.dialog.findChildren(QWidget):
        if widget.objectName() in ("batches", "results"):
            assert widget.accessibleName()


def test_an_unreadable_queue_is_put_aside(batch_desk: BatchDesk) -> None:
    queue_folder().mkdir(parents=True)
    (queue_folder() / "queue.json").write_text('{"format": "sounddesk-batch-queue", "version": 1, "batches": [{}]}')
    batch_desk.batches.show()
    batch_desk.form.reject()
    assert any("cannot be read and begins anew" in text for text in batch_desk.said)
    assert (queue_folder() / "queue.unreadable.json").exists()
    assert batch_desk.queue.entries == ()


def test_the_current_folder_is_not_searched_for_modules(tmp_path: Path) -> None:
    imported = hostile_folder.fill(tmp_path / "shot")
    program, first = command()
    arguments = [program, *first, "render", "nowhere.png", "--auto", "--quiet"]
    done = subprocess.run(arguments, cwd=tmp_path / "shot", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "sounddesk: image 'nowhere.png' does not exist: check the path\n")
    assert not imported.exists()


def test_a_frozen_window_starts_the_frozen_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", "/opt/sounddesk/_internal", raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/sounddesk/sounddesk-desk")
    assert command() == ("/opt/sounddesk/sounddesk", [])
