from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtCore import QSettings
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.look.theme import palette
from sounddesk.app.settings import Setting
from sounddesk.app.settings import Settings


def test_values_are_there_after_a_restart(qapp: QApplication, tmp_path: Path) -> None:
    first = Settings()
    heard: list[str] = []
    first.changed.connect(heard.append)
    first.theme = "dark"
    first.shortcuts = {"play.play": "P", "play.stop": ""}
    first.autosave_minutes = 10
    first.sam_checkpoint = tmp_path / "sam.pth"
    first.window_state = QByteArray(b"\x00state")
    first.theme = "dark"
    first.sync()
    again = Settings()
    assert (again.theme, again.autosave_minutes, again.sam_checkpoint) == ("dark", 10, tmp_path / "sam.pth")
    assert again.shortcuts == {"play.play": "P", "play.stop": ""}
    assert bytes(again.window_state.data()) == b"\x00state"
    assert heard.count("theme") == 1


def test_damaged_values_fall_back(qapp: QApplication) -> None:
    raw = QSettings()
    for name in (
        "theme",
        "shortcuts",
        "autosave_minutes",
        "recent_files",
        "export_format",
        "window_state",
    ):
        raw.setValue(name, "[broken")
    raw.sync()
    settings = Settings()
    assert (settings.theme, settings.shortcuts, settings.autosave_minutes) == ("system", {}, 0)
    assert (settings.recent_files, settings.export_format) == ((), "PCM_24")
    assert settings.window_state.isEmpty()
    with pytest.raises(ValueError, match="choose one of"):
        settings.theme = "pink"


DECLARED = {name: each for name, each in vars(Settings).items() if isinstance(each, Setting)}


@pytest.mark.parametrize("name", sorted(DECLARED))
@pytest.mark.parametrize("stored", ["[broken", "[" * 5000, "1e999", '{"a": {"b": NaN}}', ["list"], "9" * 30, -1])
def test_whatever_is_stored_a_setting_has_a_value_that_can_be_stored_again(
    qapp: QApplication, name: str, stored: object
) -> None:
    QSettings().setValue(name, stored)
    settings = Settings()
    value = getattr(settings, name)
    assert type(value) is type(DECLARED[name].default) or isinstance(value, Path)
    setattr(settings, name, value)
    assert getattr(Settings(), name) == value


def test_numbers_are_kept_in_range(qapp: QApplication) -> None:
    settings = Settings()
    settings.autosave_minutes, settings.export_rate_hz = 1000, 1
    assert (Settings().autosave_minutes, Settings().export_rate_hz) == (120, 8_000)


def test_recent_files_newest_first_and_only_those_there(qapp: QApplication, tmp_path: Path) -> None:
    settings = Settings()
    paths = [tmp_path / f"{index}.sdesk" for index in range(15)]
    for path in paths:
        path.touch()
        settings.add_recent_file(path)
    settings.add_recent_file(paths[7])
    paths[14].unlink()
    assert settings.recent_files[:2] == (paths[7], paths[13])
    assert len(settings.recent_files) <= 12


def contrast(one: QPalette, text: QPalette.ColorRole, ground: QPalette.ColorRole) -> float:
    def luminance(role: QPalette.ColorRole) -> float:
        parts = one.color(role).getRgbF()[:3]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_can_be_read(qapp: QApplication, theme: str) -> None:
    role = QPalette.ColorRole
    made = palette(theme)
    pairs = (
        (role.WindowText, role.Window), (role.Text, role.Base), (role.Text, role.AlternateBase),
        (role.ButtonText, role.Button), (role.HighlightedText, role.Highlight), (role.ToolTipText, role.ToolTipBase),
        (role.Link, role.Base), (role.PlaceholderText, role.Base),
    )  # fmt: skip
    for text, ground in pairs:
        assert contrast(made, text, ground) >= 4.5, (text, ground)
    apply_theme(qapp, theme)
    assert qapp.palette().color(role.Window) == made.color(role.Window)
