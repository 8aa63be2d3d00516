from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtCore import QSettings
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from sounddesk.app.desk import open_window
from sounddesk.app.look.style_sheet import apply_theme
from sounddesk.app.look.theme import palette
from sounddesk.app.setting import Setting
from sounddesk.app.settings import Settings
from tests.app.conftest import Told
from tests.app.conftest import wait_until


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


def test_settings_of_the_first_version_are_read(qapp: QApplication) -> None:
    """The kept file was written by that version's own code."""
    place = Path(QSettings().fileName())
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).parent / "data" / "settings-2026-11.ini", place)
    settings = Settings()
    assert (settings.theme, settings.device, settings.precision, settings.bundle) == ("light", "cpu", "full", "mine")
    assert settings.shortcuts == {"play.play": "P", "play.stop": ""}
    assert (settings.sam_checkpoint, settings.autosave_minutes) == (Path("/models/sam.pth"), 10)
    assert (settings.export_format, settings.export_rate_hz) == ("FLOAT", 96_000)
    assert settings.export_folder == Path("/exports") and bytes(settings.window_state.data()) == b"\x00state"


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


ODD: dict[str, tuple[str | list[str], str]] = {
    "theme": ("purple", "theme is 'purple': expected one of 'system', 'dark', 'light'"),
    "autosave_minutes": ("121", "autosave_minutes is 121: expected 0 to 120"),
    "mask_opacity": ("many", 'mask_opacity is "many": expected a whole number'),
    "spectrograms": ("perhaps", 'spectrograms is "perhaps": expected true or false'),
    "device": (["cuda", "0"], "device is a list: expected text"),
    "export_folder": ("a" * 5000, "export_folder is no path"),
    "window_state": ("words", "window_state holds no bytes"),
    "shortcuts": ('{"a": 5, "b": "Ctrl+B"}', "shortcuts[a] is 5: expected text"),
    "loop_ranges": ('{"a": [1, 2]}', "loop_ranges[a] has 2 values: expected 3"),
    "last_export": ('{"format": "mp3"}', "last_export"),
    "export_presets": ('{"film": {"sample_rate_hz": -1}}', "export_presets[film]"),
    "recent_files": ('[1, "/tmp"]', "recent_files[0] is 1"),
    "last_batch": ("{", "last_batch: not JSON"),
}


@pytest.mark.parametrize("key", ODD)
def test_an_odd_value_is_named_and_forgotten_on_request(qapp: QApplication, key: str) -> None:
    stored, problem = ODD[key]
    QSettings().setValue(key, stored)
    settings = Settings()
    (odd,) = settings.odd_values()
    assert odd.startswith(problem)
    settings.forget_odd_values()
    assert settings.odd_values() == Settings().odd_values() == ()


def test_beside_an_odd_entry_the_others_are_kept(qapp: QApplication) -> None:
    QSettings().setValue("shortcuts", ODD["shortcuts"][0])
    settings = Settings()
    assert settings.shortcuts == {"b": "Ctrl+B"}
    settings.forget_odd_values()
    assert Settings().shortcuts == {"b": "Ctrl+B"}


def test_a_value_of_a_type_that_nobody_has_and_a_line_that_is_no_setting_are_named(qapp: QApplication) -> None:
    raw = QSettings()
    raw.setValue("autosave_minutes", 5)
    raw.sync()
    file = Path(raw.fileName())
    file.write_text(f"{file.read_text()}theme=@Variant(\\0\\0\\0?\\0\\0\\0)\nno setting\n")
    settings = Settings()
    assert (settings.theme, settings.autosave_minutes) == ("system", 5)
    assert [problem.removeprefix(f"{file} ") for problem in settings.odd_values()] == [
        "has lines that are no settings", "theme is of a type that it cannot have",
    ]  # fmt: skip


def test_the_window_opens_whatever_is_stored_and_names_it(qapp: QApplication, told: Told) -> None:
    for key, (stored, _) in ODD.items():
        QSettings().setValue(key, stored)
    window = open_window(Settings())
    try:
        wait_until(lambda: bool(told))
        assert "theme is 'purple'" in told[0] and told[0].endswith("; and more.")
        window.services.settings.forget_odd_values()
        assert Settings().odd_values() == ()
    finally:
        window.shut_down()
        window.hide()


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
