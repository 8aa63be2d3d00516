"""The segmenter that ships in the starter bundle: the bundle's image encoder under SAM's own decoder.

Nearly all the time goes into the image encoder, once per image, and its patches are the ones that the sounds are made
from; so they are left in the shared `PatchCache` for the session that will ask for them. A click then takes two steps:
SAM's decoder says roughly what is meant, and the refiner draws it with the image's own pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sounddesk.domain.bounded_cache import BoundedCache
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import SEGMENTER_ROLE
from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.generation.patch_cache import shared_patch_cache
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.image_encoder import fit_image
from sounddesk.engine.models.quantised_weights import fingerprint
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.segmenters.protocol import Prompt
from sounddesk.engine.segmenters.protocol import SegmenterError
from sounddesk.engine.segmenters.protocol import check_encoded
from sounddesk.engine.segmenters.protocol import check_image
from sounddesk.engine.segmenters.protocol import check_prompt
from sounddesk.engine.segmenters.protocol import keeps_alternatives
from sounddesk.engine.starter.box_fit import drawn_in_box
from sounddesk.engine.starter.candidate_ranking import with_agreement
from sounddesk.engine.starter.derived_scales import with_derived_scales
from sounddesk.engine.starter.drawn_mask import DrawnMask
from sounddesk.engine.starter.drawn_mask import candidate_of
from sounddesk.engine.starter.drawn_mask import distinct
from sounddesk.engine.starter.drawn_mask import on_edges
from sounddesk.engine.starter.drawn_mask import tidied
from sounddesk.engine.starter.folded_encoder import folded_encoder
from sounddesk.engine.starter.guided_filter import ColourGuide
from sounddesk.engine.starter.object_search import search_objects
from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import grown_region
from sounddesk.engine.starter.region import region_of
from sounddesk.engine.starter.segmenter_network import CANDIDATES
from sounddesk.engine.starter.segmenter_network import StarterSegmenterNetwork
from sounddesk.engine.starter.segmenter_prompts import FittedPrompt
from sounddesk.engine.starter.segmenter_prompts import fit_prompt
from sounddesk.engine.starter.segmenter_pyramid import ImageEmbedding
from sounddesk.engine.starter.segmenter_pyramid import small_colours
from sounddesk.engine.starter.segmenter_refiner import GUESS_BOUND
from sounddesk.engine.starter.segmenter_refiner import folded
from sounddesk.engine.starter.segmenter_refiner import guess_in
from sounddesk.engine.starter.segmenter_refiner import hints_of
from sounddesk.engine.starter.segmenter_refiner import region_pixels
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import image_sha256

NAME: Final = "starter segmenter"
CLASS_NAME: Final = "StarterSegmenter"
CACHED_IMAGES: Final = 3

# Answers kept for each image, so that one more click costs one more pass.
_CACHED_ANSWERS: Final = 16
# A region is some 1.5 MB.
_CACHED_REGIONS: Final = 8
# Alternatives whose regions overlap so much are drawn in one: encoding a region costs more than drawing in it.
_SAME_REGION: Final = 0.5
# How often a region grows that a mask runs into; the last time to the image's border.
_MOST_GROWTHS: Final = 3
# Candidates that overlap more than this look the same to the user.
_SAME: Final = 0.85


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedRegion:
    """A region's image uint8[2 R, 2 R, 3], its pixels as the refiner takes them, and the encoder's maps of them."""

    image: RgbImage
    pixels: Tensor
    feature_maps: list[Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class StarterFeatures:
    """An image ready for prompts, the answers given last by prompt, and the regions encoded last."""

    embedding: ImageEmbedding
    answers: BoundedCache[tuple[object, ...], tuple[DrawnMask, ...]] = field(
        default_factory=lambda: BoundedCache(max_items=_CACHED_ANSWERS)
    )
    regions: BoundedCache[Region, EncodedRegion] = field(
        default_factory=lambda: BoundedCache(max_items=_CACHED_REGIONS)
    )


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
        # Regions are encoded at every click, most of them several.
        self._region_encoder = folded_encoder(self._encoder)
        # Elsewhere the session may compute in another precision, and the patches would differ.
        self._patches = patches if self._device.type == "cpu" else None
        self._cache = BoundedCache[str, EncodedImage](max_items=cached_images)

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
        return self._cache.get_or_make(
            key, lambda: EncodedImage(image=image, sha256=key, segmenter=NAME, features=self._features(image))
        )

    def predict(self, encoded: EncodedImage, prompt: Prompt) -> tuple[Candidate, ...]:
        """Up to three candidates for one click, as many as differ; one for any other prompt."""
        check_encoded(encoded, segmenter=NAME)
        check_prompt(prompt, width=encoded.width, height=encoded.height)
        fitted = self._fitted(encoded, prompt)
        image_size = self._network.config.image_size
        if fitted.is_lone_box:
            drawn = [drawn_in_box(partial(self._answer, encoded), fitted, image_size=image_size)]
        else:
            drawn = [tidied(mask, fitted, image_size=image_size) for mask in self._answer(encoded, fitted)]
        if prompt.is_single_click:
            most = CANDIDATES if keeps_alternatives(encoded) else 1
            drawn = with_agreement(drawn, fitted, image_size=image_size)
            drawn = distinct(drawn, most=most, same=_SAME)
            if drawn:
                drawn = with_derived_scales(drawn, fitted, most=most, same=_SAME, image_size=image_size)
        else:
            drawn = drawn[:1]
        found = (candidate_of(encoded, mask, fitted) for mask in drawn)
        candidates = tuple(candidate for candidate in found if candidate is not None)
        if not candidates:
            raise EmptySelectionError("no object was found there: click nearer its middle or draw a box around it")
        return candidates

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> Iterator[Candidate]:
        """Objects that stand out, one by one: see `search_objects`. Raises: Cancelled."""
        check_encoded(encoded, segmenter=NAME)
        return search_objects(
            encoded,
            decode=lambda clicks: self._roughly(encoded, clicks),
            draw=lambda click, guess: self._finely(encoded, click, guess),
            cancel=cancel,
        )

    def _finely(self, encoded: EncodedImage, click: Point, guess: npt.NDArray[np.float32]) -> Candidate | None:
        """One of the decoder's answers to a click, logits float32[S, S], drawn; None where nothing is left of it."""
        prompt = self._fitted(encoded, Prompt.click(*click))
        drawn = self._drawn(encoded, prompt, guess[None])[0]
        return candidate_of(encoded, tidied(drawn, prompt, image_size=self._network.config.image_size), prompt)

    @torch.no_grad()
    def _roughly(
        self, encoded: EncodedImage, clicks: Sequence[Point]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What the decoder alone says to each of some clicks: logits float32[n, k, S, S] and scores float32[n, k]."""
        size = self._network.config.image_size
        places = np.array(clicks, np.float32) / (encoded.width, encoded.height) * size - 0.5
        logits, scores = self._network.decode(
            encoded.features.embedding,
            points=self._tensor(places[:, None]),
            labels=torch.ones(len(places), 1, dtype=torch.int64, device=self._device),
        )
        return logits.float().cpu().numpy(), scores.float().cpu().numpy()

    @torch.no_grad()
    def _features(self, image: RgbImage) -> StarterFeatures:
        encoder = self._encoder
        fitted = fit_image(image, size=encoder.image_size, geometry=encoder.geometry)
        patches, feature_maps = encoder.patches_and_maps(encoder.normalised([fitted]))
        if self._patches is not None:
            self._patches.put(image_sha256(image), patches[0].float())
        colours = self._tensor(small_colours(fitted)[None] / 127.5 - 1)
        return StarterFeatures(embedding=self._network.embed(feature_maps, colours))

    def _answer(self, encoded: EncodedImage, prompt: FittedPrompt) -> tuple[DrawnMask, ...]:
        """What decoder and refiner say to a prompt, all its clicks at once, or what they said before."""
        features: StarterFeatures = encoded.features
        drawn = features.answers.get(prompt.key)
        if drawn is None:
            drawn = self._drawn(encoded, prompt, self._guesses(features.embedding, prompt))
            features.answers.put(prompt.key, drawn)
        return drawn

    def _fitted(self, encoded: EncodedImage, prompt: Prompt) -> FittedPrompt:
        config = self._network.config
        return fit_prompt(
            prompt,
            width=encoded.width,
            height=encoded.height,
            image_size=config.image_size,
            mask_side=config.mask_side,
        )

    @torch.no_grad()
    def _guesses(self, embedding: ImageEmbedding, prompt: FittedPrompt) -> npt.NDArray[np.float32]:
        """What the decoder says to a prompt, logits float32[k, S, S], with other readings where the prompt has such.

        A single click may mean four things. Of a box alone, the second reading is that of the box with its middle
        clicked, which tells what it is drawn around from what is before that or behind (decision 107).
        """
        logits = self._decoded(embedding, prompt)
        if prompt.is_single_click:
            return logits
        if prompt.box is not None and prompt.is_lone_box:
            left, top, right, bottom = prompt.box
            clicked = replace(prompt, points=(((left + right) / 2, (top + bottom) / 2),), labels=(1,))
            return np.stack([logits[0], self._decoded(embedding, clicked)[0]])
        return logits[:1]

    def _decoded(self, embedding: ImageEmbedding, prompt: FittedPrompt) -> npt.NDArray[np.float32]:
        """All that the decoder says: logits float32[4, S, S], the first for any prompt."""
        points = np.array(prompt.points, np.float32).reshape(1, -1, 2)
        labels = np.array(prompt.labels, np.int64).reshape(1, -1)
        logits, _ = self._network.decode(
            embedding,
            points=self._tensor(points),
            labels=torch.from_numpy(labels).to(self._device),
            boxes=None if prompt.box is None else self._tensor(np.array(prompt.box, np.float32)[None]),
            earlier=None if prompt.hint is None else self._tensor(prompt.hint[None, None]),
        )
        found: npt.NDArray[np.float32] = logits[0].cpu().numpy()
        return found

    @torch.no_grad()
    def _drawn(
        self, encoded: EncodedImage, prompt: FittedPrompt, guesses: npt.NDArray[np.float32]
    ) -> tuple[DrawnMask, ...]:
        """Each of the decoder's guesses, logits float32[k, S, S], drawn by the refiner.

        A region into whose border a mask runs is enlarged, and the mask drawn again, until it does not or the region
        reaches the image's border.
        """
        config = self._network.config
        points = np.array(prompt.points, np.float32).reshape(-1, 2)
        labels = np.array(prompt.labels, np.int64)
        box = None if prompt.box is None else np.array(prompt.box, np.float32)
        regions: list[Region] = []
        for guess in guesses:
            own = region_of(
                guess > 0,
                earlier=None if prompt.hint is None else prompt.hint > 0,
                points=points,
                labels=labels,
                box=box,
                image_size=config.image_size,
                width=encoded.width,
                height=encoded.height,
            )
            regions.append(next((known for known in regions if known.overlap(own) >= _SAME_REGION), own))
        drawn = self._refined(encoded, prompt, guesses, regions)
        for growth in range(_MOST_GROWTHS):
            last = growth == _MOST_GROWTHS - 1
            grown = [self._grown(each, prompt, whole_side=last) for each in drawn]
            changed = [index for index, each in enumerate(drawn) if grown[index] != each.region]
            if not changed:
                break
            again = self._refined(encoded, prompt, guesses[changed], [grown[index] for index in changed])
            for index, each in zip(changed, again, strict=True):
                drawn[index] = each
        regions_drawn = {each.region for each in drawn}
        guides = {region: ColourGuide(self._region(encoded, region).image) for region in regions_drawn}
        return tuple(on_edges(each, guides[each.region]) for each in drawn)

    def _grown(self, drawn: DrawnMask, prompt: FittedPrompt, *, whole_side: bool) -> Region:
        """The mask's region with more room where the mask runs into it."""
        region = drawn.region
        # Most masks keep off every side as they are, and no part is looked for.
        if grown_region(region, drawn.logits > 0) == region:
            return region
        mask = tidied(drawn, prompt, image_size=self._network.config.image_size).logits > 0
        return grown_region(region, mask, whole_side=whole_side)

    def _refined(
        self,
        encoded: EncodedImage,
        prompt: FittedPrompt,
        guesses: npt.NDArray[np.float32],
        regions: Sequence[Region],
    ) -> list[DrawnMask]:
        """What the refiner draws in each region, told the decoder's guess for it."""
        hints = [self._hints(guess, region, prompt) for guess, region in zip(guesses, regions, strict=True)]
        seen = [self._region(encoded, region) for region in regions]
        pixels = torch.cat([one.pixels for one in seen])
        feature_maps = [torch.cat(maps) for maps in zip(*(one.feature_maps for one in seen), strict=True)]
        told = self._tensor(np.stack(hints))
        fine, scores = self._network.refiner(pixels, feature_maps, told)
        if prompt.box is not None and prompt.hint is None:
            # Drawn once more with the first answer known; clicks gain nothing by it.
            told[:, 1] = fine.clamp(-GUESS_BOUND, GUESS_BOUND)
            fine, scores = self._network.refiner(pixels, feature_maps, told)
        return [
            DrawnMask(region=region, logits=mask, score=score)
            for region, mask, score in zip(regions, fine.cpu().numpy(), scores.tolist(), strict=True)
        ]

    def _hints(self, guess: npt.NDArray[np.float32], region: Region, prompt: FittedPrompt) -> npt.NDArray[np.float32]:
        """What the refiner is told, float32[HINTS, R, R]."""
        size, side = self._network.config.image_size, self._network.config.refiner_side
        points = np.array(prompt.points, np.float32).reshape(-1, 2)
        corners = None if prompt.box is None else np.array(prompt.box, np.float32).reshape(2, 2)
        return hints_of(
            guess_in(region, guess, side=side),
            earlier=None if prompt.hint is None else guess_in(region, prompt.hint, side=side),
            clicks=region.cells(points, image_size=size, side=side),
            labels=np.array(prompt.labels, np.int64),
            box=None if corners is None else region.cells(corners, image_size=size, side=side).reshape(4),
        )

    @torch.no_grad()
    def _region(self, encoded: EncodedImage, region: Region) -> EncodedRegion:
        """A region as the encoder sees it; encoded where it is not among the last ones."""
        regions = encoded.features.regions
        found: EncodedRegion | None = regions.get(region)
        if found is None:
            image = region_pixels(encoded.image, region, self._network.refiner.config)
            pixels = self._encoder.normalised([image])
            feature_maps = self._region_encoder.feature_maps(pixels, strides=self._network.refiner.config.strides)
            found = EncodedRegion(image=image, pixels=folded(pixels), feature_maps=feature_maps)
            regions.put(region, found)
        return found

    def _tensor(self, values: npt.NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(values.astype(np.float32), device=self._device)
