"""How often the condition of a test picture, alone in a scene through its true mask, is nearest to its own kind.

By the collection that the picture comes from, since a mean over photographs and drawings hides what one of them lost.
Some four fifths of the test pictures of `MOSTLY_PHOTOGRAPHS` are photographs, by eye, and few of the others.

python -m benchmarks.nearest_kind --data FOLDER [--bundle BUNDLE] [--views 2]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sounddesk.engine.bundles.component_loading import WEIGHTS_FILE
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.scene_composition import compose_scene
from sounddesk.engine.models.quantised_weights import load_weights
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import ObjectRequest
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.training.data.recordings import read_rows
from sounddesk.training.data.scene_bank import random_background
from sounddesk.training.data.scene_bank import read_pictures

MOSTLY_PHOTOGRAPHS = ("tuxpaint", "gcompris", "0ad-animals", "qabcs")


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    arguments_of.add_argument("--bundle", default=SHIPPED_BUNDLE)
    arguments_of.add_argument("--views", type=int, default=2, help="scenes of each picture")
    arguments_of.add_argument("--seed", type=int, default=5)
    options = arguments_of.parse_args(arguments)
    bundle = find_bundle(options.bundle)
    session = EngineSession.open(bundle=bundle.folder, device="cpu")
    prototypes = load_weights(bundle.component_folder("grounding") / WEIGHTS_FILE)["prototypes"].float().numpy()
    kinds = [kind.name for kind in read_bundle_kinds(bundle)]
    pictures = read_pictures(options.data, split="test")
    rng = np.random.default_rng(options.seed)
    right: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for row in read_rows(options.data, "picture"):
        if row["split"] != "test" or row["kind"] not in kinds:
            continue
        bgra = cv2.imread(str(options.data / row["path"]), cv2.IMREAD_UNCHANGED)
        assert bgra is not None
        cut_out = cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA).astype(np.uint8)
        for _ in range(options.views):
            background = random_background(pictures, rng)
            scene = compose_scene([cut_out], background=background, height=480, width=640, rng=rng, fill=(0.35, 0.6))
            take = ObjectRequest(name=row["kind"], mask=scene.masks[0], seed=0)
            similar = prototypes @ session.condition(scene.image, take).condition
            seen[row["source"]] += 1
            right[row["source"]] += kinds[int(similar.argmax())] == row["kind"]
    for source, count in seen.most_common():
        print(f"{source}: {Proportion(hits=right[source], trials=count).text()}")
    for name, photographs in (("mostly photographs", True), ("mostly drawings", False)):
        among = [source for source in seen if (source in MOSTLY_PHOTOGRAPHS) == photographs]
        whole = Proportion(hits=sum(right[s] for s in among), trials=sum(seen[s] for s in among))
        print(f"nearest kind, collections of {name}: {whole.text()}, bundle {options.bundle}")


if __name__ == "__main__":
    main()
