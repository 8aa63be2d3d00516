"""The models dialog against a hub on this machine, with the catalogue that ships."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from sounddesk.app.dialogs.models_dialog import ModelsDialog
from sounddesk.engine.catalogue.model_store import installed_model
from tests.app.conftest import wait_until
from tests.engine.local_hub import LocalHub

SAM2 = "facebook/sam2.1-hiera-tiny"
WEIGHTS = bytes(range(256)) * 1000


@pytest.fixture
def hub(local_hub: LocalHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalHub:
    monkeypatch.setenv("SOUNDDESK_MODELS", str(tmp_path / "models"))
    local_hub.repos[SAM2] = {"config.json": b"{}", "model.safetensors": WEIGHTS}
    return local_hub


@pytest.fixture
def dialog(qapp: QApplication, hub: LocalHub) -> Iterator[ModelsDialog]:
    dialog = ModelsDialog()
    dialog.select("sam2.1-tiny")
    yield dialog
    dialog.close()


def idle(dialog: ModelsDialog) -> bool:
    return not dialog.worker.is_busy and not dialog.pause_button.isEnabled()


def test_nothing_is_installed_before_the_licence_is_accepted(dialog: ModelsDialog, hub: LocalHub) -> None:
    text = dialog.text.toPlainText()
    assert "Licence: Apache License 2.0" in text and "Commercial use: yes" in text and "0.156 GB" in text
    assert not dialog.install_button.isEnabled()
    dialog.accept_box.setChecked(True)
    assert dialog.install_button.isEnabled()
    # Of another model nothing was accepted yet.
    dialog.select("audioldm-s")
    assert not dialog.accept_box.isChecked() and not dialog.install_button.isEnabled()
    assert "Commercial use: no" in dialog.text.toPlainText()
    assert hub.seen == []


def test_install_check_remove(dialog: ModelsDialog) -> None:
    kinds: list[str] = []
    dialog.installed.connect(kinds.append)
    dialog.accept_box.setChecked(True)
    dialog.install_button.click()
    assert not dialog.install_button.isEnabled() and dialog.pause_button.isEnabled()
    wait_until(lambda: idle(dialog))
    assert dialog.status.text() == "SAM 2.1 Hiera tiny is installed."
    assert dialog.state_of("sam2.1-tiny") == "installed" and dialog.bar.value() == dialog.bar.maximum()
    assert "Licence accepted: 20" in dialog.text.toPlainText()
    dialog.verify_button.click()
    wait_until(lambda: idle(dialog))
    assert dialog.status.text() == "Every file of SAM 2.1 Hiera tiny is as it was installed."
    model = installed_model("sam2.1-tiny")
    assert model is not None
    model.file("config.json").write_bytes(b"[]")
    dialog.verify_button.click()
    wait_until(lambda: idle(dialog))
    assert "config.json is not the file that it should be" in dialog.status.text()
    dialog.remove_button.click()
    wait_until(lambda: idle(dialog))
    assert installed_model("sam2.1-tiny") is None and dialog.state_of("sam2.1-tiny") == ""
    assert kinds == ["segmenter", "segmenter"]


def test_pause_resume_and_closing_keep_what_arrived(dialog: ModelsDialog, hub: LocalHub) -> None:
    reached, go_on, paused = threading.Event(), threading.Event(), threading.Event()

    def hold(sent: int) -> None:
        if go_on.is_set():
            # One block wakes the client, which then sees that it is to stop; the rest, sent at once, could all be
            # there before it looks, and nothing would be left to resume.
            paused.wait(20)
        elif sent > 100_000:
            reached.set()
            go_on.wait(20)

    hub.between = hold
    dialog.accept_box.setChecked(True)
    dialog.install_button.click()
    # The server is ahead of the client: what has not arrived cannot be kept.
    wait_until(lambda: reached.is_set() and dialog.bar.value() > 0)
    dialog.pause_button.click()
    go_on.set()
    wait_until(lambda: idle(dialog))
    paused.set()
    assert dialog.status.text() == "Paused. What has arrived is kept."
    assert dialog.state_of("sam2.1-tiny") == "begun"
    hub.between = None
    dialog.accept_box.setChecked(True)
    assert dialog.install_button.text() == "Resume"
    dialog.install_button.click()
    wait_until(lambda: idle(dialog))
    assert dialog.state_of("sam2.1-tiny") == "installed"
    assert hub.bodies()[-1].range is not None


def test_a_failure_is_said_and_the_lane_goes_on(dialog: ModelsDialog, hub: LocalHub) -> None:
    hub.faults.corrupt = 1
    dialog.accept_box.setChecked(True)
    dialog.install_button.click()
    wait_until(lambda: idle(dialog))
    assert "is not the file that was published" in dialog.status.text()
    dialog.accept_box.setChecked(True)
    dialog.install_button.click()
    wait_until(lambda: idle(dialog))
    assert dialog.state_of("sam2.1-tiny") == "installed"
