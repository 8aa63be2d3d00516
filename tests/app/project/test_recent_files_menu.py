"""File > Open recent."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sounddesk.app.project.recent_files_menu import RecentFilesMenu
from sounddesk.app.project.recent_files_menu import recent_file_text
from sounddesk.app.settings import Settings


def test_recent_files_are_opened_from_the_menu_newest_first_and_forgotten(qapp: QApplication, tmp_path: Path) -> None:
    settings = Settings()
    menu, opened = RecentFilesMenu(settings), list[Path]()
    menu.open_requested.connect(opened.append)
    assert not menu.menuAction().isEnabled()
    older, newer = tmp_path / "cow & calf.sdesk", tmp_path / "street.png"
    for path in (older, newer):
        path.touch()
        settings.add_recent_file(path)
    assert menu.menuAction().isEnabled()
    menu.popup(menu.pos())
    assert [each.text().split("   ")[0] for each in menu.actions()[:2]] == ["&1  street.png", "&2  cow && calf.sdesk"]
    QTest.keyClick(menu, Qt.Key.Key_2)
    assert opened == [older]
    # What is gone is not offered.
    newer.unlink()
    menu.popup(menu.pos())
    assert menu.actions()[0].text().startswith("&1  cow")
    QTest.keyClick(menu, Qt.Key.Key_C)
    assert settings.recent_files == () and not menu.menuAction().isEnabled()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/home/ann/shots/a.png", "a.png   ·   ~/shots"),
        ("/home/ann/a.png", "a.png   ·   ~"),
        ("/home/anna/a.png", "a.png   ·   /home/anna"),
    ],
)
def test_the_user_s_own_folder_is_a_tilde(monkeypatch: pytest.MonkeyPatch, path: str, text: str) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert recent_file_text(Path(path)) == text
    monkeypatch.setenv("HOME", "/")
    assert recent_file_text(Path(path)).endswith(str(Path(path).parent))
