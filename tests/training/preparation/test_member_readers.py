from __future__ import annotations

import io
import json
import zipfile

import pytest
import soundfile

from sounddesk.training.preparation.formats.iconify_set import IconifyError
from sounddesk.training.preparation.formats.iconify_set import IconifySet
from sounddesk.training.preparation.member_readers import MemberError
from sounddesk.training.preparation.member_readers import expand
from sounddesk.training.preparation.member_readers import open_reader
from tests.training.preparation.archives import cat
from tests.training.preparation.archives import rcc
from tests.training.preparation.archives import soundfont
from tests.training.preparation.archives import tone
from tests.training.preparation.archives import wav

ICONS = {
    "prefix": "tiny",
    "width": 24,
    "height": 12,
    "icons": {"bell": {"body": '<path fill="currentColor" d="M0 0h9v9z"/>'}, "saw": {"body": "<g/>", "left": 3}},
    "aliases": {"ring": {"parent": "bell"}},
}


def test_a_folder_and_its_patterns(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/dog2.ogg", "a/dog1.ogg", "cat.ogg"):
        (tmp_path / name).write_bytes(name.encode())
    reader = open_reader(kind="folder", path=tmp_path)
    assert reader.names() == ["a/dog1.ogg", "a/dog2.ogg", "cat.ogg"]
    assert expand(reader, "a/dog?.ogg") == ["a/dog1.ogg", "a/dog2.ogg"]
    assert expand(reader, "cat.ogg") == ["cat.ogg"]
    assert reader.read("cat.ogg").data == b"cat.ogg"
    with pytest.raises(MemberError, match="no member matches"):
        expand(reader, "cow*")
    with pytest.raises(MemberError, match=r"no file 'cow\.ogg'"):
        reader.read("cow.ogg")


def test_recordings_of_a_folder_are_joined(tmp_path):
    (tmp_path / "down.wav").write_bytes(wav(tone(seconds=0.1)))
    (tmp_path / "up.wav").write_bytes(wav(tone(seconds=0.2)))
    reader = open_reader(kind="folder", path=tmp_path)
    joined = reader.read("down.wav + up.wav + down.wav").data
    assert soundfile.info(io.BytesIO(joined)).duration == pytest.approx(0.4, abs=0.001)


def test_a_zip(tmp_path):
    path = tmp_path / "x.pk3"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sound/door/open.ogg", b"open")
        archive.writestr("music/song.ogg", b"song")
    reader = open_reader(kind="zip", path=path, prefix="sound/")
    assert reader.names() == ["door/open.ogg"]
    assert reader.read("door/open.ogg").data == b"open"
    with pytest.raises(MemberError, match=r"sound/door/close\.ogg"):
        reader.read("door/close.ogg")


def test_a_folder_of_resource_files(tmp_path):
    (tmp_path / "farm.rcc").write_bytes(rcc({"act/farm/res/dog.ogg": b"woof", "act/farm/x.qml": b""}))
    reader = open_reader(kind="rcc", path=tmp_path, prefix="act/{}/res/")
    assert reader.names() == ["farm/dog.ogg"]
    assert reader.read("farm/dog.ogg").data == b"woof"
    with pytest.raises(MemberError, match="no member"):
        reader.read("farm/cat.ogg")


def test_a_catalogue_gives_its_credits(tmp_path):
    path = tmp_path / "x.cat"
    path.write_bytes(cat([("By Ann", b"RIFFa"), ("By Bo", b"RIFFb")]))
    reader = open_reader(kind="cat", path=path)
    assert reader.names() == ["0", "1"]
    assert reader.read("1").credit == "By Bo"
    with pytest.raises(MemberError, match="no number '2'"):
        reader.read("2")


def test_a_soundfont_gives_recordings(tmp_path):
    path = tmp_path / "x.sf2"
    path.write_bytes(soundfont({"A4": (tone(hz=441.0), 100, 200)}))
    reader = open_reader(kind="soundfont", path=path)
    assert reader.names() == ["A4"]
    assert soundfile.info(io.BytesIO(reader.read("A4@1 + A4").data)).duration == pytest.approx(1.5, abs=0.01)


def test_icons(tmp_path):
    path = tmp_path / "icons.json"
    path.write_text(json.dumps(ICONS))
    reader = open_reader(kind="iconify", path=path)
    assert reader.names() == ["bell", "ring", "saw"]
    svg = reader.read("ring").data.decode()
    assert 'viewBox="0 0 24 12"' in svg
    assert "currentColor" not in svg
    assert 'viewBox="3 0 24 12"' in reader.read("saw").data.decode()
    with pytest.raises(MemberError, match="no icon 'cow'"):
        reader.read("cow")
    path.write_text("[]")
    with pytest.raises(IconifyError, match="not an icon set"):
        IconifySet(path)


def test_a_missing_place_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="unpack the source package again"):
        open_reader(kind="zip", path=tmp_path / "gone.zip")
