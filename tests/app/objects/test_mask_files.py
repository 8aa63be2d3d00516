"""Masks through the window's commands: in as objects in one step, out as files that other programs read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.objects.mask_files import _COCO
from sounddesk.app.objects.mask_files import _LABELME
from sounddesk.app.objects.mask_files import _PNG
from sounddesk.app.objects.mask_files import MaskFiles
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from tests.app.conftest import wait_until


@pytest.fixture
def files(still: Document, told: list[str]) -> Iterator[tuple[MaskFiles, Document, SelectionModel, list[str]]]:
    selection = SelectionModel(still)
    window = QWidget()
    made = MaskFiles(still, selection, CommandRegistry(), window)
    yield made, still, selection, told
    made.close()


@pytest.mark.parametrize("kind", [_LABELME, _COCO])
def test_masks_go_out_and_come_back_in_one_step(
    files: tuple[MaskFiles, Document, SelectionModel, list[str]], tmp_path: Path, kind: str
) -> None:
    masks, document, selection, told = files
    before = [each.mask for each in document.project.objects]
    masks.export_file(tmp_path / "all", kind)
    wait_until(lambda: bool(told))
    assert (tmp_path / "all.json").exists()
    masks.import_files([tmp_path / "all.json"])
    wait_until(lambda: len(document.project.objects) == 4)
    made = document.project.objects[2:]
    assert [each.name for each in made] == ["left 2", "right 2"]
    assert [each.mask for each in made] == before
    assert selection.object_ids == tuple(each.id for each in made)
    document.undo()
    assert len(document.project.objects) == 2


def test_a_png_for_each_selected_object_and_never_over_another_file(
    files: tuple[MaskFiles, Document, SelectionModel, list[str]], tmp_path: Path
) -> None:
    masks, document, selection, told = files
    selection.select_objects([document.project.objects[1].id])
    masks.export_file(tmp_path / "m.png", _PNG)
    wait_until(lambda: bool(told))
    assert [file.name for file in tmp_path.glob("*.png")] == ["m-right.png"]
    pixels = np.asarray(Image.open(tmp_path / "m-right.png"))
    assert np.array_equal(pixels >= 128, document.project.objects[1].mask.to_bool())
    told.clear()
    masks.export_file(tmp_path / "m.png", _PNG)
    wait_until(lambda: bool(told))
    assert "exists already" in told[0]


def test_a_bad_file_among_good_ones_changes_nothing(
    files: tuple[MaskFiles, Document, SelectionModel, list[str]], tmp_path: Path
) -> None:
    masks, document, _, told = files
    masks.export_file(tmp_path / "good.json", _LABELME)
    wait_until(lambda: bool(told))
    told.clear()
    (tmp_path / "bad.json").write_text("{")
    before = document.project
    masks.import_files([tmp_path / "good.json", tmp_path / "bad.json"])
    wait_until(lambda: bool(told))
    assert "bad.json" in told[0]
    assert document.project == before
