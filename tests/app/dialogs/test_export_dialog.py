from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QDialogButtonBox
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QMessageBox
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QScrollArea

from sounddesk.app.export.export_dialog import ExportDialog
from sounddesk.app.export.export_dialog import ExportRequest
from sounddesk.app.export.export_fields import ExportFields
from sounddesk.app.export.export_history import ExportHistory
from sounddesk.app.settings import Settings
from sounddesk.audio.exchange.exchange_format import EXCHANGE_FORMATS
from sounddesk.audio.exporters.export_settings import PRESETS
from sounddesk.audio.exporters.export_settings import ExportSettings
from sounddesk.audio.formats.audio_format import AUDIO_FORMATS
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.take import TakeLibrary
from sounddesk.domain.timeline import Clip
from sounddesk.storage.path_text import home_folder
from tests.audio.conftest import MASK
from tests.audio.conftest import a_take

TAKES = TakeLibrary([a_take("t1", "o1"), a_take("t2", "o1", number=2)])


def farm() -> Project:
    lanes = (SceneObject(id="o1", name="cow", mask=MASK, seed=0), SceneObject(id="o2", name="sheep", mask=MASK, seed=0))
    clips = tuple(
        Clip(id=f"c{lane.id}", object_id=lane.id, take_id="t1", start_s=0.0, duration_s=1.0) for lane in lanes
    )
    return Project(objects=lanes, clips=clips)


@pytest.fixture
def memory(qapp: QApplication, tmp_path: Path) -> ExportHistory:
    settings = Settings()
    settings.export_folder = tmp_path
    return ExportHistory(settings)


def export_button(dialog: ExportDialog) -> QPushButton:
    return next(each for each in dialog.findChildren(QPushButton) if each.text().replace("&", "") == "Export")


def summary(dialog: ExportDialog) -> str:
    return "\n".join(each.text() for each in dialog.findChildren(QLabel))


def test_a_recording_whose_licence_forbids_paid_work_is_named_before_the_export(memory: ExportHistory) -> None:
    recording = {"file": "dog.wav", "sha256": "a" * 64, "licence": "house", "commercial": False}
    take = dataclasses.replace(a_take("t1", "o1"), recipe={"recordings": [recording]})
    assert "forbids" not in summary(ExportDialog(farm(), TAKES, memory, "farm"))
    dialog = ExportDialog(farm(), TakeLibrary([take]), memory, "farm")
    assert "The licence of dog.wav (house) forbids paid work" in summary(dialog)
    assert export_button(dialog).isEnabled()
    dialog = ExportDialog(farm().with_settings(paid_work=False), TakeLibrary([take]), memory, "farm")
    assert "forbids" not in summary(dialog)


def test_it_lists_what_it_will_write_and_hands_over_that_very_plan(memory: ExportHistory, tmp_path: Path) -> None:
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    chosen: list[ExportRequest] = []
    dialog.export_requested.connect(chosen.append)
    dialog.show()
    assert dialog.names == ["farm_cow.wav", "farm_sheep.wav", "farm_mix.wav", "farm_export.json"]
    dialog.use_preset("library")
    assert "nothing to write" in summary(dialog)
    assert not export_button(dialog).isEnabled()
    dialog.fields.takes.setCurrentIndex(dialog.fields.takes.findData("all"))
    dialog.fields.creator.setText("jane")
    assert dialog.names[0] == "ANMLFarm_CowTake01_Jane_Farm.wav"
    assert "UCS" in dialog.fields.creator.placeholderText()
    QTest.mouseClick(export_button(dialog), Qt.MouseButton.LeftButton)
    assert [file.name for file in chosen[0].plan.files] == [
        "ANMLFarm_CowTake01_Jane_Farm.wav",
        "ANMLFarm_CowTake02_Jane_Farm.wav",
    ]
    assert chosen[0].folder == tmp_path
    # The next dialog starts where this one ended.
    again = ExportDialog(farm(), TAKES, memory, "farm")
    assert again.fields.settings() == chosen[0].plan.settings


def test_the_same_folder_takes_a_second_version(memory: ExportHistory, tmp_path: Path) -> None:
    (tmp_path / "farm_cow.wav").touch()
    (tmp_path / "farm_v2_mix.wav").touch()
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    assert dialog.names == ["farm_v3_cow.wav", "farm_v3_sheep.wav", "farm_v3_mix.wav", "farm_v3_export.json"]
    assert export_button(dialog).isEnabled()
    # Names without the project's in them are the same in every version.
    (tmp_path / "cow.wav").touch()
    dialog.fields.template.setText("{object}")
    assert dialog.names[0] == "cow.wav  (exists)"
    assert not export_button(dialog).isEnabled()
    dialog.accept()
    assert not dialog.result()
    dialog.fields.template.setText("{project}_{object}")
    dialog._on_save.setChecked(True)
    assert export_button(dialog).isEnabled()
    assert "will be replaced" in summary(dialog)


@pytest.mark.parametrize("answer", ["Cancel", "Replace"])
def test_replacing_is_asked_about(memory: ExportHistory, tmp_path: Path, answer: str) -> None:
    (tmp_path / "farm_cow.wav").touch()
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    requests: list[ExportRequest] = []
    dialog.export_requested.connect(requests.append)
    dialog._existing.setCurrentIndex(dialog._existing.findData("replace"))
    asked: list[str] = []

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        (button,) = [each for each in box.buttons() if each.text().replace("&", "") == answer]
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, press)
    QTest.mouseClick(export_button(dialog), Qt.MouseButton.LeftButton)
    assert asked == [f"Replace farm_cow.wav in {tmp_path}?"]
    assert [each.replace for each in requests] == ([True] if answer == "Replace" else [])


def test_the_whole_form_is_in_sight_and_enter_exports(memory: ExportHistory, tmp_path: Path) -> None:
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    dialog.show()
    QApplication.processEvents()
    assert dialog.width() <= 1280
    assert dialog.height() <= 800
    (area,) = dialog.findChildren(QScrollArea)
    assert area.horizontalScrollBar().maximum() == 0
    assert export_button(dialog).isDefault()
    QTest.keyClick(dialog._folder, Qt.Key.Key_Return)
    assert dialog.result()


def test_the_first_folder_is_not_home_itself(qapp: QApplication, tmp_path: Path) -> None:
    history = ExportHistory(Settings())
    assert ExportDialog(farm(), TAKES, history, "farm").folder == home_folder() / "sounddesk"
    assert ExportDialog(farm(), TAKES, history, "farm", folder=tmp_path / "f").folder == tmp_path / "f"


def test_a_wrong_template_is_said_at_once(memory: ExportHistory) -> None:
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    dialog.fields.template.setText("{nose}")
    assert "{nose}: choose from project" in summary(dialog)
    assert not export_button(dialog).isEnabled()
    assert dialog.findChild(QDialogButtonBox) is not None


def test_the_fields_show_every_setting(qapp: QApplication) -> None:
    fields = ExportFields(10.0)
    unusual = ExportSettings(
        format="wav16",
        sample_rate_hz=96_000,
        channels="mono",
        stems=False,
        mix=False,
        clips=True,
        takes="starred",
        pre_fader=True,
        silent_lanes=True,
        range_s=(1.25, 7.5),
        tails=True,
        dither=False,
        normalise_lufs=-16.0,
        template="{ucs}",
        creator_id="a",
        source_id="b",
        sidecar=False,
        exchange=("dawproject", "rpp", "otio", "aaf"),
    )
    # A field that is left out of the form would fall back to its default.
    for each in dataclasses.fields(ExportSettings):
        assert getattr(unusual, each.name) != getattr(ExportSettings(), each.name), each.name
    heard: list[bool] = []
    fields.changed.connect(lambda: heard.append(True))
    fields.set_settings(unusual)
    assert fields.settings() == unusual
    assert len(heard) == 1
    for preset in PRESETS.values():
        fields.set_settings(preset.settings)
        assert fields.settings() == preset.settings


def test_presets_of_the_users_own(memory: ExportHistory) -> None:
    mine = ExportSettings(format="ogg", stems=False)
    memory.keep_preset("mine", mine)
    assert memory.presets()["mine"] == mine
    memory.keep_preset("mine", ExportSettings())
    assert memory.presets()["mine"] == ExportSettings()
    assert (memory.title_of("web"), memory.title_of("mine")) == ("Web, OGG", "mine")
    memory.keep_preset("web", mine)
    assert memory.title_of("web") == "web"
    Settings().store("export_presets", '{"broken": {"format": "mp3"}, "mine": {"format": "ogg"}}')
    assert "broken" not in memory.presets()
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    shown = [dialog._presets.itemText(index) for index in range(dialog._presets.count())]
    assert shown[0] == "As last time" and shown[-1] == "mine"
    assert not [each for each in shown[:-1] if each[0].islower()], "each of ours needs a title"
    dialog.deleteLater()
    assert memory.presets()["mine"].format == "ogg"


def test_the_preferences_decide_the_wav_format(qapp: QApplication, memory: ExportHistory, tmp_path: Path) -> None:
    memory.remember(ExportSettings(format="wav32f", range_s=(1.0, 2.0)), tmp_path)
    assert (memory.last.format, memory.last.range_s) == ("wav32f", None)
    Settings().export_format = "PCM_16"
    assert memory.last.format == "wav16"
    memory.remember(ExportSettings(format="ogg"), tmp_path)
    assert memory.last.format == "ogg"


def test_a_format_and_a_kind_of_project_file_that_are_registered_can_be_chosen(memory: ExportHistory) -> None:
    audio_format = dataclasses.replace(AUDIO_FORMATS.get("wav24"), name="dummy24", label="Dummy, 24 bit")
    kind = dataclasses.replace(EXCHANGE_FORMATS.get("rpp"), name="dummyproject", label="Dummy project")
    with AUDIO_FORMATS.added(audio_format), EXCHANGE_FORMATS.added(kind):
        dialog = ExportDialog(farm(), TAKES, memory, "farm")
        fields = dialog.fields
        texts = [fields.format.itemText(index) for index in range(fields.format.count())]
        place = texts.index("Dummy, 24 bit")
        fields.exchange["dummyproject"].setChecked(True)
        fields.format.setCurrentIndex(place)
        assert (fields.settings().format, fields.settings().exchange) == ("dummy24", ("dummyproject",))
    dialog = ExportDialog(farm(), TAKES, memory, "farm")
    fields = dialog.fields
    assert fields.format.findData("dummy24") < 0
    assert "dummyproject" not in fields.exchange
