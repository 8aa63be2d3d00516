"""The project's settings: what is typed arrives, what cannot be read is said and nothing changes."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from sounddesk.app.dialogs.project_settings import ProjectSettingsDialog
from sounddesk.domain.project import ProjectSettings


@pytest.fixture
def dialog(qapp: QApplication) -> ProjectSettingsDialog:
    return ProjectSettingsDialog(ProjectSettings(start_timecode_s=3600.0), ("starter",))


def test_what_is_set_arrives(dialog: ProjectSettingsDialog) -> None:
    made: list[ProjectSettings] = []
    dialog.accepted_settings.connect(made.append)
    assert dialog.start.text() == "01:00:00:00"
    dialog.timeline.setValue(42.5)
    dialog.frame_rate.setCurrentText("29.97 drop frame")
    dialog.start.setText("10:00:00;00")
    dialog.preset.setCurrentIndex(dialog.preset.findData("paper"))
    dialog.steps.setValue(50)
    dialog.guidance.setValue(3.0)
    dialog.grounding.setCurrentIndex(2)
    dialog.seed.setText("7")
    dialog.paid_work.setChecked(False)
    dialog.embed_recordings.setChecked(True)
    dialog.accept()
    (settings,) = made
    assert (settings.timeline_s, settings.preset, settings.steps) == (42.5, "paper", 50)
    assert (settings.guidance, settings.seed, settings.bundle) == (3.0, 7, "starter")
    assert settings.grounding == "caption-mix"
    assert (settings.paid_work, settings.embed_recordings) == (False, True)
    assert (settings.frame_rate, settings.drop_frame) == (30000 / 1001, True)
    assert settings.start_timecode_s == pytest.approx(36_000, abs=0.05)


def test_every_usual_rate_can_be_chosen(qapp: QApplication) -> None:
    dialog = ProjectSettingsDialog(ProjectSettings(frame_rate=12.5), ("starter",))
    rates = [dialog.frame_rate.itemText(row) for row in range(dialog.frame_rate.count())]
    assert dialog.frame_rate.currentText() == "12.5"
    assert rates == [
        "12.5", "23.976", "24", "25", "29.97 drop frame", "29.97 non-drop", "30", "47.952", "48", "50",
        "59.94 drop frame", "59.94 non-drop", "60",
    ]  # fmt: skip


def test_untouched_it_changes_nothing(dialog: ProjectSettingsDialog) -> None:
    made: list[ProjectSettings] = []
    dialog.accepted_settings.connect(made.append)
    dialog.accept()
    assert made == [ProjectSettings(start_timecode_s=3600.0)]


@pytest.mark.parametrize(("field", "text"), [("start", "noon"), ("seed", "-1"), ("seed", "²"), ("seed", str(2**63))])
def test_what_cannot_be_read_is_said(dialog: ProjectSettingsDialog, field: str, text: str) -> None:
    made: list[ProjectSettings] = []
    dialog.accepted_settings.connect(made.append)
    getattr(dialog, field).setText(text)
    dialog.accept()
    assert not made
    assert dialog.problem.isVisibleTo(dialog)
    assert dialog.problem.text()
