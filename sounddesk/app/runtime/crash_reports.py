"""The log, what happens after a fault, and the report of a crash at the next start. Nothing leaves the machine."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import getpass
import importlib.metadata
import logging
import logging.handlers
import os
import platform
import re
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO
from typing import Final

from PySide6.QtCore import QMessageLogContext
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QtMsgType
from PySide6.QtCore import Signal
from PySide6.QtCore import qInstallMessageHandler
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QApplication

import sounddesk
from sounddesk.app.plain_text import PlainMessageBox
from sounddesk.app.settings import Settings
from sounddesk.storage.path_text import home_folder
from sounddesk.storage.path_text import user_state_folder

_log = logging.getLogger(__name__)
_qt_log = logging.getLogger("qt")

_PACKAGES: Final = ("PySide6-Essentials", "numpy", "torch", "diffusers", "soundfile", "sounddevice", "segment-anything")
_QT_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}

# What stands before a path, in quotation marks with anything in it, or bare as far as it surely goes.
_ROOT = r"(?:/(?=[^/\s])|[A-Za-z]:\\|\\\\)"
_QUOTED_PATH: Final = re.compile(rf"(['\"])({_ROOT}[^'\"\n]*)\1")
_PATH: Final = re.compile(rf"(?<![\w~.:/\\…<]){_ROOT}(?:[^/\\\n'\":]+[/\\])+[^/\\\s'\":,;)]*")
_HOME_PATH: Final = re.compile(r"~[/\\](?:[^/\\\n'\":]+[/\\])+[^/\\\s'\":,;)]*")
_OF_PACKAGES: Final = re.compile(r"/((?:(?:site|dist)-packages|lib/python3[\d.]*|sounddesk)/.*)")
_SECRETS: Final = (
    (re.compile(r"\bhf_[A-Za-z0-9]{8,}"), "hf_…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 …"),
    (re.compile(r"(?i)\b((?:access_?|api_?)?(?:token|key|password|secret|signature)\s*[=:]\s*)[^\s&'\",;]+"), r"\1…"),
    (re.compile(r"(://)[^/\s:@]+:[^/\s@]+@"), r"\1…@"),
)


class CrashReports(QObject):
    """Catches what nobody else did, and says so without a traceback.

    Signals:
        fault(summary): an exception reached the top; the log has all of it.
    """

    fault = Signal(str)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._showing = False
        self._box: PlainMessageBox | None = None
        self._crash_file: IO[str] | None = None
        self.fault.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Start the log and install hooks for uncaught Python, thread and Qt errors."""
        folder = state_folder()
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                log_file(), maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True
            )
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            root = logging.getLogger()
            root.addHandler(handler)
            root.setLevel(min(root.level or logging.INFO, logging.INFO))
            self._crash_file = (folder / f"crash-{os.getpid()}.txt").open("w", encoding="utf-8")
            faulthandler.enable(self._crash_file)
            atexit.register(self._end)
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        qInstallMessageHandler(_on_qt_message)
        _log.info("sounddesk %s, Qt %s, Python %s", sounddesk.__version__, qVersion(), platform.python_version())

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt | SystemExit):
            sys.__excepthook__(kind, error, trace)
            return
        _log.critical("fault", exc_info=(kind, error, trace))
        self.fault.emit(f"{kind.__name__}: {error}")

    def _tell(self, _summary: str) -> None:
        # One message at a time: a fault in painting comes back with every frame.
        if self._showing or QApplication.instance() is None:
            return
        self._showing = True
        box = PlainMessageBox(QApplication.activeWindow())
        box.setIcon(PlainMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("sounddesk"))
        box.setText(self.tr("Something went wrong, and your work is kept."))
        box.setInformativeText(
            self.tr(
                "The last command was not carried out. You can go on; if it happens again, save, start sounddesk anew "
                "and send the report from Help > Log and report."
            )
        )
        copy = box.addButton(self.tr("Copy report"), PlainMessageBox.ButtonRole.ActionRole)
        # Beside a second button Qt knows by itself of none for Escape and the frame's close button.
        box.setEscapeButton(box.addButton(PlainMessageBox.StandardButton.Ok))
        copy.clicked.connect(lambda: QApplication.clipboard().setText(report(self._settings)))
        box.finished.connect(self._on_told)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        # Without a parent nothing else keeps it.
        self._box = box
        box.open()

    def _on_told(self, _answer: int) -> None:
        self._showing = False
        self._box = None

    def _end(self) -> None:
        if self._crash_file is not None:
            faulthandler.disable()
            self._crash_file.close()
            path = Path(self._crash_file.name)
            self._crash_file = None
            with contextlib.suppress(OSError):
                if path.stat().st_size == 0:
                    path.unlink()


def install_crash_reports(settings: Settings) -> CrashReports:
    """Catch and log faults of this process; the result lives as long as the application."""
    made = CrashReports(settings, QApplication.instance())
    made.install()
    return made


def state_folder() -> Path:
    """Where log and crash files lie: `sounddesk` in the user's state folder."""
    return user_state_folder()


def log_file() -> Path:
    """The newest log; older ones end in .1 and .2."""
    return state_folder() / "sounddesk.log"


def log_lines(count: int = 400) -> list[str]:
    """The last lines of the log, without private paths."""
    try:
        return without_private_paths(log_file().read_text(encoding="utf-8", errors="replace")).splitlines()[-count:]
    except OSError:
        return []


def take_crash() -> str | None:
    """What an earlier process left when it crashed, without private paths; each is given once."""
    found = []
    for path in sorted(state_folder().glob("crash-*.txt")):
        process = path.stem.partition("-")[2]
        if process == str(os.getpid()) or _is_alive(process):
            continue
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace").strip()
            path.unlink()
            if text:
                found.append(without_private_paths(text))
    return "\n\n".join(found) or None


def report(settings: Settings, *, crash: str | None = None) -> str:
    """Versions, device, bundles and the last log lines as text to copy. No private paths."""
    lines = [
        f"sounddesk {sounddesk.__version__}",
        f"Python {platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}",
        f"Qt {qVersion()}",
    ]
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            lines.append(f"{name} {importlib.metadata.version(name)}")
    lines.append(f"device {settings.device}, bundle {settings.bundle}")
    lines.extend(_bundle_lines())
    if crash:
        lines.extend(["", "Crash:", crash])
    lines.extend(["", "Log:", *log_lines(120)])
    return without_private_paths("\n".join(lines))


def without_private_paths(text: str) -> str:
    """`text` with the home folder as '~' and the user's name left out, other folders down to the last name in them, and
    without passwords and tokens.

    Paths of Python and its packages stay from the package on, so that tracebacks can be read.
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    home = str(home_folder())
    if len(home) > 1:
        text = text.replace(home, "~")
    text = re.sub(r"(/home/|/Users/|[A-Z]:\\Users\\)[^/\\\s'\"]+", "~", text)
    with contextlib.suppress(KeyError, OSError, ImportError):
        user = getpass.getuser()
        # Short and common names would tear words apart.
        if len(user) > 3 and user != "root":
            text = re.sub(rf"\b{re.escape(user)}\b", "user", text)
    text = _QUOTED_PATH.sub(lambda found: f"{found[1]}{_shortened(found[2])}{found[1]}", text)
    text = _HOME_PATH.sub(lambda found: "~/" + _shortened(found[0]), text)
    return _PATH.sub(lambda found: _shortened(found[0]), text)


def _shortened(path: str) -> str:
    """A path from its package on, or its last name alone."""
    plain = path.replace("\\", "/").rstrip("/")
    known = _OF_PACKAGES.search(plain)
    return f"…/{known[1]}" if known is not None else f"…/{plain.rpartition('/')[2]}"


def _bundle_lines() -> list[str]:
    from sounddesk.engine.bundles.installed_bundles import list_bundles

    return [
        f"bundle {each.bundle.name} {each.bundle.sha256[:12]}" if each.bundle is not None else f"bundle: {each.problem}"
        for each in list_bundles()
    ]


def _is_alive(process: str) -> bool:
    import psutil

    return process.isdigit() and psutil.pid_exists(int(process))


def _on_qt_message(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    _qt_log.log(_QT_LEVELS.get(kind, logging.WARNING), text)
