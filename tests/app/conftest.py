"""Qt for tests: one offscreen application, and settings and user folders of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from sounddesk.app.document import Document
from sounddesk.app.selection import SelectionModel


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application that every widget needs."""
    app = QApplication.instance() or QApplication(["sounddesk-tests"])
    assert isinstance(app, QApplication)
    app.setOrganizationName("sounddesk-tests")
    app.setApplicationName("sounddesk-tests")
    return app


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's is read or written."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))


@pytest.fixture
def document(qapp: QApplication) -> Document:
    return Document()


@pytest.fixture
def selection(document: Document) -> SelectionModel:
    return SelectionModel(document)
