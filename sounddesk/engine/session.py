"""The one door to the engine for the window, the command line, batch and evaluation."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import EngineError
from sounddesk.domain.grounding_mode import GroundingMode
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import BedRequest
from sounddesk.engine.types import GeneratedBed
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import RoundTrip
from sounddesk.engine.types import TakeCondition
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import Waveform
from sounddesk.engine.types import check_image
from sounddesk.resources_folder import SHIPPED_BUNDLE

if TYPE_CHECKING:
    # At run time these cost seconds of imports, which `open` shall not cost.
    from sounddesk.engine.bundles.memory_plan import MemoryPlan
    from sounddesk.engine.captioners.choice import CaptionerChoice
    from sounddesk.engine.device import DevicePolicy
    from sounddesk.engine.generation.pipelines import ImageBundle
    from sounddesk.engine.generation.pipelines import TextBundle
    from sounddesk.engine.generation.variation_types import VariationRequest


class EngineSession:
    """A bundle on a device: loads its networks at the first use, locks them, and frees them at the end of `with`.

    Every method may be called from any thread; calls wait for each other. After `unload` the next call loads
    again. What is done with the networks stands in the pipelines (`generation.pipelines`).

    Example:
        >>> from sounddesk.engine.types import SamplingSettings, TextRequest
        >>> with EngineSession.open(device="cpu") as session:  # doctest: +SKIP
        ...     (take,) = session.generate_from_text(TextRequest(prompts=("a dog barks",), seeds=(1,), seconds=5.0))
        ...     take.waveform.shape, take.sample_rate_hz
        ((80000,), 16000)
    """

    def __init__(self, bundle: Bundle, policy: DevicePolicy, *, memory: MemoryPlan | None = None) -> None:
        from sounddesk.engine.generation.patch_cache import PatchCache
        from sounddesk.engine.generation.patch_cache import shared_patch_cache

        self._bundle = bundle
        self._policy = policy
        self._memory = memory
        self._lock = threading.RLock()
        self._opened: ImageBundle | TextBundle | None = None
        self._captioner: CaptionerChoice | None = None
        self._patches = PatchCache()
        if policy.device.type == "cpu" and "image_encoder" in bundle.manifest.components:
            # The segmenter computes there in the same precision, and leaves the patches of the images that it encodes.
            self._patches = shared_patch_cache(bundle.manifest.component("image_encoder"))

    @classmethod
    def open(
        cls,
        *,
        bundle: str | Path | Bundle = SHIPPED_BUNDLE,
        device: str = "auto",
        memory: MemoryPlan | None = None,
        full_precision: bool = False,
    ) -> EngineSession:
        """Find the bundle and the device; reads the manifest, loads nothing yet.

        Args:
            bundle: name, folder, or a bundle already opened.
            device: 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'.
            memory: where networks are between their uses; by default as `SOUNDDESK_MEMORY` says, else the quickest
                plan that fits into the free memory.
            full_precision: float32 also where the device computes faster in half precision.

        Raises:
            EngineError: no such bundle or device, or a wrong manifest.
        """
        opened = bundle if isinstance(bundle, Bundle) else find_bundle(bundle)
        from sounddesk.engine.bundles.memory_plan import plan_from_environment
        from sounddesk.engine.device import choose_device
        from sounddesk.engine.device import in_full_precision

        policy = choose_device(device)
        if full_precision:
            policy = in_full_precision(policy)
        return cls(opened, policy, memory=memory or plan_from_environment())

    def __enter__(self) -> EngineSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.unload()

    @property
    def bundle(self) -> Bundle:
        return self._bundle

    @property
    def policy(self) -> DevicePolicy:
        return self._policy

    @property
    def audio(self) -> AudioSpec:
        """Mel and latent geometry of the bundle."""
        return self._bundle.audio

    @property
    def is_loaded(self) -> bool:
        return self._opened is not None

    def load(self, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None) -> None:
        """Check every file of the bundle and load its networks, where that has not happened yet.

        Raises:
            EngineError: a damaged bundle (names the file), or one that does not fit into memory.
            Cancelled: through `cancel`; nothing stays loaded then.
        """
        with self._lock:
            self._load(on_progress=on_progress, cancel=cancel)

    def unload(self) -> None:
        """Free the networks and cached images; waits for a running call."""
        with self._lock:
            loaded = self.is_loaded
            self._opened = None
            self._captioner = None
            self._patches.clear()
            if loaded:
                from sounddesk.engine.device import release_memory

                release_memory(self._policy.device)

    def generate(
        self,
        request: GenerationRequest,
        *,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[GeneratedTake]:
        """All takes of `request` in its order; same request, same bundle, same machine: the same samples.

        Where the request's grounding is words, a captioner finds those that it lacks (`captioners.choice`).

        Progress stages: 'check bundle', 'load' (both at the first use only), 'encode image', 'denoise', 'decode'.

        Raises:
            EngineError: what the user can act upon (bundle, mask, memory, non-finite result, no captioner).
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        # Refused before anything is loaded.
        request.check()
        self._bundle.check_length(request.seconds)
        if request.grounding != "object":
            self._bundle.require_texts()
        with self._lock:
            pipelines = self._load(on_progress=on_progress, cancel=cancel)
            if request.grounding == "object":
                return pipelines.image.generate(request, on_progress=on_progress, cancel=cancel)
            captioned, label = self._with_captions(request, cancel=cancel)
            takes = pipelines.text.generate(captioned, on_progress=on_progress, cancel=cancel)
        return [made_from_words(take, grounding=request.grounding, captioner=label) for take in takes]

    def _with_captions(
        self, request: GenerationRequest, *, cancel: CancelToken | None
    ) -> tuple[GenerationRequest, str]:
        """The request with words for every take, and who found them; '' where they were all there."""
        from sounddesk.engine.captioners.captioned_request import captioned_request
        from sounddesk.engine.captioners.captioned_request import lacks_words

        if not lacks_words(request):
            return request, ""
        if self._captioner is None:
            from sounddesk.engine.captioners.choice import open_captioner

            self._captioner = open_captioner(self._bundle, device=str(self._policy.device))
        made = captioned_request(request, self._captioner.captioner, cancel=cancel)
        return made, self._captioner.label

    def generate_from_text(
        self, request: TextRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> list[GeneratedTake]:
        """Takes of texts alone, in the request's order: the text vector itself is the condition, as in AudioLDM.

        Progress stages: 'check bundle', 'load', 'denoise', 'decode'.

        Raises:
            EngineError: an empty text, or a bundle whose conditions are not in its text encoder's space.
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        request.check()
        self._bundle.require_texts()
        self._bundle.check_length(request.seconds)
        with self._lock:
            pipeline = self._load(on_progress=on_progress, cancel=cancel).text
            return pipeline.generate(request, on_progress=on_progress, cancel=cancel)

    def generate_bed(
        self, request: BedRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> GeneratedBed:
        """One continuous sound over a shot, from conditions that `condition` made.

        Progress stages: 'check bundle', 'load' (both at the first use only), 'denoise'.

        Raises:
            EngineError, ValueError, Cancelled: as `generate`.
        """
        request.check()
        with self._lock:
            pipeline = self._load_image_bundle(on_progress=on_progress, cancel=cancel).bed
            return pipeline.generate(request, on_progress=on_progress, cancel=cancel)

    def generate_variations(
        self, request: VariationRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> list[GeneratedTake]:
        """Takes that begin from a sound: variations of it, or a stretch of it made anew; one for each seed.

        Progress stages: 'check bundle', 'load' (both at the first use only), 'denoise', 'decode'.

        Raises:
            EngineError, ValueError, Cancelled: as `generate`; also for a text-only bundle.
        """
        request.check()
        with self._lock:
            pipeline = self._load_image_bundle(on_progress=on_progress, cancel=cancel).variation
            return pipeline.generate(request, on_progress=on_progress, cancel=cancel)

    def encode_image(self, image: RgbImage) -> npt.NDArray[np.float32]:
        """Patches float32[P, D] of an sRGB image uint8[H, W, 3], rows first; kept for the takes that follow.

        Raises:
            EngineError: the bundle cannot be loaded, or is text-only.
            ValueError: not such an image.
        """
        from sounddesk.engine.generation.conditioning import encode_patches

        check_image(image)
        with self._lock:
            patches: npt.NDArray[np.float32] = encode_patches(image, self._load_image_bundle().networks).cpu().numpy()
            return patches.copy()

    def condition(self, image: RgbImage, take: ObjectRequest) -> TakeCondition:
        """What the denoiser listens to for one object of one image; the take's seed does not matter.

        Raises:
            EngineError, ValueError: as `generate`, for the image and the mask.
        """
        from sounddesk.engine.generation.conditioning import condition_object

        GenerationRequest(image=image, takes=(take,)).check()
        with self._lock:
            made = condition_object(image, take, self._load_image_bundle().networks)
            return TakeCondition(condition=made.condition[0].cpu().numpy(), null=made.null[0].cpu().numpy())

    def round_trip(self, waveform: Waveform, *, sample_rate_hz: int, through: RoundTrip) -> Waveform:
        """A recording through the bundle's vocoder, or its codec and vocoder, and back: what a take can be at best.

        Args:
            waveform: mono float32[n] at any rate and level.
            through: 'vocoder' is mel -> waveform; 'codec' is mel -> latent -> waveform, as takes are decoded.

        Returns:
            float32[m], as long in seconds, at the bundle's rate and the peak that it learned at.

        Raises:
            EngineError: the bundle cannot be loaded, or is text-only.
            ValueError: no samples.
        """
        from sounddesk.engine.generation.round_trip import round_trip

        with self._lock:
            networks = self._load_image_bundle().networks
            return round_trip(waveform, networks, sample_rate_hz=sample_rate_hz, through=through)

    def text_vectors(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Unit vectors float32[N, C] of texts, to lay beside what `condition` gives.

        Raises:
            EngineError: an empty text, or a bundle whose conditions are not in its text encoder's space.
        """
        if not all(text.strip() for text in texts):
            raise EngineError("text is empty: name what to compare with")
        if not self._bundle.texts_are_conditions:
            raise EngineError(f"bundle {self._bundle.name!r} has its conditions in another space than its texts")
        with self._lock, self._load_image_bundle().networks.components.text_encoder as text_encoder:
            vectors: npt.NDArray[np.float32] = text_encoder.encode(texts).float().cpu().numpy()
            return vectors

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of the patch grid, from the manifest."""
        rows, columns = self._bundle.manifest.grounding["grid"]
        return int(rows), int(columns)

    def attention_map(self, image: RgbImage, text: str) -> npt.NDArray[np.float32]:
        """Attention weights of `text` over the patches of `image`: float32[P], rows first, sum 1 (eq. 4).

        Raises:
            EngineError: empty text, or the bundle cannot be loaded or is text-only.
            ValueError: not an image uint8[H, W, 3].
        """
        return self.attention_maps(image, [text])[0]

    def attention_maps(self, image: RgbImage, texts: list[str]) -> npt.NDArray[np.float32]:
        """`attention_map` of several texts at once: float32[len(texts), P]."""
        from sounddesk.engine.generation.conditioning import attend

        if not texts or not all(text.strip() for text in texts):
            raise EngineError("text is empty: name what to look for")
        check_image(image)
        with self._lock:
            return attend(image, texts, self._load_image_bundle().networks)

    def patch_weight_map(self, image: RgbImage, take: ObjectRequest) -> npt.NDArray[np.float32]:
        """The patch weights that `take` is generated by: float32[P], rows first, sum 1.

        Raises:
            EngineError: the mask is empty, of another size, or the bundle cannot be loaded or is text-only.
        """
        from sounddesk.engine.generation.conditioning import weigh_object

        GenerationRequest(image=image, takes=(take,)).check()
        with self._lock:
            # Negative prompts do not affect the attention map.
            plain = dataclasses.replace(take, negative_prompt=None)
            return weigh_object(image, plain, self._load_image_bundle().networks)

    def _load_image_bundle(
        self, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> ImageBundle:
        """Raises: EngineError, also for a text-only bundle."""
        self._bundle.require_images()
        from sounddesk.engine.generation.pipelines import ImageBundle

        opened = self._load(on_progress=on_progress, cancel=cancel)
        assert isinstance(opened, ImageBundle)
        return opened

    def _load(self, *, on_progress: OnProgress | None, cancel: CancelToken | None) -> ImageBundle | TextBundle:
        if self._opened is None:
            from sounddesk.engine.generation.pipelines import open_pipelines

            self._opened = open_pipelines(
                self._bundle,
                self._policy,
                self._patches,
                memory=self._memory,
                on_progress=on_progress,
                cancel=cancel,
            )
        return self._opened


def made_from_words(take: GeneratedTake, *, grounding: GroundingMode, captioner: str) -> GeneratedTake:
    """A take that says that it follows words, and whose they are."""
    of_whole = grounding == "caption" and bool(captioner)
    what = "a caption of the whole image" if of_whole else "words for what is selected"
    by = f", by {captioner}" if captioner else ""
    note = f"made from the words {take.recipe['prompt']!r} ({what}{by}), not from what its mask shows"
    return dataclasses.replace(
        take,
        recipe={**take.recipe, "grounding": grounding, "captioner": captioner or None},
        notes=(note, *take.notes),
    )
