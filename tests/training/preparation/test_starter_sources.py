from __future__ import annotations

import dataclasses
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from sounddesk.training.preparation import starter_sources
from sounddesk.training.preparation.starter_sources import FileNote
from sounddesk.training.preparation.starter_sources import Source
from sounddesk.training.preparation.starter_sources import SourceError
from sounddesk.training.preparation.starter_sources import SourceLibrary
from sounddesk.training.preparation.starter_sources import file_sha256
from sounddesk.training.preparation.starter_sources import load_sources


def source(**changes):
    return dataclasses.replace(
        Source(
            name="set",
            package="@scope/some-sounds",
            registry="pypi",
            version="1.0",
            sha256="0" * 64,
            reader="folder",
            path="sounds",
            prefix="",
            licence="CC0-1.0",
            credit="Ann",
            notes=(FileNote(match=("dog*", "*.png"), licence="MIT", credit="Bo"),),
        ),
        **changes,
    )


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
    described = source(registry=registry, sha256=file_sha256(packed))
    assert SourceLibrary({"set": described}, folder=tmp_path).reader("set").read("cat.ogg").data == b"meow"
    packed.unlink()
    again = SourceLibrary({"set": described}, folder=tmp_path, fetch=False)
    assert again.reader("set").names() == ["cat.ogg"]
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
        (target / "sounds").mkdir()
        (target / "sounds" / "cat.ogg").write_bytes(b"meow")
        unpacked.append(archive)

    monkeypatch.setattr(starter_sources, "_run", unpack)
    described = source(registry="debian", package="some-sounds", sha256=file_sha256(packed))
    library = SourceLibrary({"set": described}, folder=Path("data"))
    assert library.reader("set").read("cat.ogg").data == b"meow"
    assert len(unpacked) == 1


def test_without_fetching_a_missing_package_is_named(tmp_path):
    with pytest.raises(SourceError, match="put the unpacked package"):
        SourceLibrary({"set": source()}, folder=tmp_path, fetch=False).reader("set")
    with pytest.raises(SourceError, match="unknown source 'other'; known are set"):
        SourceLibrary({"set": source()}, folder=tmp_path).reader("other")


def test_a_changed_package_is_refused(tmp_path, monkeypatch):
    asked = []

    def download(command, *, cwd):
        asked.append(command)
        wheel(cwd)

    monkeypatch.setattr(starter_sources, "_run", download)
    with pytest.raises(SourceError, match="the package changed"):
        SourceLibrary({"set": source()}, folder=tmp_path).reader("set")
    assert asked[0][:2] == ["pip", "download"]


@pytest.mark.parametrize(
    ("registry", "command"),
    [("debian", "apt-get download @scope/some-sounds=1.0"), ("npm", "npm pack @scope/some-sounds@1.0")],
)
def test_the_ordinary_clients_are_used(tmp_path, monkeypatch, registry, command):
    asked = []
    monkeypatch.setattr(starter_sources, "_run", lambda command, *, cwd: asked.append(" ".join(command)))
    with pytest.raises(SourceError, match="nothing was downloaded"):
        SourceLibrary({"set": source(registry=registry)}, folder=tmp_path).reader("set")
    assert asked == [command]


def test_a_missing_client_and_a_failing_one_are_named(tmp_path, monkeypatch):
    with pytest.raises(SourceError, match="'false' failed"):
        starter_sources._run(["false"], cwd=tmp_path)
    with pytest.raises(SourceError, match="no-such-client is not installed"):
        starter_sources._run(["no-such-client"], cwd=tmp_path)


def test_the_first_note_decides_the_licence():
    assert source().licence_of("dog.ogg") == ("MIT", "Bo")
    assert source().licence_of("cat.ogg") == ("CC0-1.0", "Ann")


def test_an_entry_that_lacks_something_is_named(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("set: {package: x, registry: npm}")
    with pytest.raises(SourceError, match="source 'set' lacks the key 'version'"):
        load_sources(path)
    path.write_text("[]")
    with pytest.raises(SourceError, match="must map source names"):
        load_sources(path)
