"""Segment Anything as a segmenter: the image encoded once, the light decoder run per prompt.

Kirillov et al., 'Segment Anything', 2023, section 3 and appendix A. Nearly all the time goes into the ViT
at 1024 x 1024, whatever the size of the image, so its output is what the cache holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from segment_anything import SamAutomaticMaskGenerator
from segment_anything import SamPredictor
from segment_anything.utils.transforms import ResizeLongestSide

from sounddesk.engine.segmenters.prompted import CACHED_IMAGES
from sounddesk.engine.segmenters.prompted import HINT_LOGIT
from sounddesk.engine.segmenters.prompted import PromptedSegmenter
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.sam_checkpoint import identify
from sounddesk.engine.segmenters.sam_checkpoint import read_checkpoint
from sounddesk.engine.segmenters.sam_checkpoint import sam_from_state
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

# Proposals are compared at this size: 192 masks of a batch at 12 megapixels would take 9 GB.
_PROPOSAL_PX: Final = 512
_TYPE_NAMES: Final = {"vit_b": "ViT-B", "vit_l": "ViT-L", "vit_h": "ViT-H"}


@dataclass(frozen=True, kw_only=True)
class ProposalSettings:
    """SAM's automatic mask generator, its defaults where not said otherwise.

    Attributes:
        points_per_side: of the grid of clicks; 16 in place of 32, a quarter of the time, since only a
            handful of large objects is wanted.
        min_predicted_iou: masks below are dropped.
        min_stability: masks that change more with the threshold are dropped.
        max_box_iou: of two masks whose boxes overlap more, the better one stays.
    """

    points_per_side: int = 16
    min_predicted_iou: float = 0.88
    min_stability: float = 0.95
    max_box_iou: float = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class SamFeatures:
    """Output of the image encoder, float32[1, C, G, G], and the unpadded size (H, W) of what went in."""

    embedding: torch.Tensor
    input_size: tuple[int, int]


class SamSegmenter(PromptedSegmenter):
    """`Segmenter` and `ProposesObjects` on the `segment-anything` package."""

    def __init__(
        self,
        model: Any,
        *,
        device: str = "cpu",
        model_type: str = "vit_b",
        notes: tuple[str, ...] = (),
        cached_images: int = CACHED_IMAGES,
        proposals: ProposalSettings | None = None,
    ) -> None:
        """Take over a `segment_anything.modeling.Sam` in evaluation mode.

        Raises:
            SegmenterError: the device does not exist or has too little memory.
        """
        super().__init__(
            model,
            name=f"SAM {_TYPE_NAMES.get(model_type, model_type)}",
            device=device,
            notes=notes,
            cached_images=cached_images,
        )
        self._transform = ResizeLongestSide(model.image_encoder.img_size)
        self._proposals = proposals or ProposalSettings()

    @classmethod
    def from_checkpoint(
        cls, path: Path, *, device: str = "cpu", model_type: str | None = None, known_origin: bool = False
    ) -> SamSegmenter:
        """Load a .pth or .safetensors file.

        Args:
            path: one of the published files, or a fine-tuned one of the same architecture.
            device: as torch writes it.
            model_type: 'vit_b', 'vit_l' or 'vit_h' to insist on; read off the weights otherwise.
            known_origin: its origin is on record, so the file itself is not compared with the published ones.

        Raises:
            SegmenterError: missing, damaged, not a SAM, or of another type than asked for.
        """
        model, architecture = sam_from_state(read_checkpoint(path))
        if model_type is not None and model_type != architecture.model_type:
            raise SegmenterError(f"{str(path)!r} holds SAM {architecture.model_type}, not {model_type}: name the other")
        return cls(
            model, device=device, model_type=architecture.model_type, notes=() if known_origin else identify(path)
        )

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> tuple[Candidate, ...]:
        """Objects found by a grid of clicks (the paper's section 5, 'automatic masks'), best first.

        Raises:
            Cancelled: through `cancel`.
        """
        check_encoded(encoded, segmenter=self._name)
        settings = self._proposals
        generator = SamAutomaticMaskGenerator(
            self._model,
            points_per_side=settings.points_per_side,
            pred_iou_thresh=settings.min_predicted_iou,
            stability_score_thresh=settings.min_stability,
            box_nms_thresh=settings.max_box_iou,
        )
        generator.predictor = _EncodedPredictor(self._model, encoded.features, cancel=cancel)
        scale = min(1.0, _PROPOSAL_PX / max(encoded.width, encoded.height))
        small = (max(1, round(encoded.width * scale)), max(1, round(encoded.height * scale)))
        records = generator.generate(cv2.resize(encoded.image, small, interpolation=cv2.INTER_AREA))
        records.sort(key=lambda record: -record["predicted_iou"])
        found = (self._full_size(encoded, record, small) for record in records)
        return tuple(candidate for candidate in found if candidate is not None)

    def _full_size(self, encoded: EncodedImage, record: dict[str, Any], small: tuple[int, int]) -> Candidate | None:
        """The proposal asked for again by its click, at image size and with probabilities."""
        x, y = record["point_coords"][0]
        click = Prompt.click(x * encoded.width / small[0], y * encoded.height / small[1])
        logits, scores = self._decode(encoded, click, multimask=True)
        small_logits = self._model.postprocess_masks(logits, encoded.features.input_size, small[::-1])[0]
        masks = (small_logits > self._model.mask_threshold).cpu().numpy()
        overlaps = [
            (mask & record["segmentation"]).sum() / max(1, (mask | record["segmentation"]).sum()) for mask in masks
        ]
        best = int(np.argmax(overlaps))
        return self._candidate(encoded, logits[:, best : best + 1], float(scores[best]))

    @torch.no_grad()
    def _features(self, image: RgbImage) -> SamFeatures:
        resized = self._transform.apply_image(image)
        pixels = torch.as_tensor(resized, device=self._device).permute(2, 0, 1)[None].contiguous()
        try:
            embedding = self._model.image_encoder(self._model.preprocess(pixels))
        except torch.cuda.OutOfMemoryError as error:
            raise SegmenterError(f"not enough memory on {self._device} for {self._name}: run it on 'cpu'") from error
        return SamFeatures(embedding=embedding, input_size=(resized.shape[0], resized.shape[1]))

    @torch.no_grad()
    def _decode(
        self, encoded: EncodedImage, prompt: Prompt, *, multimask: bool
    ) -> tuple[torch.Tensor, npt.NDArray[np.float32]]:
        """Logits [1, M, 4 G, 4 G] of the padded square, and M predicted IoUs."""
        size = (encoded.height, encoded.width)
        points = box = hint = None
        if prompt.points:
            coordinates = self._transform.apply_coords(np.asarray(prompt.points, dtype=np.float64), size)
            points = (
                torch.as_tensor(coordinates, dtype=torch.float32, device=self._device)[None],
                torch.as_tensor(prompt.labels, dtype=torch.int32, device=self._device)[None],
            )
        if prompt.box is not None:
            corners = self._transform.apply_boxes(np.asarray(prompt.box, dtype=np.float64)[None], size)
            box = torch.as_tensor(corners, dtype=torch.float32, device=self._device)
        if prompt.mask_hint is not None:
            hint = self._hint_logits(prompt.mask_hint, encoded.features.input_size)
        sparse, dense = self._model.prompt_encoder(points=points, boxes=box, masks=hint)
        logits, scores = self._model.mask_decoder(
            image_embeddings=encoded.features.embedding,
            image_pe=self._model.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=multimask,
        )
        return logits, scores[0].float().cpu().numpy()

    def _hint_logits(self, hint: BoolMask, input_size: tuple[int, int]) -> torch.Tensor:
        """The hint through the same resize and padding as the image, as float32[1, 1, 4 G, 4 G]."""
        side = self._model.prompt_encoder.mask_input_size[0]
        scale = side / self._model.image_encoder.img_size
        height, width = (max(1, round(extent * scale)) for extent in input_size)
        share = cv2.resize(hint.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        padded = np.zeros((side, side), np.float32)
        padded[:height, :width] = share
        return torch.as_tensor((padded * 2 - 1) * HINT_LOGIT, device=self._device)[None, None]

    def _at_image_size(self, encoded: EncodedImage, logits: torch.Tensor) -> torch.Tensor:
        size = (encoded.height, encoded.width)
        full: torch.Tensor = self._model.postprocess_masks(logits, encoded.features.input_size, size)[0, 0]
        return full


class _EncodedPredictor(SamPredictor):
    """A predictor whose image is encoded already; the generator may show it at any size.

    `cancel` is asked before each batch of clicks.
    """

    def __init__(self, model: Any, features: SamFeatures, *, cancel: CancelToken | None) -> None:
        super().__init__(model)
        self._encoded = features
        self._cancel = cancel

    def set_image(self, image: RgbImage, image_format: str = "RGB") -> None:  # noqa: ARG002  # the package's own
        self.original_size = image.shape[:2]
        self.input_size = self._encoded.input_size
        self.features = self._encoded.embedding
        self.is_image_set = True

    def predict_torch(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if self._cancel is not None:
            self._cancel.raise_if_cancelled()
        found: tuple[torch.Tensor, torch.Tensor, torch.Tensor] = super().predict_torch(*args, **kwargs)
        return found
