from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sounddesk.app.project.demo_project import DEMOS
from sounddesk.app.project.demo_project import demo_folder
from sounddesk.app.project.demo_project import demo_image
from sounddesk.resources_folder import resource
from sounddesk.training.preparation.starter_recipe import load_kinds


@pytest.mark.parametrize("name", DEMOS)
def test_the_demo_still_its_masks_and_its_document_agree(name):
    folder = demo_folder(name)
    scene = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
    size = Image.open(demo_image(name)).size
    known = {kind.kind for kind in load_kinds(resource("recipes/starter/kinds.yaml"))}
    covered = np.zeros(size[::-1], int)
    for entry in scene["objects"]:
        mask = np.asarray(Image.open(folder / "masks" / f"{entry['name']}.png").convert("L")) > 127
        assert mask.shape == covered.shape
        rows, columns = np.nonzero(mask)
        assert entry["box"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert mask[entry["point"][1], entry["point"][0]]
        assert entry["kind"] in known
        covered += mask
    assert covered.max() == 1, "objects overlap"
    assert {part["part"] for part in scene["origin"]} == {"background", *(entry["name"] for entry in scene["objects"])}
    assert all(part["licence"] and part["author"] for part in scene["origin"])


def test_the_demos_are_small():
    assert sum(path.stat().st_size for path in resource("demo").rglob("*") if path.is_file()) < 3e6
