from __future__ import annotations

import dataclasses
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from sounddesk.storage import packages
from sounddesk.storage.packages import Package
from sounddesk.storage.packages import PackageCache
from sounddesk.storage.packages import PackageError
from sounddesk.storage.packages import file_sha256

PACKAGE = Package(name="@scope/some-sounds", registry="pypi", version="1.0", sha256="0" * 64)


def wheel(folder):
    path = folder / "some.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sounds/cat.ogg", b"meow")
    return path


def tarball(folder):
    path = folder / "some.tgz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("sounds/cat.ogg")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"meow"))
    return path


@pytest.mark.parametrize(("registry", "make"), [("pypi", wheel), ("npm", tarball)])
def test_a_downloaded_package_is_unpacked_once(tmp_path, registry, make):
    (tmp_path / "archives").mkdir()
    packed = make(tmp_path / "archives")
    described = dataclasses.replace(PACKAGE, registry=registry, sha256=file_sha256(packed))
    tree = PackageCache(tmp_path).tree(described)
    assert tree == tmp_path / "trees" / "scope-some-sounds"
    assert (tree / "sounds" / "cat.ogg").read_bytes() == b"meow"
    packed.unlink()
    assert PackageCache(tmp_path, fetch=False).tree(described) == tree
    assert [path.name for path in (tmp_path / "trees").iterdir()] == ["scope-some-sounds"]


def test_a_relative_folder_means_the_same_place_to_the_clients(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packed = tmp_path / "data" / "archives" / "some-sounds_1.0_all.deb"
    packed.parent.mkdir(parents=True)
    packed.write_bytes(b"deb")
    unpacked = []

    def unpack(command, *, cwd):
        # The client's own working folder is not ours.
        archive, target = ((cwd / part).resolve() for part in command[2:])
        assert archive.read_bytes() == b"deb"
        (target / "cat.ogg").write_bytes(b"meow")
        unpacked.append(archive)

    monkeypatch.setattr(packages, "_run", unpack)
    described = dataclasses.replace(PACKAGE, name="some-sounds", registry="debian", sha256=file_sha256(packed))
    tree = PackageCache(Path("data")).tree(described)
    assert (tree / "cat.ogg").read_bytes() == b"meow"
    assert len(unpacked) == 1


def test_without_fetching_a_missing_package_is_named(tmp_path):
    with pytest.raises(PackageError, match="put the unpacked package @scope/some-sounds there"):
        PackageCache(tmp_path, fetch=False).tree(PACKAGE)


def test_a_changed_package_is_refused(tmp_path, monkeypatch):
    asked = []

    def download(command, *, cwd):
        asked.append(command)
        wheel(cwd)

    monkeypatch.setattr(packages, "_run", download)
    with pytest.raises(PackageError, match="the package changed"):
        PackageCache(tmp_path).tree(PACKAGE)
    assert asked[0][:2] == ["pip", "download"]


@pytest.mark.parametrize(
    ("registry", "options", "command"),
    [
        ("debian", (), "apt-get download @scope/some-sounds=1.0"),
        ("npm", (), "npm pack @scope/some-sounds@1.0"),
        (
            "pypi",
            ("--python-version", "3.7"),
            "pip download --no-deps --only-binary :all: --python-version 3.7 @scope/some-sounds==1.0",
        ),
    ],
)
def test_the_ordinary_clients_are_used(tmp_path, monkeypatch, registry, options, command):
    asked = []
    monkeypatch.setattr(packages, "_run", lambda command, *, cwd: asked.append(" ".join(command)))
    with pytest.raises(PackageError, match="nothing was downloaded"):
        PackageCache(tmp_path).tree(dataclasses.replace(PACKAGE, registry=registry, client_options=options))
    assert asked == [command]


def test_a_missing_client_and_a_failing_one_are_named(tmp_path):
    with pytest.raises(PackageError, match="'false' failed"):
        packages._run(["false"], cwd=tmp_path)
    with pytest.raises(PackageError, match="no-such-client is not installed"):
        packages._run(["no-such-client"], cwd=tmp_path)
