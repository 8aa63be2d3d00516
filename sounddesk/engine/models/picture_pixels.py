"""Pictures as numbers, with the colour statistics that published image networks were trained with."""

from __future__ import annotations

from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)
"""BLIP and OWLv2 have them, too."""

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


def standardised(image: npt.NDArray[Any], *, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """sRGB uint8[H, W, 3] -> float32[1, 3, H, W] of mean 0 and deviation 1 over the pixels of such statistics.

    Args:
        mean, std: of each colour, from 0 to 1.
    """
    scaled = (image.astype(np.float32) / 255.0 - np.array(mean, np.float32)) / np.array(std, np.float32)
    return torch.from_numpy(scaled.transpose(2, 0, 1)[None].copy())
