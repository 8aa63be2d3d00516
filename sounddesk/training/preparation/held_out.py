"""The pictures of a prepared data set that were never trained on, as the evaluation reads them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sounddesk.training.data.recordings import read_rows


def held_out_pictures(data_dir: Path, target: Path) -> Path:
    """Put the test pictures of `data_dir` into `target`/KIND/*.png; the folder. What is there already stays."""
    for row in read_rows(data_dir, "picture"):
        if row["split"] == "test":
            place = target / row["kind"] / Path(row["path"]).name
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                part = place.with_name(f".{place.name}.{os.getpid()}.tmp")
                shutil.copyfile(data_dir / row["path"], part)
                part.replace(place)
    return target
