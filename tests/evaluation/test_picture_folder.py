from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.evaluation.picture_folder import PictureFolderError
from sounddesk.evaluation.picture_folder import normal_name
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_cut_out
from sounddesk.evaluation.picture_folder import read_picture_folder
from tests.evaluation.conftest import write_cut_out
from tests.tiny_bundle import build_tiny_bundle


@pytest.mark.parametrize("name", ["fire truck", "Fire_Truck", "FIRE-TRUCK", " fire  truck"])
def test_names_are_compared_without_case_and_with_spaces(name):
    assert normal_name(name) == "fire truck"


def test_known_kinds_are_read_and_unknown_ones_counted(tmp_path):
    write_cut_out(tmp_path / "Fire_Truck" / "b.png")
    write_cut_out(tmp_path / "Fire_Truck" / "a.PNG")
    write_cut_out(tmp_path / "unicorn" / "a.png")
    write_cut_out(tmp_path / "unicorn" / "b.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("not a folder")
    found = read_picture_folder(tmp_path, ["dog", "fire truck"])
    assert list(found.cut_outs) == ["fire truck"]
    assert found.pictures == 2
    assert found.skipped_kinds == {"unicorn": 2}
    assert found.skipped_pictures == {}
    assert found.to_json()["kinds"] == ["fire truck"]


def test_two_folders_of_one_kind_are_one_kind(tmp_path):
    write_cut_out(tmp_path / "fire-truck" / "a.png")
    write_cut_out(tmp_path / "fire_truck" / "a.png")
    assert len(read_picture_folder(tmp_path, ["fire truck"]).cut_outs["fire truck"]) == 2


def test_unusable_pictures_are_skipped_with_the_reason(tmp_path):
    write_cut_out(tmp_path / "dog" / "good.png")
    write_cut_out(tmp_path / "dog" / "speck.png", size=(4, 4))
    (tmp_path / "dog" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    (tmp_path / "dog" / "zero.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "dog" / "opaque.png"), np.full((30, 30, 4), 255, dtype=np.uint8))
    cv2.imwrite(str(tmp_path / "dog" / "rgb.png"), np.full((30, 30, 3), 255, dtype=np.uint8))
    found = read_picture_folder(tmp_path, ["dog"])
    assert found.pictures == 1
    reasons = {name.removeprefix("dog/"): reason for name, reason in found.skipped_pictures.items()}
    assert set(reasons) == {"speck.png", "broken.png", "zero.png", "opaque.png", "rgb.png"}
    assert "opaque" in reasons["opaque.png"]
    assert "alpha" in reasons["rgb.png"]
    assert "8 pixels" in reasons["speck.png"]


def test_kind_with_only_bad_pictures_is_no_kind(tmp_path):
    write_cut_out(tmp_path / "cat" / "good.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "bad.png").write_bytes(b"nothing")
    assert list(read_picture_folder(tmp_path, ["cat", "dog"]).cut_outs) == ["cat"]


def test_nothing_usable_is_refused(tmp_path):
    write_cut_out(tmp_path / "unicorn" / "a.png")
    with pytest.raises(PictureFolderError, match="no usable picture.*1 kinds and 0 pictures"):
        read_picture_folder(tmp_path, ["dog"])
    with pytest.raises(PictureFolderError, match="not a folder"):
        read_picture_folder(tmp_path / "missing", ["dog"])


def test_cut_out_is_trimmed_and_in_rgb_order(tmp_path):
    write_cut_out(tmp_path / "a.png", (250, 10, 40), size=(40, 60), margin=20)
    cut_out = read_cut_out(tmp_path / "a.png")
    assert cut_out.shape == (41, 61, 4)
    assert tuple(cut_out[20, 30]) == (250, 10, 40, 255)


def test_sixteen_bits_become_eight(tmp_path):
    deep = np.zeros((40, 40, 4), dtype=np.uint16)
    deep[10:30, 10:30] = (0x1200, 0x3400, 0x5600, 0xFFFF)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    cut_out = read_cut_out(tmp_path / "a.png")
    assert cut_out.shape == (20, 20, 4)
    assert tuple(cut_out[5, 5]) == (0x56, 0x34, 0x12, 255)


def test_kinds_of_a_bundle(bundle_with_kinds):
    kinds = read_bundle_kinds(Bundle.open(bundle_with_kinds))
    assert [kind.name for kind in kinds] == ["dog", "car", "sea", "siren", "engine"]
    assert kinds[0].caption == "a dog"


def test_bundle_without_kinds_is_refused(tmp_path):
    folder = build_tiny_bundle(tmp_path)
    with pytest.raises(PictureFolderError, match="does not say which kinds"):
        read_bundle_kinds(Bundle.open(folder))


@pytest.mark.parametrize("text", ["{", "[3]", json.dumps([{"caption": "a dog"}])])
def test_damaged_list_of_kinds_is_named(tmp_path, bundle_with_kinds, text):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(bundle_with_kinds, folder)
    (folder / "kinds.json").write_text(text)
    with pytest.raises(PictureFolderError, match=r"kinds\.json.*cannot be read"):
        read_bundle_kinds(Bundle.open(folder))
