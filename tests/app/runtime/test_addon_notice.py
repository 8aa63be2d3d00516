from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sounddesk.app.runtime.addon_notice import tell_unused_addon
from sounddesk.storage.addon_record import AddonRecord
from sounddesk.storage.addon_record import TorchRuntime
from sounddesk.storage.addon_record import write_record
from tests.app.conftest import Told


def test_an_addon_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    runtime = TorchRuntime(torch="2.13.0+cu130", python="3.11", platform="linux-x86_64")
    folder = tmp_path / "unplugged"
    write_record(AddonRecord(schema_version=1, folder=folder, manifest_sha256="0" * 64, runtime=runtime))
    # An installation with Python has no use for it.
    tell_unused_addon()
    assert told == []
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    tell_unused_addon()
    assert len(told) == 1
    assert told[0].startswith(f"Takes are made on the processor. {folder} cannot be read")
