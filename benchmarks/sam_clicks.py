"""SAM at its published size with random weights: the first click on an image against the ones after it.

The first click pays for the image encoder; the encoding is kept, so every other click costs the mask decoder alone.

python -m benchmarks.sam_clicks [--size b] [--clicks 5]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
import torch
from segment_anything import sam_model_registry

from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.sam import SamSegmenter

WIDTH, HEIGHT = 1280, 960


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--size", choices=("b", "l", "h"), default="b")
    arguments_of.add_argument("--clicks", type=int, default=5)
    options = arguments_of.parse_args(arguments)
    torch.manual_seed(0)
    segmenter = SamSegmenter(sam_model_registry[f"vit_{options.size}"]().eval().requires_grad_(False))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    first_s = click(segmenter, image, Prompt.click(300.0, 400.0))
    places = rng.uniform((10, 10), (WIDTH - 10, HEIGHT - 10), (options.clicks, 2))
    later_s = float(np.median([click(segmenter, image, Prompt.click(float(x), float(y))) for x, y in places]))
    print(
        f"SAM ViT-{options.size.upper()}, image of {WIDTH} x {HEIGHT}: first click {first_s:.1f} s, later clicks "
        f"{later_s:.2f} s (median of {options.clicks}): {first_s / later_s:.0f} times cheaper"
    )


def click(segmenter: SamSegmenter, image: np.ndarray, prompt: Prompt) -> float:
    """Seconds from a click to its candidate masks, as the desk gets them."""
    start_s = time.perf_counter()
    segmenter.predict(segmenter.encode(image), prompt)
    return time.perf_counter() - start_s


if __name__ == "__main__":
    main(sys.argv[1:])
