"""Segment Anything as a segmenter: the image encoded once, the light decoder run per prompt.

Kirillov et al., 'Segment Anything', 2023, section 3 and appendix A. Nearly all the time goes into the ViT
at 1024 x 1024, whatever the size of the image, so its output is what the cache holds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from dataclasses import replace
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

from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.protocol import check_image
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.protocol import image_sha256
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.segmenters.protocol import sample_polyline
from sounddesk.engine.segmenters.sam_checkpoint import identify
from sounddesk.engine.segmenters.sam_checkpoint import read_checkpoint
from sounddesk.engine.segmenters.sam_checkpoint import sam_from_state
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

CACHED_IMAGES: Final = 3
# A sure pixel of a mask hint, in logits; SAM was trained on its own logits as mask input, mostly within +-10.
_HINT_LOGIT: Final = 8.0
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


class SamSegmenter:
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
        try:
            self._device = torch.device(device)
            self._model = model.to(self._device).eval()
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise SegmenterError(f"SAM cannot run on {device!r} ({reason}): choose 'cpu'") from error
        self._transform = ResizeLongestSide(model.image_encoder.img_size)
        self._name = f"SAM {_TYPE_NAMES.get(model_type, model_type)}"
        self._cached_images = cached_images
        self._proposals = proposals or ProposalSettings()
        self._cache: OrderedDict[str, EncodedImage] = OrderedDict()
        self._lock = threading.Lock()
        self.notes = notes

    @classmethod
    def from_checkpoint(cls, path: Path, *, device: str = "cpu", model_type: str | None = None) -> SamSegmenter:
        """Load a .pth or .safetensors file.

        Args:
            path: one of the published files, or a fine-tuned one of the same architecture.
            device: as torch writes it.
            model_type: 'vit_b', 'vit_l' or 'vit_h' to insist on; read off the weights otherwise.

        Raises:
            SegmenterError: missing, damaged, not a SAM, or of another type than asked for.
        """
        model, architecture = sam_from_state(read_checkpoint(path))
        if model_type is not None and model_type != architecture.model_type:
            raise SegmenterError(f"{str(path)!r} holds SAM {architecture.model_type}, not {model_type}: name the other")
        return cls(model, device=device, model_type=architecture.model_type, notes=identify(path))

    @property
    def name(self) -> str:
        return self._name

    def encode(self, image: RgbImage) -> EncodedImage:
        """Run the image encoder, or find its output among the last images.

        Raises:
            SegmenterError: the device ran out of memory.
        """
        check_image(image)
        key = image_sha256(image)
        # Held throughout: two threads that ask for the same image at once must not encode it twice.
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            encoded = EncodedImage(image=image, sha256=key, segmenter=self._name, features=self._features(image))
            self._cache[key] = encoded
            while len(self._cache) > self._cached_images:
                self._cache.popitem(last=False)
            return encoded

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        """Three candidates by predicted IoU for one click, else SAM's single mask (model.md 2.4 no. 20)."""
        check_encoded(encoded, segmenter=self._name)
        check_prompt(prompt, width=encoded.width, height=encoded.height)
        logits, scores = self._decode(encoded, _with_scribbles(prompt, encoded), multimask=prompt.is_single_click)
        order = np.argsort(-scores, kind="stable")
        candidates: list[Candidate] = []
        for index in order:
            candidate = self._candidate(encoded, logits[:, index : index + 1], float(scores[index]))
            if candidate is not None:
                candidates.append(candidate)
                if not keeps_alternatives(encoded):
                    break
        if not candidates:
            raise EmptySelectionError("SAM found no object there: click elsewhere, draw a box or paint the mask")
        return tuple(candidates)

    def propose(self, encoded: EncodedImage) -> tuple[Candidate, ...]:
        """Objects found by a grid of clicks (the paper's section 5, 'automatic masks'), best first."""
        check_encoded(encoded, segmenter=self._name)
        settings = self._proposals
        generator = SamAutomaticMaskGenerator(
            self._model,
            points_per_side=settings.points_per_side,
            pred_iou_thresh=settings.min_predicted_iou,
            stability_score_thresh=settings.min_stability,
            box_nms_thresh=settings.max_box_iou,
        )
        generator.predictor = _EncodedPredictor(self._model, encoded.features)
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
        return torch.as_tensor((padded * 2 - 1) * _HINT_LOGIT, device=self._device)[None, None]

    @torch.no_grad()
    def _candidate(self, encoded: EncodedImage, logits: torch.Tensor, score: float) -> Candidate | None:
        """One mask of the padded square at image size; None where it is empty."""
        size = (encoded.height, encoded.width)
        full = self._model.postprocess_masks(logits, encoded.features.input_size, size)[0, 0].float()
        probability = torch.sigmoid(full).cpu().numpy()
        # SAM's mask threshold, a logit of 0; taken from the probability, so that the two never disagree by rounding.
        mask: BoolMask = probability >= 0.5
        if not mask.any():
            return None
        return Candidate(mask=mask, probability=probability, score=min(1.0, max(0.0, score)))


class _EncodedPredictor(SamPredictor):
    """A predictor whose image is encoded already; the generator may show it at any size."""

    def __init__(self, model: Any, features: SamFeatures) -> None:
        super().__init__(model)
        self._encoded = features

    def set_image(self, image: RgbImage, image_format: str = "RGB") -> None:  # noqa: ARG002  # the package's own
        self.original_size = image.shape[:2]
        self.input_size = self._encoded.input_size
        self.features = self._encoded.embedding
        self.is_image_set = True


def _with_scribbles(prompt: Prompt, encoded: EncodedImage) -> Prompt:
    """Scribbles as clicks along them, since SAM knows only clicks; a lone mask hint gets its bounding box."""
    step = max(encoded.width, encoded.height) / 16
    points: list[Point] = list(prompt.points)
    labels: list[bool] = list(prompt.labels)
    for scribbles, label in ((prompt.positive_scribbles, True), (prompt.negative_scribbles, False)):
        for scribble in scribbles:
            sampled = sample_polyline(scribble, step=step)
            points += sampled
            labels += [label] * len(sampled)
    box = prompt.box
    if box is None and not any(labels) and prompt.mask_hint is not None:
        rows, columns = np.flatnonzero(prompt.mask_hint.any(axis=1)), np.flatnonzero(prompt.mask_hint.any(axis=0))
        box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return replace(prompt, points=tuple(points), labels=tuple(labels), box=box)
