from __future__ import annotations

import pytest

from sounddesk.storage.rcc_archive import RccArchive
from sounddesk.storage.rcc_archive import RccError
from tests.training.preparation.archives import rcc

MEMBERS = {"a/dog.ogg": b"woof", "a/b/ä cat.png": bytes(range(256)), "z.txt": b""}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("compress", [False, True])
def test_every_member_comes_back(version, compress):
    archive = RccArchive(rcc(MEMBERS, version=version, compress=compress))
    assert archive.names() == sorted(MEMBERS)
    assert {name: archive.read(name) for name in archive.names()} == MEMBERS
    assert "a/dog.ogg" in archive
    assert "a" not in archive


def test_an_unknown_member_is_named():
    with pytest.raises(RccError, match="no member 'b/dog.ogg'"):
        RccArchive(rcc(MEMBERS)).read("b/dog.ogg")


@pytest.mark.parametrize("data", [b"", b"qres", b"RIFF" + bytes(40)])
def test_a_file_of_another_kind_is_refused(data):
    with pytest.raises(RccError, match="not a Qt resource file"):
        RccArchive(data, name="x.rcc")


def test_a_newer_version_is_refused():
    with pytest.raises(RccError, match="format version 9"):
        RccArchive(rcc(MEMBERS).replace(b"qres\0\0\0\1", b"qres\0\0\0\x09"))


def test_a_cut_off_file_is_refused():
    whole = rcc({"dog.ogg": bytes(1000)})
    with pytest.raises(RccError, match="damaged"):
        RccArchive(whole[:30])
    names_first = bytearray(whole)
    with pytest.raises(RccError, match="cut off"):
        # The length of the payload claims more than there is.
        position = whole.index(b"\0\0\x03\xe8")
        names_first[position : position + 4] = b"\0\xff\xff\xff"
        RccArchive(bytes(names_first)).read("dog.ogg")


def test_a_damaged_payload_is_named():
    whole = bytearray(rcc({"dog.ogg": b"woof" * 50}, compress=True))
    position = whole.index(b"\x78\x9c")
    whole[position : position + 2] = b"\0\0"
    with pytest.raises(RccError, match=r"'dog\.ogg' .* damaged"):
        RccArchive(bytes(whole)).read("dog.ogg")
