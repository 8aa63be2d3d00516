"""The segmenter that ships in the starter bundle: the bundle's image encoder under SAM's own decoder.

Nearly all the time goes into the image encoder, once per image, and its patches are the ones that the sounds are made
from; so they are left in the shared `PatchCache` for the session that will ask for them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from dataclasses import field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.engine.bundle import Bundle
from sounddesk.engine.bundle_manifest import SEGMENTER_ROLE
from sounddesk.engine.encoders.image import TimmPatchEncoder
from sounddesk.engine.encoders.image import fit_image
from sounddesk.engine.patch_cache import PatchCache
from sounddesk.engine.patch_cache import hash_image
from sounddesk.engine.patch_cache import shared_patch_cache
from sounddesk.engine.quantised_weights import fingerprint
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.grabcut_solver import fill_holes
from sounddesk.engine.segmenters.grabcut_solver import keep_parts
from sounddesk.engine.segmenters.mask_quality import overlap
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.protocol import check_image
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.protocol import image_sha256
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.segmenters.starter_network import CANDIDATES
from sounddesk.engine.segmenters.starter_network import MASK_STRIDE
from sounddesk.engine.segmenters.starter_network import ImageEmbedding
from sounddesk.engine.segmenters.starter_network import StarterSegmenterNetwork
from sounddesk.engine.segmenters.starter_network import small_colours
from sounddesk.engine.segmenters.starter_prompts import PromptSteps
from sounddesk.engine.segmenters.starter_prompts import prompt_steps
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import EngineError
from sounddesk.engine.types import RgbImage

NAME: Final = "starter segmenter"
CLASS_NAME: Final = "StarterSegmenter"
CACHED_IMAGES: Final = 3

# Answers kept for each image, so that one more click costs one more pass.
_CACHED_ANSWERS: Final = 16
# Candidates that overlap more than this look the same to the user.
_SAME: Final = 0.85
# Smaller parts of a mask that no click is on are specks.
_LEAST_PART: Final = 0.1
# What a pixel gets that is taken out of a mask or put into it.
_SURE_LOGIT: Final = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class StarterFeatures:
    """An image ready for prompts, and the answers given last, by prompt."""

    embedding: ImageEmbedding
    _answers: OrderedDict[tuple[object, ...], tuple[Tensor, Tensor]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self, key: tuple[object, ...]) -> tuple[Tensor, Tensor] | None:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def remember(self, key: tuple[object, ...], answer: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _CACHED_ANSWERS:
                self._answers.popitem(last=False)
        return answer


class StarterSegmenter:
    """`Segmenter` and `ProposesObjects` on the bundle's own weights. Deterministic, safe to call from threads."""

    def __init__(
        self,
        network: StarterSegmenterNetwork,
        encoder: TimmPatchEncoder,
        *,
        device: str = "cpu",
        patches: PatchCache | None = None,
        cached_images: int = CACHED_IMAGES,
    ) -> None:
        """Take over both networks in evaluation mode; `patches`: where to leave the patches of encoded images.

        Raises:
            SegmenterError: the network was trained on another image encoder, or the device does not exist.
        """
        if network.config.image_size != encoder.image_size:
            raise SegmenterError(
                f"{NAME} is made for images of {network.config.image_size} px, its encoder for "
                f"{encoder.image_size} px: install the bundle again"
            )
        if network.config.encoder_fingerprint != fingerprint(encoder.backbone.state_dict()):
            raise SegmenterError(f"{NAME} was trained on another image encoder: install the bundle again")
        try:
            self._device = torch.device(device)
            self._network = network.to(self._device).eval()
            self._encoder = encoder.to(self._device).eval()
        except (RuntimeError, AssertionError) as error:
            raise SegmenterError(
                f"{NAME} cannot run on {device!r} ({str(error).splitlines()[0]}): choose 'cpu'"
            ) from error
        # Elsewhere the session may compute in another precision, and the patches would differ.
        self._patches = patches if self._device.type == "cpu" else None
        self._cached_images = cached_images
        self._cache: OrderedDict[str, EncodedImage] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def from_bundle(cls, bundle: Bundle, *, device: str = "cpu") -> StarterSegmenter:
        """Load the bundle's components 'segmenter' and 'image_encoder' after checking their files.

        Raises:
            EngineError: a component is missing, damaged or of another class, or they do not belong together.
        """
        bundle.verify_components((SEGMENTER_ROLE, "image_encoder"))
        entry, encoder_entry = bundle.manifest.component(SEGMENTER_ROLE), bundle.manifest.component("image_encoder")
        for found, wanted in ((entry.class_name, CLASS_NAME), (encoder_entry.class_name, "TimmPatchEncoder")):
            if found != wanted:
                raise SegmenterError(f"bundle {bundle.name!r}: class is {found!r}, {wanted!r} is needed")
        try:
            network = StarterSegmenterNetwork.load(bundle.component_folder(SEGMENTER_ROLE))
            encoder = TimmPatchEncoder.load(bundle.component_folder("image_encoder")).requires_grad_(False)
        except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
            if isinstance(error, EngineError):
                raise
            raise SegmenterError(
                f"bundle {bundle.name!r}: its segmenter cannot be loaded ({error}): install the bundle again"
            ) from error
        return cls(network, encoder, device=device, patches=shared_patch_cache(encoder_entry))

    @property
    def name(self) -> str:
        return NAME

    def encode(self, image: RgbImage) -> EncodedImage:
        """Run the image encoder, or find its output among the last images."""
        check_image(image)
        key = image_sha256(image)
        # Held throughout: two threads that ask for the same image at once must not encode it twice.
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            encoded = EncodedImage(image=image, sha256=key, segmenter=NAME, features=self._features(image))
            self._cache[key] = encoded
            while len(self._cache) > self._cached_images:
                self._cache.popitem(last=False)
            return encoded

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        """Up to three candidates for one click, as many as differ; one for any other prompt."""
        check_encoded(encoded, segmenter=NAME)
        check_prompt(prompt, width=encoded.width, height=encoded.height)
        logits, scores = self._answer(encoded, prompt)
        if prompt.is_single_click:
            count = CANDIDATES if keeps_alternatives(encoded) else 1
            chosen = _distinct(logits, scores, count=count)
        else:
            chosen = [0]
        steps = self._steps(encoded, prompt)
        found = (_full_size(encoded, _tidied(logits[index], steps), float(scores[index])) for index in chosen)
        candidates = tuple(candidate for candidate in found if candidate is not None)
        if not candidates:
            raise EmptySelectionError("no object was found there: click nearer its middle or draw a box around it")
        return candidates

    def propose(self, encoded: EncodedImage) -> tuple[Candidate, ...]:
        """Objects that stand out, as GrabCut finds them.

        A grid of clicks, SAM's own way, found two of the demo's four animals in 25 s; GrabCut finds them all in 9.
        """
        check_encoded(encoded, segmenter=NAME)
        grabcut = GrabCutSegmenter()
        return grabcut.propose(grabcut.encode(encoded.image))

    @torch.no_grad()
    def _features(self, image: RgbImage) -> StarterFeatures:
        encoder = self._encoder
        fitted = fit_image(image, size=encoder.image_size, geometry=encoder.geometry)
        patches, taps = encoder.taps(encoder.normalised([fitted]))
        if self._patches is not None:
            self._patches.put(hash_image(image), patches[0].float())
        colours = self._tensor(small_colours(fitted)[None] / 127.5 - 1)
        return StarterFeatures(embedding=self._network.embed(taps, colours))

    def _answer(self, encoded: EncodedImage, prompt: Prompt) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Logits [4, S, S] and predicted IoUs [4] of the last of the steps that the prompt was made in.

        A mask is refined as it was in training, click by click, each time from the answer before. So the same prompt
        has the same answer whether its clicks came one by one or all at once.
        """
        steps = self._steps(encoded, prompt)
        features: StarterFeatures = encoded.features
        hint = None if steps.hint is None else steps.hint.tobytes()
        earlier = None if steps.hint is None else self._tensor(steps.hint)[None, None]
        logits, scores = torch.zeros(()), torch.zeros(())
        for count in steps.counts:
            # With the steps before, since clicks and a scribble may end at the same points by different ways.
            before = tuple(each for each in steps.counts if each <= count)
            key = (steps.points[:count], steps.labels[:count], before, steps.box, hint)
            logits, scores = features.recall(key) or features.remember(
                key, self._pass(features.embedding, steps, count=count, earlier=earlier)
            )
            earlier = logits[:, :1]
        return logits[0].cpu().numpy(), scores[0].cpu().numpy()

    def _steps(self, encoded: EncodedImage, prompt: Prompt) -> PromptSteps:
        config = self._network.config
        return prompt_steps(
            prompt,
            width=encoded.width,
            height=encoded.height,
            image_size=config.image_size,
            mask_side=config.mask_side,
        )

    @torch.no_grad()
    def _pass(
        self, embedding: ImageEmbedding, steps: PromptSteps, *, count: int, earlier: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """One run of the decoder with the first `count` clicks."""
        return self._network.decode(
            embedding,
            points=self._tensor(np.array(steps.points[:count], np.float32).reshape(1, count, 2)),
            labels=torch.tensor([steps.labels[:count]], dtype=torch.int64, device=self._device),
            boxes=None if steps.box is None else self._tensor(np.array([steps.box], np.float32)),
            earlier=earlier,
        )

    def _tensor(self, values: npt.NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(values.astype(np.float32), device=self._device)


def _distinct(logits: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], *, count: int) -> list[int]:
    """Indices of the first `count` masks by predicted IoU that are not empty and overlap none before them much."""
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        mask = logits[index] > 0
        if len(chosen) < count and mask.any() and all(overlap(mask, logits[i] > 0) <= _SAME for i in chosen):
            chosen.append(index)
    return chosen


def _tidied(logits: npt.NDArray[np.float32], steps: PromptSteps) -> npt.NDArray[np.float32]:
    """Logits [S, S] without the parts of the mask that no positive click is on, and without holes in the rest.

    What looks like the object elsewhere in the image, which the network often joins to it, is another object or none.
    """
    mask = logits > 0
    cells = [((x + 0.5) / MASK_STRIDE, (y + 0.5) / MASK_STRIDE) for x, y in steps.points]
    positive = [cell for cell, label in zip(cells, steps.labels, strict=True) if label == 1]
    negative = [cell for cell, label in zip(cells, steps.labels, strict=True) if label == 0]
    kept = keep_parts(mask, positive, least_share=_LEAST_PART)
    if not kept.any():
        kept = keep_parts(mask, (), least_share=_LEAST_PART)
    whole = fill_holes(kept, except_at=negative)
    tidied = np.where(mask & ~kept, np.minimum(logits, -_SURE_LOGIT), logits)
    return np.where(whole & ~mask, _SURE_LOGIT, tidied).astype(np.float32)


def _full_size(encoded: EncodedImage, logits: npt.NDArray[np.float32], score: float) -> Candidate | None:
    """One mask of the squashed square at image size; None where it is empty."""
    full = cv2.resize(logits, (encoded.width, encoded.height), interpolation=cv2.INTER_LINEAR)
    # In place: an image of 24 megapixels makes 96 MB of each copy.
    np.negative(full, out=full)
    cv2.exp(full, dst=full)
    full += 1
    probability = np.reciprocal(full, out=full)
    mask: BoolMask = probability >= 0.5
    if not mask.any():
        return None
    return Candidate(mask=mask, probability=probability, score=min(1.0, max(0.0, score)))
