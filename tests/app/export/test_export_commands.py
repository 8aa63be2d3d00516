"""Export, export on save and dragging out, in a window's services without the window."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QWidget

from sounddesk.app.export import drag_out_panel
from sounddesk.app.export.drag_files import DragItem
from sounddesk.app.export.drag_out_panel import DragOutPanel
from sounddesk.app.export.export_commands import ExportCommands
from sounddesk.app.export.export_commands import on_save_text
from sounddesk.app.export.export_commands import read_on_save
from sounddesk.app.export.export_dialog import ExportRequest
from sounddesk.app.export.export_runner import ExportJob
from sounddesk.app.export.exports_on_save import ExportsOnSave
from sounddesk.app.notifications import Notice
from sounddesk.app.notifications import notifier
from sounddesk.app.runtime.revealing import reveal_command
from sounddesk.app.services import Services
from sounddesk.app.settings import Settings
from sounddesk.audio.exporters.export_plan import ExportPlan
from sounddesk.audio.exporters.export_plan import plan_export
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.timeline import Clip
from sounddesk.storage.project_file import read_project
from tests.app.conftest import succeeds
from tests.app.conftest import wait_until
from tests.audio.conftest import MASK
from tests.audio.conftest import a_take


class Place:
    """A window's services with one lane and one clip."""

    def __init__(self, told: list[str]) -> None:
        self.services = Services(Settings())
        self.window = QWidget()
        self.exports = ExportCommands(self.services, self.window)
        self.said = told
        document = self.services.document
        document.add_take(a_take("t1", "o1"))
        lane = SceneObject(id="o1", name="dog", mask=MASK, seed=0)
        clip = Clip(id="c1", object_id="o1", take_id="t1", start_s=0.5, duration_s=1.0)
        project = Project(objects=(lane,), clips=(clip,)).with_settings(timeline_s=2.0)
        document.commit("Begin", dataclasses.replace(document.project, objects=project.objects, clips=project.clips))
        document.commit("Length", document.project.with_settings(timeline_s=2.0))

    def plan(self, **changes: object) -> ExportPlan:
        document = self.services.document
        return plan_export(document.project, document.takes, ExportSettings(**changes), name="street")


@pytest.fixture
def place(qapp: QApplication, told: list[str]) -> Iterator[Place]:
    made = Place(told)
    yield made
    made.exports.close()
    made.services.close()


def test_an_export_says_where_it_is_and_its_path_can_be_copied(place: Place, tmp_path: Path) -> None:
    actions = place.services.actions
    assert not actions["file.reveal_export"].isEnabled()
    place.exports.export(ExportRequest(plan=place.plan(), folder=tmp_path / "out"))
    wait_until(lambda: bool(place.said))
    assert place.said == [f"3 files are in {tmp_path / 'out'}"]
    actions["file.copy_export_path"].trigger()
    assert QGuiApplication.clipboard().text() == str(tmp_path / "out" / "street_dog.wav")
    notices: list[Notice] = []
    notifier.noticed.connect(notices.append)
    place.exports.export(ExportRequest(plan=place.plan(), folder=tmp_path / "out"))
    wait_until(lambda: place.said[-1].startswith("error"))
    # What happened, why, and a way on.
    (refused,) = notices
    assert refused.title == "Nothing was exported."
    assert "exists already" in refused.cause
    assert refused.button is not None and refused.button.text == "Export again…"
    notifier.noticed.disconnect(notices.append)


def test_a_cancelled_export_leaves_nothing(place: Place, tmp_path: Path) -> None:
    document = place.services.document
    job = ExportJob(project=document.project, takes=document.takes, plan=place.plan(), folder=tmp_path / "out" / "deep")
    job.cancel.cancel()
    ended: list[ExportJob] = []
    place.exports.runner.cancelled.connect(ended.append)
    place.exports.runner.start(job)
    wait_until(lambda: ended == [job])
    assert not (tmp_path / "out").exists()


def test_export_on_save_is_a_setting_of_the_project_and_can_be_undone(place: Place, tmp_path: Path) -> None:
    document, store = place.services.document, place.services.store
    out = tmp_path / "out"
    place.exports.export(ExportRequest(plan=place.plan(format="wav16", sidecar=False), folder=out, on_save=True))
    wait_until(lambda: (out / "street_mix.wav").exists())
    assert document.undo_stack.undoText() == "Export on every save"
    assert succeeds(store.save_as, tmp_path / "street.sdesk")
    wait_until(lambda: len(place.said) == 2)
    before = (out / "street_dog.wav").read_bytes()
    document.commit("Fader", document.project.with_strip("o1", gain_db=-20.0))
    assert succeeds(store.save)
    wait_until(lambda: len(place.said) == 3)
    assert (out / "street_dog.wav").read_bytes() != before
    assert sorted(path.name for path in out.iterdir()) == ["street_dog.wav", "street_mix.wav"]
    # It came with the file.
    kept = read_project(tmp_path / "street.sdesk").project.settings.export_on_save
    assert read_on_save(kept) == ("street", out, ExportSettings(format="wav16", sidecar=False))
    document.commit("Elsewhere", document.project.with_settings(export_on_save="nonsense"))
    assert succeeds(store.save)
    wait_until(lambda: place.said[-1].startswith("error: The export on save was left out"))


def test_a_project_from_elsewhere_exports_nothing_until_it_is_allowed_here(place: Place, tmp_path: Path) -> None:
    document, store = place.services.document, place.services.store
    out = tmp_path / "hers"
    out.mkdir()
    (out / "street_mix.wav").write_bytes(b"hers")
    text = on_save_text(place.plan(format="wav16"), out)
    document.commit("As it came", document.project.with_settings(export_on_save=text))
    notices: list[Notice] = []
    notifier.noticed.connect(notices.append)
    assert succeeds(store.save_as, tmp_path / "street.sdesk")
    document.commit("Fader", document.project.with_strip("o1", gain_db=-20.0))
    assert succeeds(store.save)
    # Told once, however often it is saved.
    (asked,) = notices
    assert str(out) in asked.title and asked.button is not None
    assert [path.name for path in out.iterdir()] == ["street_mix.wav"]
    # Allowed, it still replaces nothing that it did not write.
    asked.button.press()
    wait_until(lambda: len(place.said) == 2)
    assert "street_mix.wav was not written by this export" in place.said[-1]
    assert [path.name for path in out.iterdir()] == ["street_mix.wav"]
    assert (out / "street_mix.wav").read_bytes() == b"hers"
    (out / "street_mix.wav").unlink()
    assert succeeds(store.save)
    wait_until(lambda: len(place.said) == 3)
    assert (out / "street_mix.wav").is_file()
    notifier.noticed.disconnect(notices.append)


def test_what_was_allowed_and_written_here_is_known_after_a_restart(
    place: Place, tmp_path: Path, qapp: QApplication
) -> None:
    out = tmp_path / "out"
    place.exports.export(ExportRequest(plan=place.plan(format="wav16"), folder=out, on_save=True))
    wait_until(lambda: len(place.said) == 1)
    text = place.services.document.project.settings.export_on_save
    again = ExportsOnSave(Settings())
    assert again.is_allowed(text) and not again.is_allowed(text + " ")
    mix = out / "street_mix.wav"
    assert again.may_replace(text, mix)
    # Worked on in another program meanwhile: hers.
    mix.write_bytes(mix.read_bytes() + b"edited")
    assert not again.may_replace(text, mix)
    assert not again.may_replace(text, out / "other.wav")


@pytest.mark.parametrize("stored", ['{"a": {"/x": [1]}}', '{"a": {"/x": "y"}}', '{"a": {"/x": [1, null]}}', "[]"])
def test_damaged_settings_allow_the_replacing_of_nothing(stored: str, qapp: QApplication) -> None:
    settings = Settings()
    settings.store("exports_on_save", stored)
    assert not ExportsOnSave(settings).may_replace("a", Path("/x"))


def test_the_panel_offers_mix_stems_and_selected_clips(place: Place) -> None:
    panel = DragOutPanel(place.services, place.exports)
    assert panel.entries() == [DragItem(kind="mix"), DragItem(kind="stem", id="o1")]
    place.services.selection.select_clips(["c1"])
    assert panel.entries()[-1] == DragItem(kind="clip", id="c1")
    document = place.services.document
    document.commit("Empty", document.project.without_clips(["c1"]))
    assert panel.entries() == []


@pytest.mark.parametrize(
    ("entry", "name", "seconds"),
    [
        (DragItem(kind="mix"), "mix.wav", 2.0),
        (DragItem(kind="stem", id="o1"), "dog.wav", 2.0),
        (DragItem(kind="clip", id="c1"), "dog_clip01.wav", 1.0),
    ],
)
def test_a_dragged_file_is_there_before_the_drag_and_kept(
    place: Place, entry: DragItem, name: str, seconds: float
) -> None:
    panel = DragOutPanel(place.services, place.exports)
    assert panel.prepare(entry) is None
    wait_until(lambda: panel.prepare(entry) is not None)
    path = panel.prepare(entry)
    assert path is not None
    assert path.name == name
    assert soundfile.info(path).duration == seconds
    data = panel.mime_of([path])
    assert data.hasFormat("text/uri-list")
    assert [Path(url.toLocalFile()) for url in data.urls()] == [path]
    assert data.text() == str(path)
    # Another state of the project is another file; the first stays as it was.
    document = place.services.document
    document.commit("Fader", document.project.with_strip("o1", gain_db=-6.0))
    assert panel.prepare(entry) is None
    wait_until(lambda: panel.prepare(entry) is not None)
    assert panel.prepare(entry) != path
    assert path.exists()
    place.exports.close()
    assert path.exists()


def test_the_drag_begins_when_the_file_is_there_and_the_button_still_held(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = DragOutPanel(place.services, place.exports)
    panel.setCurrentRow(1)
    dragged: list[Path] = []
    monkeypatch.setattr(panel, "_drag", dragged.append)
    monkeypatch.setattr(drag_out_panel.QGuiApplication, "mouseButtons", lambda: Qt.MouseButton.LeftButton)
    panel.startDrag(Qt.DropAction.CopyAction)
    assert "keep the button held" in place.said[0]
    wait_until(lambda: bool(dragged))
    assert dragged[0].is_file()
    panel.startDrag(Qt.DropAction.CopyAction)
    assert dragged == [dragged[0]] * 2


def test_paths_are_copied_from_the_panel(place: Place) -> None:
    panel = DragOutPanel(place.services, place.exports)
    panel.wish(DragItem(kind="mix"), "copy")
    wait_until(lambda: bool(place.said))
    assert Path(QGuiApplication.clipboard().text()).is_file()
    panel.wish(DragItem(kind="clip", id="gone"), "copy")
    assert "no longer in the project" in place.said[-1]


def test_reveal_selects_the_file_where_the_system_can() -> None:
    path = Path("/a/b.wav")
    assert reveal_command(path, platform="win32") == ["explorer", "/select,", str(path)]
    assert reveal_command(path, platform="darwin") == ["open", "-R", str(path)]
    assert reveal_command(path, platform="linux") is None
