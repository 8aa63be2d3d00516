"""Libraries of the operating system: which are there, what each is for, which command installs it."""

from __future__ import annotations

import ctypes.util
import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Final

from sounddesk.cli.check_result import CheckResult
from sounddesk.resources_folder import frozen_folder

_SECTION: Final = "libraries of the system"
_WINDOW: Final = "the desk's window (not rendering)"
_PLAYING: Final = "playing sound (not rendering)"

# How each package manager is called, in the order they are looked for.
_INSTALLERS: Final = {
    "apt-get": "sudo apt-get install {}",
    "dnf": "sudo dnf install {}",
    "zypper": "sudo zypper install {}",
    "pacman": "sudo pacman -S {}",
    "brew": "brew install {}",
}


@dataclass(frozen=True, kw_only=True)
class SystemLibrary:
    """A shared library that pip cannot bring.

    Attributes:
        name: what it is called.
        soname: as `ctypes.util.find_library` takes it.
        needed_for: what does not work without it.
        packages: its package by package manager.
    """

    name: str
    soname: str
    needed_for: str
    packages: dict[str, str] = field(default_factory=dict)


PORTAUDIO: Final = SystemLibrary(
    name="PortAudio",
    soname="portaudio",
    needed_for=_PLAYING,
    packages={
        "apt-get": "libportaudio2",
        "dnf": "portaudio",
        "zypper": "libportaudio2",
        "pacman": "portaudio",
        "brew": "portaudio",
    },
)


def _qt(soname: str, *, apt: str, dnf: str, pacman: str) -> SystemLibrary:
    packages = {"apt-get": apt, "dnf": dnf, "zypper": apt, "pacman": pacman}
    return SystemLibrary(name=f"lib{soname}", soname=soname, needed_for=_WINDOW, packages=packages)


# What Qt's xcb platform plugin links against and its wheel does not carry.
QT_ON_LINUX: Final = (
    _qt("xcb-cursor", apt="libxcb-cursor0", dnf="xcb-util-cursor", pacman="xcb-util-cursor"),
    _qt("xcb-icccm", apt="libxcb-icccm4", dnf="xcb-util-wm", pacman="xcb-util-wm"),
    _qt("xcb-image", apt="libxcb-image0", dnf="xcb-util-image", pacman="xcb-util-image"),
    _qt("xcb-keysyms", apt="libxcb-keysyms1", dnf="xcb-util-keysyms", pacman="xcb-util-keysyms"),
    _qt("xcb-render-util", apt="libxcb-render-util0", dnf="xcb-util-renderutil", pacman="xcb-util-renderutil"),
    _qt("xcb-shape", apt="libxcb-shape0", dnf="libxcb", pacman="libxcb"),
    _qt("xcb-xkb", apt="libxcb-xkb1", dnf="libxcb", pacman="libxcb"),
    _qt("xkbcommon-x11", apt="libxkbcommon-x11-0", dnf="libxkbcommon-x11", pacman="libxkbcommon-x11"),
    _qt("EGL", apt="libegl1", dnf="libglvnd-egl", pacman="libglvnd"),
    _qt("GL", apt="libgl1", dnf="libglvnd-glx", pacman="libglvnd"),
    _qt("dbus-1", apt="libdbus-1-3", dnf="dbus-libs", pacman="dbus"),
)


def install_command(library: SystemLibrary, *, which: Callable[[str], str | None] = shutil.which) -> str:
    """The command that installs `library` here, by the package manager that is found."""
    for manager, command in _INSTALLERS.items():
        if manager in library.packages and which(manager) is not None:
            return command.format(library.packages[manager])
    return f"install {library.name} with your system's package manager"


def find_portaudio(load: Callable[[str], object] = importlib.import_module) -> CheckResult:
    """Whether sound can be played, found by loading what plays it: its wheel carries PortAudio on some systems."""
    try:
        load("sounddevice")
    except (ImportError, OSError) as error:
        return _missing(PORTAUDIO, value=f"missing ({error})")
    return CheckResult(section=_SECTION, name=PORTAUDIO.name, value="found")


def find_library(soname: str) -> str | None:
    """As `ctypes.util.find_library`, and what the frozen app brings along, which goes first."""
    folder = frozen_folder()
    brought = sorted(folder.glob(f"lib{soname}.so*")) if folder is not None else []
    return brought[0].name if brought else ctypes.util.find_library(soname)


def find_qt_libraries(
    *, platform: str = sys.platform, find: Callable[[str], str | None] = find_library
) -> list[CheckResult]:
    """The libraries that Qt needs from the system; none outside Linux."""
    if not platform.startswith("linux"):
        return []
    results = []
    for library in QT_ON_LINUX:
        found = find(library.soname)
        results.append(
            _missing(library, value="missing")
            if found is None
            else CheckResult(section=_SECTION, name=library.name, value=found)
        )
    return results


def _missing(library: SystemLibrary, *, value: str) -> CheckResult:
    return CheckResult(
        section=_SECTION,
        name=library.name,
        value=value,
        ok=False,
        needed_for=library.needed_for,
        remedy=install_command(library),
    )
