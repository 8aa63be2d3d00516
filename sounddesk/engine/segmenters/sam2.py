"""SAM 2 as a segmenter, through transformers' `Sam2Model` (Ravi et al., 'SAM 2', 2024; table 8 of the paper).

The `sam2` package of its authors needs hydra and iopath; transformers reads the same weights without. Unlike SAM, the
image is squashed to a square, so coordinates are scaled per axis and nothing is padded.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sounddesk.engine.models.picture_pixels import IMAGENET_MEAN
from sounddesk.engine.models.picture_pixels import IMAGENET_STD
from sounddesk.engine.models.picture_pixels import standardised
from sounddesk.engine.segmenters.grid_proposals import GridSettings
from sounddesk.engine.segmenters.grid_proposals import grid_image
from sounddesk.engine.segmenters.grid_proposals import propose_by_grid
from sounddesk.engine.segmenters.prompted import CACHED_IMAGES
from sounddesk.engine.segmenters.prompted import HINT_LOGIT
from sounddesk.engine.segmenters.prompted import PromptedSegmenter
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage


@dataclass(frozen=True, kw_only=True, eq=False)
class Sam2Features:
    """The feature maps of three levels, finest first, as `Sam2Model.get_image_embeddings` gives them."""

    levels: list[torch.Tensor]


class Sam2Segmenter(PromptedSegmenter):
    """`Segmenter` and `ProposesObjects` on transformers' Sam2Model."""

    def __init__(
        self,
        model: Any,
        *,
        name: str = "SAM 2",
        device: str = "cpu",
        notes: tuple[str, ...] = (),
        cached_images: int = CACHED_IMAGES,
        proposals: GridSettings | None = None,
    ) -> None:
        """Take over a `Sam2Model` in evaluation mode.

        Raises:
            SegmenterError: the device does not exist or has too little memory.
        """
        super().__init__(model, name=name, device=device, notes=notes, cached_images=cached_images)
        self._proposals = proposals or GridSettings()
        self._side = int(model.config.prompt_encoder_config.image_size)

    @classmethod
    def from_folder(cls, folder: Path, *, name: str = "SAM 2", device: str = "cpu") -> Sam2Segmenter:
        """Load `config.json` and safetensors of a transformers folder.

        Raises:
            SegmenterError: missing, damaged, not a SAM 2, or a version of transformers without it.
        """
        try:
            from transformers.models.sam2.modeling_sam2 import Sam2Model
        except ImportError as error:
            raise SegmenterError("SAM 2 needs a newer transformers: pip install --upgrade transformers") from error
        from sounddesk.engine.models.construction import quieten_libraries

        quieten_libraries()
        try:
            model = Sam2Model.from_pretrained(folder, use_safetensors=True, local_files_only=True)
        # transformers, safetensors and torch each raise classes of their own on damaged files.
        except Exception as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise SegmenterError(f"SAM 2 in {folder} cannot be loaded ({reason}): install it again") from error
        return cls(model.float().requires_grad_(False), name=name, device=device)

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> tuple[Candidate, ...]:
        """Objects found by a grid of clicks, best first. Raises: Cancelled."""
        check_encoded(encoded, segmenter=self._name)
        # The features know nothing of the image's size, since it was squashed to the square: they serve both.
        small = replace(encoded, image=grid_image(encoded.image))
        return propose_by_grid(self, encoded, small=small, settings=self._proposals, cancel=cancel)

    @torch.no_grad()
    def _features(self, image: RgbImage) -> Sam2Features:
        pixels = sam2_pixels(image, side=self._side, device=self._device)
        try:
            levels = self._model.get_image_embeddings(pixels)
        except torch.cuda.OutOfMemoryError as error:
            raise SegmenterError(f"not enough memory on {self._device} for {self._name}: run it on 'cpu'") from error
        return Sam2Features(levels=list(levels))

    @torch.no_grad()
    def _decode(
        self, encoded: EncodedImage, prompt: Prompt, *, multimask: bool
    ) -> tuple[torch.Tensor, npt.NDArray[np.float32]]:
        scale = np.array([self._side / encoded.width, self._side / encoded.height])
        options: dict[str, torch.Tensor] = {}
        if prompt.points:
            points = np.asarray(prompt.points, dtype=np.float64) * scale
            options["input_points"] = torch.as_tensor(points, dtype=torch.float32, device=self._device)[None, None]
            options["input_labels"] = torch.as_tensor(prompt.labels, dtype=torch.int32, device=self._device)[None, None]
        if prompt.box is not None:
            box = np.asarray(prompt.box, dtype=np.float64).reshape(2, 2) * scale
            options["input_boxes"] = torch.as_tensor(box.reshape(1, 1, 4), dtype=torch.float32, device=self._device)
        if prompt.mask_hint is not None:
            side = self._model.prompt_encoder.mask_input_size[0]
            share = cv2.resize(prompt.mask_hint.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
            hint = torch.as_tensor((share * 2 - 1) * HINT_LOGIT, device=self._device)
            options["input_masks"] = hint[None, None]
        output = self._model(
            # The model adds to the list that it is given.
            image_embeddings=list(encoded.features.levels),
            multimask_output=multimask,
            **options,
        )
        return output.pred_masks[:, 0], output.iou_scores[0, 0].float().cpu().numpy()

    def _at_image_size(self, encoded: EncodedImage, logits: torch.Tensor) -> torch.Tensor:
        size = (encoded.height, encoded.width)
        full = torch.nn.functional.interpolate(logits.float(), size, mode="bilinear", align_corners=False)
        return full[0, 0]


def sam2_pixels(image: RgbImage, *, side: int, device: torch.device | str) -> torch.Tensor:
    """An sRGB image uint8[H, W, 3] as SAM 2 wants it, float32[1, 3, side, side]: squashed to the square."""
    shrinking = image.shape[0] > side or image.shape[1] > side
    # As Pillow's bilinear filter, which averages when it shrinks.
    how = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    resized = cv2.resize(image, (side, side), interpolation=how)
    # As transformers' Sam2ImageProcessor does; the statistics are not part of the weights.
    return standardised(resized, mean=IMAGENET_MEAN, std=IMAGENET_STD).to(device)
