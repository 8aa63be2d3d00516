from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import os
from PySide6.QtCore import QCoreApplication, QObject, Signal

import sounddesk.app
class Sender(QObject):
    sent = Signal()
app = QCoreApplication([])
sender = Sender()
for _ in range(200_000):
    sender.sent.emit()
    app.processEvents()
print("alive")
"""


def test_a_long_session_of_signals_does_not_end_the_process() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
