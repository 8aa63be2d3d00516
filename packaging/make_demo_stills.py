"""Puts together the two smaller demo stills, meadow and shore, from free cut-outs and photographs.

    python packaging/make_demo_stills.py DATA resources/demo

`DATA` is what `sounddesk train prepare starter` builds. Then `python packaging/make_demo_takes.py resources/demo/NAME`
makes their sounds.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
from PIL import Image
from PIL import ImageFilter
from PIL import ImageOps

from sounddesk.engine.images.image_file import load_cut_out
from sounddesk.engine.images.image_file import load_image

_SIZE: Final = (960, 600)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A cut-out of `DATA/table.csv` in a still: its width, and the middle of its lower edge, in pixels."""

    name: str
    id: str
    width: int
    foot: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Still:
    """A photograph with parts in it, from back to front."""

    background: str
    parts: tuple[Part, ...]


STILLS: Final = {
    "meadow": Still(
        background="lomiri16-seeding-by-clements-engelhardt-629f7e",
        parts=(
            Part(name="owl", id="gcompris-owl-38f843", width=250, foot=(800, 640)),
            Part(name="bee", id="palapeli-european-honey-bee-f32ed7", width=320, foot=(250, 612)),
        ),
    ),
    "shore": Still(
        background="gcompris-montstmichel-1ff97b",
        parts=(
            Part(name="windmill", id="gcompris-windmill1-337bfc", width=230, foot=(770, 430)),
            Part(name="horse", id="gcompris-horse-8041c8", width=480, foot=(300, 570)),
        ),
    ),
}


def make_still(data: Path, name: str, folder: Path) -> None:
    """Write `scene.jpg`, `scene.json` and `masks/` of a still into `folder`."""
    still = STILLS[name]
    with (data / "table.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["id"]: row for row in csv.DictReader(table)}
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    row = rows[still.background]
    scene = ImageOps.fit(Image.fromarray(load_image(data / row["path"]).pixels), _SIZE, Image.Resampling.LANCZOS)
    origin = [_origin("background", row, "cropped, scaled, objects added")]
    masks: dict[str, np.ndarray] = {}
    for part in still.parts:
        row = rows[part.id]
        whole = Image.fromarray(load_cut_out(data / row["path"]))
        whole = whole.crop(whole.getchannel("A").getbbox())
        cut = whole.resize((part.width, round(whole.height * part.width / whole.width)), Image.Resampling.LANCZOS)
        # Softened by a pixel: cut-outs of a smaller size have hard edges.
        alpha = cut.getchannel("A").filter(ImageFilter.GaussianBlur(1.0))
        left, top = part.foot[0] - cut.width // 2, part.foot[1] - cut.height
        scene.paste(cut.convert("RGB"), (left, top), alpha)
        layer = Image.new("L", _SIZE)
        layer.paste(alpha, (left, top))
        covered = np.asarray(layer) > 127
        masks = {behind: mask & ~covered for behind, mask in masks.items()}
        masks[part.name] = covered
        origin.append(_origin(part.name, row, "cut out of a photograph, scaled"))
    scene.save(folder / "scene.jpg", quality=86, optimize=True)
    objects = []
    for each, mask in masks.items():
        Image.fromarray((mask * 255).astype(np.uint8)).convert("1").save(
            folder / "masks" / f"{each}.png", optimize=True
        )
        objects.append(_entry(each, mask))
    lines = ",\n".join(f"  {json.dumps(each)}" for each in objects)
    sources = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in origin)
    text = f'{{\n "objects": [\n{lines}\n ],\n "origin": [\n{sources}\n ]\n}}\n'
    (folder / "scene.json").write_text(text, encoding="utf-8")


def _entry(name: str, mask: np.ndarray) -> dict[str, Any]:
    from scipy import ndimage

    rows, columns = np.nonzero(mask)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    box = [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]
    return {"name": name, "kind": name, "box": box, "point": [int(x), int(y)]}


def _origin(part: str, row: dict[str, str], changes: str) -> dict[str, str]:
    work = row["member"].partition("#")[0].partition("|")[0].rpartition("/")[2]
    return {
        "part": part, "work": f"{work} of {row['package']} {row['version']}", "author": row["credit"],
        "licence": row["licence"], "changes": changes,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    for name in STILLS:
        make_still(options.data, name, options.folder / name)


if __name__ == "__main__":
    main()
