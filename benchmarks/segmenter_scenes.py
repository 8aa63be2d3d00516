"""How well the embedded segmenter answers clicks and boxes, and finds objects by itself, on composed scenes.

    python benchmarks/segmenter_scenes.py --pictures DIR --backgrounds DIR [--scenes 60] [--seed 1] [--fit]

DIR of pictures: cut-outs (PNG with alpha), searched in all subfolders; DIR of backgrounds: photographs.
One to four cut-outs, 12 to 85 % of the height long, are laid apart on a background of 1280 x 800; their
alpha is the truth. `--fit` prints weights for `mask_quality.WEIGHTS` instead; fit on other pictures than measured on.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.grabcut_masks import DISC_RADII
from sounddesk.engine.segmenters.grabcut_masks import agreements
from sounddesk.engine.segmenters.grabcut_masks import disc_masks
from sounddesk.engine.segmenters.grabcut_solver import Seeds
from sounddesk.engine.segmenters.grabcut_solver import make_work_image
from sounddesk.engine.segmenters.mask_quality import WEIGHTS
from sounddesk.engine.segmenters.mask_quality import measure
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.suggestions import suggest_objects

WIDTH, HEIGHT = 1280, 800


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A composed picture and the true masks of its objects."""

    image: np.ndarray
    masks: tuple[np.ndarray, ...]


def usable_cutouts(folder: Path) -> list[Path]:
    """Cut-outs with a shape: not full rectangles, not tiny."""
    found = []
    for path in sorted(folder.rglob("*.png")):
        picture = Image.open(path)
        if min(picture.size) < 60 or not ("A" in picture.getbands() or "transparency" in picture.info):
            continue
        alpha = np.asarray(picture.convert("RGBA"))[..., 3] > 127
        if alpha.sum() >= 2000 and alpha.mean() < 0.93:
            found.append(path)
    return found


def compose(cutouts: list[Path], backgrounds: list[Path], rng: random.Random) -> Scene:
    """One scene; its objects keep a few pixels from each other and from the border."""
    photograph = np.asarray(Image.open(rng.choice(backgrounds)).convert("RGB"))
    scale = max(WIDTH / photograph.shape[1], HEIGHT / photograph.shape[0])
    size = max(WIDTH, round(photograph.shape[1] * scale)), max(HEIGHT, round(photograph.shape[0] * scale))
    image = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA)[:HEIGHT, :WIDTH].copy()
    wanted, masks, taken = rng.choice([1, 2, 3, 3, 4]), [], np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(200):
        if len(masks) == wanted:
            break
        cutout = np.asarray(Image.open(rng.choice(cutouts)).convert("RGBA"))
        rows, columns = (
            np.flatnonzero(cutout[..., 3].max(axis=1) > 127),
            np.flatnonzero(cutout[..., 3].max(axis=0) > 127),
        )
        cutout = cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        factor = rng.uniform(0.12, 0.85) * HEIGHT / max(cutout.shape[:2])
        width, height = round(cutout.shape[1] * factor), round(cutout.shape[0] * factor)
        if min(width, height) < 8 or width > WIDTH - 8 or height > HEIGHT - 8:
            continue
        cutout = cv2.resize(cutout, (width, height), interpolation=cv2.INTER_AREA)
        x, y = rng.randint(3, WIDTH - width - 3), rng.randint(3, HEIGHT - height - 3)
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[y : y + height, x : x + width] = cutout[..., 3] > 127
        if mask.sum() < 1500 or taken[mask].any():
            continue
        share = cutout[..., 3:] / 255.0
        below = image[y : y + height, x : x + width]
        image[y : y + height, x : x + width] = np.rint(cutout[..., :3] * share + below * (1 - share)).astype(np.uint8)
        taken |= cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8))
        masks.append(mask)
    return Scene(image=image, masks=tuple(masks))


def middle_of(mask: np.ndarray) -> tuple[float, float]:
    """The centre of mass, or the innermost pixel where that lies outside."""
    rows, columns = np.nonzero(mask)
    x, y = int(columns.mean()), int(rows.mean())
    if not mask[y, x]:
        depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x), float(y)


def anywhere_in(mask: np.ndarray, rng: random.Random) -> tuple[float, float]:
    """A random pixel, a few pixels from the edge where the object is wide enough."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    rows, columns = np.nonzero(inner if inner.any() else mask)
    index = rng.randrange(len(rows))
    return float(columns[index]), float(rows[index])


def measure_scenes(scenes: list[Scene], rng: random.Random) -> str:
    """The line of figures."""
    segmenter = GrabCutSegmenter()
    figures: dict[str, list[float]] = {name: [] for name in ("middle", "middle3", "random", "random3", "box", "recall")}
    clicks_s, proposals_s, right = [], [], []
    for scene in scenes:
        encoded = segmenter.encode(scene.image)
        for mask in scene.masks:
            for name, point in (("middle", middle_of(mask)), ("random", anywhere_in(mask, rng))):
                start = time.process_time()
                overlaps = answers(segmenter, encoded, Prompt.click(*point), mask)
                clicks_s.append(time.process_time() - start)
                figures[name].append(overlaps[0])
                figures[f"{name}3"].append(max(overlaps))
            rows, columns = np.nonzero(mask)
            box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
            figures["box"].append(answers(segmenter, encoded, Prompt(box=box), mask)[0])
        start = time.process_time()
        suggestions = suggest_objects(segmenter.encode(scene.image), segmenter=segmenter, limit=5)
        proposals = [each.candidate.mask for each in suggestions]
        proposals_s.append(time.process_time() - start)
        for mask in scene.masks:
            figures["recall"].append(float(any(overlap(mask, proposal) >= 0.5 for proposal in proposals)))
        right += [float(any(overlap(mask, proposal) >= 0.5 for mask in scene.masks)) for proposal in proposals]
    mean = {name: float(np.mean(values)) for name, values in figures.items()}
    return (
        f"grabcut, {len(scenes)} scenes, {len(figures['box'])} objects: "
        f"mean IoU click in the middle {mean['middle']:.3f} (best of three {mean['middle3']:.3f}), "
        f"anywhere {mean['random']:.3f} ({mean['random3']:.3f}), box {mean['box']:.3f}; "
        f"click {1000 * float(np.median(clicks_s)):.0f} ms; "
        f"proposals: recall {mean['recall']:.2f}, precision {float(np.mean(right)):.2f} at IoU 0.5, "
        f"{float(np.median(proposals_s)):.1f} s"
    )


def answers(segmenter: GrabCutSegmenter, encoded: object, prompt: Prompt, truth: np.ndarray) -> list[float]:
    """IoU of each candidate, best first by the segmenter's own score."""
    try:
        return [overlap(candidate.mask, truth) for candidate in segmenter.predict(encoded, prompt)]
    except EmptySelectionError:
        return [0.0]


def fit(scenes: list[Scene], rng: random.Random) -> str:
    """Least squares of the IoU on the measures, over the masks of all discs."""
    rows: list[list[float]] = []
    truth: list[float] = []
    for scene in scenes:
        work = make_work_image(scene.image)
        for mask in scene.masks:
            small = cv2.resize(mask.astype(np.float32), work.size[::-1], interpolation=cv2.INTER_AREA) > 0.5
            for point in (middle_of(mask), anywhere_in(mask, rng)):
                seeds = Seeds(positive=work.to_work([point]))
                found = disc_masks(work, seeds, radii=[share * work.diagonal for share in DISC_RADII])
                for one, agreement in zip(found, agreements(found), strict=True):
                    if 12 <= one.sum() <= 0.97 * one.size:
                        measures = measure(work, one, agreement=agreement)
                        rows.append([1.0, *(measures[name] for name in WEIGHTS)])
                        truth.append(overlap(one, small))
    design = np.array(rows)
    ridge = 1e-3 * len(rows) * np.diag([0.0, *design[:, 1:].var(axis=0)])
    solution = np.linalg.solve(design.T @ design + ridge, design.T @ np.array(truth))
    pairs = ", ".join(f'"{name}": {value:.3f}' for name, value in zip(WEIGHTS, solution[1:], strict=True))
    return f"{{{pairs}}} bias {solution[0]:.3f}, correlation {np.corrcoef(design @ solution, truth)[0, 1]:.3f}"


def main() -> None:
    """Compose, measure, print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    cutouts = usable_cutouts(options.pictures)
    kinds = (".jpg", ".jpeg", ".png", ".webp")
    backgrounds = sorted(path for path in options.backgrounds.rglob("*") if path.suffix.lower() in kinds)
    if not cutouts or not backgrounds:
        parser.error(
            f"{len(cutouts)} cut-outs and {len(backgrounds)} backgrounds found: at least one of each is needed"
        )
    cv2.setNumThreads(1)
    rng = random.Random(options.seed)
    scenes = [compose(cutouts, backgrounds, rng) for _ in range(options.scenes)]
    print(fit(scenes, rng) if options.fit else measure_scenes(scenes, rng))


if __name__ == "__main__":
    main()
