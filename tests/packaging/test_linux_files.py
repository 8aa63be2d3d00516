"""What a Linux desktop reads: held to the program, and to the desktop's own validators where they are installed."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
import sqlite3
import stat
import subprocess
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
import yaml

from sounddesk.app import desk
from sounddesk.storage.project_schema import APPLICATION_ID

ROOT = Path(__file__).resolve().parents[2]
LINUX = ROOT / "packaging" / "linux"
APP_ID = "org.sounddesk.sounddesk"
VERSION = "0.3.0.dev5+gabc"


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def assemble() -> ModuleType:
    return _module(LINUX / "assemble.py")


@pytest.fixture(scope="module")
def metainfo(assemble: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("metainfo") / f"{APP_ID}.metainfo.xml"
    # Reserved by RFC 2606.
    text = assemble.metainfo(VERSION, homepage="https://sounddesk.example", date="2026-11-30", note="A note.")
    path.write_text(text, encoding="utf-8")
    return path


def _validate(*command: str | Path, cwd: Path | None = None) -> None:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    ended = subprocess.run([str(each) for each in command], cwd=cwd, capture_output=True, text=True)
    # A warning counts, too; both tools print them and end with 0.
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0 and "warning" not in said and "W:" not in said, said


def test_launcher_is_valid() -> None:
    _validate("desktop-file-validate", LINUX / f"{APP_ID}.desktop")


def test_metainfo_is_valid(metainfo: Path) -> None:
    _validate("appstreamcli", "validate", "--strict", "--no-net", metainfo)


def test_without_a_homepage_the_metainfo_names_no_address(assemble: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / f"{APP_ID}.metainfo.xml"
    path.write_text(assemble.metainfo("1.0", homepage="", date="2026-11-30", note="A note."), encoding="utf-8")
    assert "://" not in path.read_text(encoding="utf-8")
    _validate("appstreamcli", "validate", "--strict", "--no-net", path)


def test_flatpak_manifest_is_valid(tmp_path: Path) -> None:
    manifest = ROOT / "packaging" / "flatpak" / f"{APP_ID}.yaml"
    # It leaves a folder of its own where it runs.
    _validate("flatpak-builder", "--show-manifest", manifest, cwd=tmp_path)


def test_all_speak_of_the_same_app(metainfo: Path) -> None:
    desktop = configparser.ConfigParser(interpolation=None)
    desktop.optionxform = str  # type: ignore[assignment,method-assign]
    desktop.read(LINUX / f"{APP_ID}.desktop", encoding="utf-8")
    entry = desktop["Desktop Entry"]
    root = ET.parse(metainfo).getroot()
    mime = ET.parse(LINUX / f"{APP_ID}.mime.xml").getroot()[0]
    manifest = yaml.safe_load((ROOT / "packaging" / "flatpak" / f"{APP_ID}.yaml").read_text(encoding="utf-8"))
    assert root.findtext("launchable") == f"{APP_ID}.desktop"
    assert root.findtext("id") == entry["Icon"] == manifest["id"] == APP_ID
    assert entry["Exec"].split()[0] == manifest["command"] == "sounddesk-desk"
    assert mime.get("type") in entry["MimeType"].split(";")
    assert root.findtext("provides/mediatype") == mime.get("type")
    assert desk.APP_ID == APP_ID
    assert not any("filesystem" in each for each in manifest["finish-args"])


def test_a_project_has_the_magic_of_its_type(tmp_path: Path) -> None:
    """A SQLite file with the program's application id, at the offset that the type names."""
    path = tmp_path / "a.sdesk"
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("CREATE TABLE a (b)")
    data = path.read_bytes()
    namespace = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    matches = ET.parse(LINUX / f"{APP_ID}.mime.xml").getroot().findall(".//m:match", namespace)
    assert len(matches) == 2
    for match in matches:
        value = match.attrib["value"].replace("\\0", "\0").encode()
        offset = int(match.attrib["offset"])
        assert data[offset : offset + len(value)] == value


@pytest.mark.parametrize("contact", ["", "sounds@sounddesk.example"])
def test_a_package_has_the_app_its_commands_and_who_made_it(
    assemble: ModuleType, unpacked: Path, tmp_path: Path, contact: str
) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed")
    (unpacked / "share" / "doc" / "sounddesk").mkdir(parents=True)
    by = assemble.Publisher(homepage="https://sounddesk.example" if contact else "", contact=contact)
    made = assemble.make_deb(unpacked / "sounddesk", unpacked / "share", tmp_path, VERSION, by=by, date="2026-11-30")

    def ask(*options: str) -> str:
        return subprocess.run(["dpkg-deb", *options], capture_output=True, text=True, check=True).stdout

    fields = ask("--field", str(made))
    assert f"<{contact or 'nobody@sounddesk.invalid'}>" in fields and ("Homepage:" in fields) == bool(contact)
    listed = ask("--contents", str(made))
    assert "./usr/bin/sounddesk -> ../lib/sounddesk/sounddesk" in listed and "root/root" in listed
    assert f"./usr/share/applications/{APP_ID}.desktop" in listed
    # Nothing of the making stays beside the frozen app.
    assert sorted(path.name for path in unpacked.iterdir() if path.name.startswith("tmp")) == []


def test_screenshots_have_the_size_that_is_told(metainfo: Path, assemble: ModuleType) -> None:
    images = ET.parse(metainfo).getroot().findall(".//screenshot/image")
    assert [image.text.rpartition("/")[2] for image in images if image.text] == [
        f"{name}.webp" for name in assemble.SCREENSHOTS
    ]
    assert all(int(image.attrib["width"]) >= 1000 for image in images)


@pytest.mark.parametrize(
    ("version", "debian"), [("0.1.0.dev12+gabc", "0.1.0~dev12+gabc"), ("1.2.0rc1", "1.2.0~rc1"), ("1.2.0", "1.2.0")]
)
def test_debian_versions(assemble: ModuleType, version: str, debian: str) -> None:
    assert assemble.debian_version(version) == debian


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A tarball's folder with a program of two lines in place of the frozen app."""
    top = tmp_path / "unpacked"
    (top / "sounddesk" / "_internal").mkdir(parents=True)
    for name in ("sounddesk", "sounddesk-desk"):
        program = top / "sounddesk" / name
        program.write_text("#!/bin/sh\necho it runs\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for script in ("install.sh", "uninstall.sh"):
        shutil.copy(LINUX / script, top)
    (top / "share" / "applications").mkdir(parents=True)
    shutil.copy(LINUX / f"{APP_ID}.desktop", top / "share" / "applications")
    (top / "share" / "man" / "man1").mkdir(parents=True)
    for name in ("sounddesk", "sounddesk-desk"):
        shutil.copy(LINUX / "sounddesk.1", top / "share" / "man" / "man1" / f"{name}.1.gz")
    return top


def _run(script: Path, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        ["sh", str(script), *arguments], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@pytest.mark.skipif(os.name != "posix", reason="shell scripts of Linux")
def test_install_and_uninstall_leave_what_is_the_users(unpacked: Path, tmp_path: Path) -> None:
    home = tmp_path / "home with a space"
    data = home / ".local" / "share" / "sounddesk"
    for place in ("working/unsaved.sdesk", "bundles/mine/bundle.json", "models/sam/weights"):
        (data / place).parent.mkdir(parents=True)
        (data / place).write_text("x", encoding="utf-8")
    installed = home / ".local" / "lib" / "sounddesk"
    for _ in range(2):  # the second one is an update
        assert _run(unpacked / "install.sh", home=home).returncode == 0
    command = home / ".local" / "bin" / "sounddesk"
    assert subprocess.run([command], capture_output=True, text=True, check=True).stdout == "it runs\n"
    assert (home / ".local" / "share" / "applications" / f"{APP_ID}.desktop").is_file()
    ended = _run(installed / "uninstall.sh", home=home)
    assert ended.returncode == 0, ended.stderr
    # Nobody was there to be asked.
    assert "downloaded models stay" in ended.stdout
    left = sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file() or path.is_symlink())
    told = [
        f".local/share/sounddesk/{place}"
        for place in ("bundles/mine/bundle.json", "models/sam/weights", "working/unsaved.sdesk")
    ]
    # update-desktop-database, where it is installed, leaves its cache.
    assert [each for each in left if not each.endswith("mimeinfo.cache")] == told


@pytest.mark.skipif(os.name != "posix", reason="shell scripts of Linux")
def test_uninstall_removes_models_when_told_to(unpacked: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    models = home / ".local" / "share" / "sounddesk" / "models"
    models.mkdir(parents=True)
    (models / "weights").write_text("x", encoding="utf-8")
    _run(unpacked / "install.sh", home=home)
    assert (
        "removed"
        in _run(home / ".local" / "lib" / "sounddesk" / "uninstall.sh", "--models", "remove", home=home).stdout
    )
    assert not models.exists() and models.parent.is_dir()


@pytest.mark.skipif(os.name != "posix", reason="shell scripts of Linux")
@pytest.mark.parametrize(("answer", "stays"), [("y", False), ("n", True), ("", True)])
def test_uninstall_asks_about_models(unpacked: Path, tmp_path: Path, answer: str, stays: bool) -> None:
    models = tmp_path / "home" / ".local" / "share" / "sounddesk" / "models"
    models.mkdir(parents=True)
    (models / "weights").write_text("x", encoding="utf-8")
    _run(unpacked / "install.sh", home=tmp_path / "home")
    keyboard, terminal = os.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    script = tmp_path / "home" / ".local" / "lib" / "sounddesk" / "uninstall.sh"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    ended = subprocess.run(["sh", str(script)], env=environment, stdin=terminal, capture_output=True, text=True)
    os.close(keyboard)
    os.close(terminal)
    assert "Remove the downloaded models in" in ended.stdout and ended.returncode == 0
    assert models.exists() == stays


@pytest.mark.skipif(os.name != "posix", reason="shell scripts of Linux")
def test_install_overwrites_nothing_of_others(unpacked: Path, tmp_path: Path) -> None:
    other = tmp_path / "prefix" / "lib" / "sounddesk"
    other.mkdir(parents=True)
    (other / "mine").write_text("x", encoding="utf-8")
    ended = _run(unpacked / "install.sh", "--prefix", str(tmp_path / "prefix"), home=tmp_path)
    assert ended.returncode == 1 and "choose another --prefix" in ended.stderr
    assert [path.name for path in other.iterdir()] == ["mine"]
    # Nor does the script of the unpacked folder remove that folder.
    ended = _run(unpacked / "uninstall.sh", home=tmp_path)
    assert ended.returncode == 1 and (unpacked / "sounddesk").is_dir()
