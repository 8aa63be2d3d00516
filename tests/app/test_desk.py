from __future__ import annotations

import os
import subprocess
import sys

# An application of its own: the other tests have theirs, and a process has one.
_CODE = """
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QFileOpenEvent
from sounddesk.app.desk import DeskApplication, make_application

app = make_application(())
assert isinstance(app, DeskApplication)
app.file_asked_for.connect(print)
for event in (QFileOpenEvent("/shots/a b.sdesk"), QFileOpenEvent(""), QEvent(QEvent.Type.User)):
    QCoreApplication.sendEvent(app, event)
"""


def test_a_file_that_macos_opens_is_asked_for() -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run([sys.executable, "-c", _CODE], env=environment, capture_output=True, text=True)
    assert (ended.stdout, ended.returncode) == ("/shots/a b.sdesk\n", 0), ended.stderr
