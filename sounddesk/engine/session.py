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
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import STARTER_NAME
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import BedRequest
from sounddesk.engine.types import GeneratedBed
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import TakeCondition
from sounddesk.engine.types import TextRequest

if TYPE_CHECKING:
    # At run time these cost seconds of imports, which `open` shall not cost.
    from sounddesk.engine.bundles.component_loading import Components
    from sounddesk.engine.bundles.memory_plan import MemoryPlan
    from sounddesk.engine.device import DevicePolicy
    from sounddesk.engine.generation.pipeline import Engine
    from sounddesk.engine.generation.text_engines import SpokenTake
    from sounddesk.engine.generation.text_engines import TextEngine


class EngineSession:
    """A bundle on a device. Networks are loaded at the first use and freed by `unload` or at the end of `with`.

    Every method may be called from any thread; calls wait for each other. After `unload` the next call loads
    again.
    """

    def __init__(self, bundle: Bundle, policy: DevicePolicy, *, memory: MemoryPlan | None = None) -> None:
        from sounddesk.engine.generation.patch_cache import PatchCache
        from sounddesk.engine.generation.patch_cache import shared_patch_cache

        self._bundle = bundle
        self._policy = policy
        self._lock = threading.RLock()
        self._components: Components | None = None
        self._text_engine: TextEngine | None = None
        self._asked_plan = memory
        self._patches = PatchCache()
        if policy.device.type == "cpu" and "image_encoder" in bundle.manifest.components:
            # The segmenter computes there in the same precision, and leaves the patches of the images that it encodes.
            self._patches = shared_patch_cache(bundle.manifest.component("image_encoder"))

    @classmethod
    def open(
        cls,
        *,
        bundle: str | Path | Bundle = STARTER_NAME,
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
        return self._components is not None or self._text_engine is not None

    def load(self, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None) -> None:
        """Check every file of the bundle and load its networks, where that has not happened yet.

        Raises:
            EngineError: a damaged bundle (names the file), or one that does not fit into memory.
            Cancelled: through `cancel`; nothing stays loaded then.
        """
        with self._lock:
            if self._bundle.text_pipeline is None:
                self._load(on_progress=on_progress, cancel=cancel)
            else:
                self._load_text_engine(on_progress=on_progress, cancel=cancel)

    def unload(self) -> None:
        """Free the networks and cached images; waits for a running call."""
        with self._lock:
            loaded = self.is_loaded
            self._components = None
            self._text_engine = None
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

        Progress stages: 'check bundle', 'load' (both at the first use only), 'encode image', 'denoise', 'decode'.

        Raises:
            EngineError: what the user can act upon (bundle, mask, memory, non-finite result).
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        check_seconds(request.seconds)
        from sounddesk.engine.generation.pipeline import generate_takes
        from sounddesk.engine.generation.take_conditions import check_request

        # Refused before anything is loaded.
        check_request(request)
        if self._bundle.text_pipeline is not None:
            from sounddesk.engine.generation.text_engines import spoken_takes

            return self._speak(spoken_takes(request), request, on_progress=on_progress, cancel=cancel)
        with self._lock:
            engine = self._load(on_progress=on_progress, cancel=cancel)
            return generate_takes(request, engine, on_progress=on_progress, cancel=cancel)

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
        check_seconds(request.seconds)
        from sounddesk.engine.generation.text_pipeline import check_text_request
        from sounddesk.engine.generation.text_pipeline import generate_text_takes

        check_text_request(request, self._bundle)
        if self._bundle.text_pipeline is not None:
            from sounddesk.engine.generation.text_engines import takes_of_texts

            return self._speak(takes_of_texts(request), request, on_progress=on_progress, cancel=cancel)
        with self._lock:
            engine = self._load(on_progress=on_progress, cancel=cancel)
            return generate_text_takes(request, engine, on_progress=on_progress, cancel=cancel)

    def _speak(
        self,
        takes: list[SpokenTake],
        request: GenerationRequest | TextRequest,
        *,
        on_progress: OnProgress | None,
        cancel: CancelToken | None,
    ) -> list[GeneratedTake]:
        from sounddesk.engine.generation.text_engines import check_length

        check_length(request.seconds, self._bundle)
        with self._lock:
            engine = self._load_text_engine(on_progress=on_progress, cancel=cancel)
            return engine.generate(
                takes, seconds=request.seconds, sampling=request.sampling, on_progress=on_progress, cancel=cancel
            )

    def _load_text_engine(self, *, on_progress: OnProgress | None, cancel: CancelToken | None) -> TextEngine:
        from sounddesk.engine.generation.text_engines import TextEngine

        if self._text_engine is None:
            self._bundle.verify(on_progress=on_progress, cancel=cancel)
            self._text_engine = TextEngine.load(self._bundle, self._policy)
        return self._text_engine

    def encode_image(self, image: RgbImage) -> npt.NDArray[np.float32]:
        """Patches float32[P, D] of an sRGB image uint8[H, W, 3], rows first; kept for the takes that follow.

        Raises:
            EngineError: the bundle cannot be loaded.
            ValueError: not such an image.
        """
        from sounddesk.engine.generation.pipeline import encode_patches
        from sounddesk.engine.generation.take_conditions import check_image

        check_image(image)
        with self._lock:
            patches: npt.NDArray[np.float32] = encode_patches(image, self._load()).cpu().numpy().copy()
            return patches

    def condition(self, image: RgbImage, take: ObjectRequest) -> TakeCondition:
        """What the denoiser listens to for one object of one image; the take's seed does not matter.

        Raises:
            EngineError, ValueError: as `generate`, for the image and the mask.
        """
        from sounddesk.engine.generation.pipeline import conditions_of
        from sounddesk.engine.generation.pipeline import encode_patches
        from sounddesk.engine.generation.take_conditions import check_request

        check_request(GenerationRequest(image=image, takes=(take,)))
        with self._lock:
            engine = self._load()
            made = conditions_of((take,), encode_patches(image, engine), engine, image=image)
            return TakeCondition(condition=made.condition[0].cpu().numpy(), null=made.null[0].cpu().numpy())

    def text_vectors(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Unit vectors float32[N, C] of texts, to lay beside what `condition` gives.

        Raises:
            EngineError: an empty text, or a bundle whose conditions are not in its text encoder's space.
        """
        from sounddesk.engine.generation.text_pipeline import texts_are_conditions

        if not all(text.strip() for text in texts):
            raise EngineError("text is empty: name what to compare with")
        if not texts_are_conditions(self._bundle):
            raise EngineError(f"bundle {self._bundle.name!r} has its conditions in another space than its texts")
        with self._lock:
            with self._load().components.text_encoder as text_encoder:
                vectors: npt.NDArray[np.float32] = text_encoder.encode(texts).float().cpu().numpy()
            return vectors

    def generate_bed(
        self, request: BedRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> GeneratedBed:
        """One continuous sound over a shot, from conditions that `condition` made.

        Progress stages: 'check bundle', 'load' (both at the first use only), 'denoise'.

        Raises:
            EngineError, ValueError, Cancelled: as `generate`.
        """
        from sounddesk.engine.generation.bed import check_bed_request
        from sounddesk.engine.generation.bed import generate_bed

        check_bed_request(request)
        with self._lock:
            engine = self._load(on_progress=on_progress, cancel=cancel)
            return generate_bed(request, engine, on_progress=on_progress, cancel=cancel)

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of the patch grid, from the manifest."""
        rows, columns = self._bundle.manifest.grounding["grid"]
        return int(rows), int(columns)

    def attention_map(self, image: RgbImage, text: str) -> npt.NDArray[np.float32]:
        """Attention weights of `text` over the patches of `image`: float32[P], rows first, sum 1 (eq. 4).

        Raises:
            EngineError: empty text, or the bundle cannot be loaded.
            ValueError: not an image uint8[H, W, 3].
        """
        return self.attention_maps(image, [text])[0]

    def patch_weight_map(self, image: RgbImage, take: ObjectRequest) -> npt.NDArray[np.float32]:
        """The patch weights that `take` is generated by: float32[P], rows first, sum 1.

        Raises:
            EngineError: the mask is empty, of another size, or the bundle cannot be loaded.
        """
        from sounddesk.engine.generation.pipeline import conditions_of
        from sounddesk.engine.generation.pipeline import encode_patches
        from sounddesk.engine.generation.take_conditions import check_request

        check_request(GenerationRequest(image=image, takes=(take,), seconds=1.0))
        with self._lock:
            engine = self._load()
            # What it must not sound like does not change where is listened.
            hinted = dataclasses.replace(take, negative_hint=None)
            return conditions_of([hinted], encode_patches(image, engine), engine, image=image).patch_weights[0]

    def attention_maps(self, image: RgbImage, texts: list[str]) -> npt.NDArray[np.float32]:
        """`attention_map` of several texts at once: float32[len(texts), P]."""
        if not texts or not all(text.strip() for text in texts):
            raise EngineError("text is empty: name what to look for")
        import torch

        from sounddesk.engine.generation.pipeline import encode_patches
        from sounddesk.engine.generation.take_conditions import attention_weights
        from sounddesk.engine.generation.take_conditions import check_image

        check_image(image)
        with self._lock, torch.no_grad():
            engine = self._load()
            patches = encode_patches(image, engine)[None].expand(len(texts), -1, -1)
            with engine.components.text_encoder as text_encoder:
                words = text_encoder.encode(texts).float()
            return attention_weights(engine.components.conditioner, words, patches)

    def _load(self, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None) -> Engine:
        from sounddesk.engine.generation.pipeline import Engine

        with self._lock:
            if self._components is None:
                self._components = self._loaded(on_progress=on_progress, cancel=cancel)
            return Engine(bundle=self._bundle, policy=self._policy, components=self._components, patches=self._patches)

    def _loaded(self, *, on_progress: OnProgress | None, cancel: CancelToken | None) -> Components:
        """The networks, by the memory plan that was asked for; else by the quickest that turns out to fit."""
        from sounddesk.engine.bundles.component_loading import load_components
        from sounddesk.engine.bundles.memory_plan import choose_plan
        from sounddesk.engine.bundles.memory_plan import frugal_plan
        from sounddesk.engine.device import OutOfMemoryError
        from sounddesk.engine.device import release_memory

        if self._bundle.text_pipeline is not None:
            raise EngineError(
                f"bundle {self._bundle.name!r} hears words, it sees no image: choose another bundle for this"
            )
        self._bundle.verify(on_progress=on_progress, cancel=cancel)

        def load(plan: MemoryPlan) -> Components:
            return load_components(self._bundle, self._policy, plan=plan, on_progress=on_progress, cancel=cancel)

        if self._asked_plan is not None:
            return load(self._asked_plan)
        chosen, frugal = choose_plan(self._bundle, self._policy), frugal_plan(self._policy)
        try:
            return load(chosen)
        except OutOfMemoryError:
            if chosen == frugal:
                raise
        # Outside the handler: while the exception lives, its traceback keeps what filled the memory.
        release_memory(self._policy.device)
        return load(frugal)
