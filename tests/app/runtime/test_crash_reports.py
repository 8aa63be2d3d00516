from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from PySide6.QtWidgets import QMessageBox

from sounddesk.app.runtime.crash_reports import CrashReports
from sounddesk.app.runtime.crash_reports import log_file
from sounddesk.app.runtime.crash_reports import report
from sounddesk.app.runtime.crash_reports import state_folder
from sounddesk.app.runtime.crash_reports import take_crash
from sounddesk.app.runtime.crash_reports import without_private_paths
from sounddesk.app.settings import Settings

_PROGRAM = """
import os, sys, threading
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import qWarning
from PySide6.QtWidgets import QApplication
from sounddesk.app.runtime.crash_reports import install_crash_reports
from sounddesk.app.settings import Settings
app = QApplication([])
kept = install_crash_reports(Settings())
qWarning("a word from Qt")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
if sys.argv[1] == "crash":
    import faulthandler
    faulthandler._sigsegv()
"""


def run(how: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run([sys.executable, "-c", _PROGRAM, how], env=environment, capture_output=True).returncode


def test_a_crash_is_reported_once_at_the_next_start() -> None:
    assert run("crash") != 0
    log = log_file().read_text()
    assert "a word from Qt" in log and "ZeroDivisionError" in log
    crash = take_crash()
    assert crash is not None and "Segmentation fault" in crash
    assert take_crash() is None


def test_a_clean_end_leaves_no_crash() -> None:
    assert run("end") == 0
    assert take_crash() is None
    assert list(state_folder().glob("crash-*")) == []


def test_a_fault_is_told_without_a_traceback(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = CrashReports(Settings())
    try:
        raise RuntimeError("secret detail")
    except RuntimeError as error:
        for _ in range(3):
            reports._on_exception(RuntimeError, error, error.__traceback__)
    deadline = time.monotonic() + 2
    while not (boxes := shown(qapp)) and time.monotonic() < deadline:
        qapp.processEvents()
    qapp.processEvents()
    assert len(shown(qapp)) == 1
    assert "your work is kept" in boxes[0].text()
    assert "Traceback" not in boxes[0].text() + boxes[0].informativeText() + boxes[0].detailedText()
    QTest.keyClick(boxes[0], Qt.Key.Key_Escape)
    assert shown(qapp) == []


def shown(app: QApplication) -> list[QMessageBox]:
    return [each for each in app.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible()]


def test_reports_name_no_private_paths(qapp: QApplication) -> None:
    state_folder().mkdir(parents=True)
    home = str(Path.home())
    log_file().write_text(f"opened {home}/work/secret.png and /home/anna/x.sdesk and C:\\Users\\Anna\\y.wav\n")
    text = report(Settings(), crash=f'File "{home}/venv/lib/x.py"')
    assert "anna" not in text.casefold() and f"{home}/" not in text
    assert "bundle starter" in text and "numpy" in text
    assert without_private_paths("/home/anna/x") == "~/x"
    logging.getLogger("x").info("nothing")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('File "/usr/lib/python3.11/json/decoder.py", line 3', 'File "…/lib/python3.11/json/decoder.py", line 3'),
        ('File "/opt/x y/site-packages/PIL/Image.py"', 'File "…/site-packages/PIL/Image.py"'),
        ("cannot read '/mnt/My Client/shot one.png': no", "cannot read '…/shot one.png': no"),
        ("cannot read /Volumes/acme corp/secret/shot.png: no", "cannot read …/shot.png: no"),
        ("/home/anna/Clients/acme/x.sdesk", "~/…/x.sdesk"),
        (r"D:\Projects\acme\a.wav failed", "…/a.wav failed"),
        (r"\\server\acme\a.wav failed", "…/a.wav failed"),
        ("open https://hub.example/api/x?token=abc123&n=1", "open https://hub.example/api/x?token=…&n=1"),
        ("Authorization: Bearer abcdef123", "Authorization: Bearer …"),
        ("https://me:pass@proxy:80/x and hf_abcdefghijkl", "https://…@proxy:80/x and hf_…"),
        ("ratio 1/2 and 3 / 4, 24000/1001", "ratio 1/2 and 3 / 4, 24000/1001"),
    ],
)
def test_neither_folders_nor_secrets_are_in_a_report(text: str, kept: str) -> None:
    assert without_private_paths(text) == kept
