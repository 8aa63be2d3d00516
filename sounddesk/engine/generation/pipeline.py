"""Image and masks to takes, as numbered steps (4 to 8 of the data flow in the design)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

import torch
from torch import Tensor

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import Components
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import OutOfMemoryError
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import out_of_memory_remedy
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.device import release_memory
from sounddesk.engine.generation.decoding import decode_mel
from sounddesk.engine.generation.decoding import synthesise
from sounddesk.engine.generation.parallel_takes import rounds_of
from sounddesk.engine.generation.parallel_takes import run_streams
from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.generation.patch_cache import hash_image
from sounddesk.engine.generation.postprocess import DecodedSound
from sounddesk.engine.generation.postprocess import finished
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.take_conditions import TakeConditions
from sounddesk.engine.generation.take_conditions import check_request
from sounddesk.engine.generation.take_conditions import hash_mask
from sounddesk.engine.generation.take_conditions import make_conditions
from sounddesk.engine.models.diffusion import denoise
from sounddesk.engine.models.grounding import ObjectViews
from sounddesk.engine.models.image_encoder import ImageEncoder
from sounddesk.engine.specs import RequestShape
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import steps_of

# Linux hands out memory it does not have and then kills the process, so on a CPU the batch is bounded beforehand:
# latent frames per U-Net call, before guidance doubles them (8 takes of 10 s, or one of 60 s).
CPU_BATCH_FRAMES: Final = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class Engine:
    """What the pipeline works with: the opened bundle, its networks and where they run."""

    bundle: Bundle
    policy: DevicePolicy
    components: Components
    patches: PatchCache


@torch.no_grad()
def generate_takes(
    request: GenerationRequest,
    engine: Engine,
    *,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> list[GeneratedTake]:
    """All takes of `request`, in its order.

    Progress stages: 'encode image', 'denoise' (units: steps times takes), 'decode' (takes).

    Raises:
        EngineError: a mask that cannot be used, non-finite samples, or memory that is not enough even for one take.
        ValueError: a value out of range (length, seed, image type).
        Cancelled: through `cancel`, within one denoising step.
    """
    # 1. Refuse before working.
    check_request(request)
    check_seconds(request.seconds)
    spec = engine.bundle.audio
    # 2. Image -> patches [P, D], once per image.
    reporter = StageReporter(stage="encode image", total=1, on_progress=on_progress, cancel=cancel)
    patches = encode_patches(request.image, engine)
    reporter.step(1)
    # 3. Masks and hints -> conditions [N, C].
    conditions = conditions_of(request.takes, patches, engine, image=request.image)
    # 4. Noise and the guided denoising loop -> latents [N, c, t, f].
    latents, batch_notes = denoise_all(
        Denoising(
            condition=conditions.condition,
            null=conditions.null,
            seeds=tuple(take.seed for take in request.takes),
            seconds=request.seconds,
            sampling=request.sampling,
        ),
        engine,
        on_progress=on_progress,
        cancel=cancel,
    )
    # 5. Latent -> log-mel -> waveform, one take at a time: a batch would cost memory and save no time.
    reporter = StageReporter(stage="decode", total=len(request.takes), on_progress=on_progress, cancel=cancel)
    takes = []
    image_sha256 = hash_image(request.image)
    with engine.components.codec, engine.components.vocoder:
        for index, take in enumerate(request.takes):
            sound = decode_sound(
                latents[index : index + 1], engine, name=take.name, seed=take.seed, seconds=request.seconds
            )
            takes.append(
                GeneratedTake(
                    name=take.name,
                    kind=take.kind,
                    waveform=sound.waveform,
                    sample_rate_hz=spec.mel.sample_rate_hz,
                    recipe=_recipe(request, take, engine, image_sha256=image_sha256),
                    notes=(*conditions.notes[index], *batch_notes, *sound.notes),
                    mel=sound.mel,
                    patch_weights=conditions.patch_weights[index].copy(),
                )
            )
            reporter.step(index + 1)
    return takes


@dataclass(frozen=True, kw_only=True, eq=False)
class Denoising:
    """What the denoising loop is asked for.

    Attributes:
        condition, null: float32[N, C].
        seeds: one per take.
        seconds: length of every take.
    """

    condition: Tensor
    null: Tensor
    seeds: tuple[int, ...]
    seconds: float
    sampling: SamplingSettings


def decode_sound(latent: Tensor, engine: Engine, *, name: str, seed: int, seconds: float) -> DecodedSound:
    """Latent float32[1, c, t, f] -> exactly the length asked for, and nothing silent or broken unannounced.

    Raises:
        EngineError: samples that are not numbers, or fewer than asked for, or memory that is not enough.
    """
    spec = engine.bundle.audio
    n_samples = spec.shape_of(seconds).n_samples
    device = engine.policy.device
    with out_of_memory_reported(
        f"memory of {device} ran out while {seconds:g} s were decoded", device, seconds=seconds
    ):
        with engine.components.codec as codec:
            log_mel = decode_mel(codec, latent.to(device), spec)
        with engine.components.vocoder as vocoder:
            samples = synthesise(vocoder, log_mel, spec)[0].float().cpu().numpy()
    # 6. Checked and trimmed.
    mel = log_mel[0, : math.ceil(n_samples / spec.mel.hop_length)].float().cpu().numpy().copy()
    return finished(samples, mel, spec=spec.mel, n_samples=n_samples, name=name, seed=seed)


@torch.no_grad()
def encode_patches(image: RgbImage, engine: Engine) -> Tensor:
    """Patches float32[P, D] of one image on the engine's device, from the cache where they are in it."""

    def encode() -> Tensor:
        device = engine.policy.device
        with (
            out_of_memory_reported(f"memory of {device} ran out on the image", device),
            engine.components.image_encoder as encoder,
            engine.policy.network_precision(),
        ):
            return encoder.encode([image])[0].float()

    return engine.patches.get(hash_image(image), encode)


@torch.no_grad()
def conditions_of(
    takes: Sequence[ObjectRequest], patches: Tensor, engine: Engine, *, image: RgbImage
) -> TakeConditions:
    """Conditions of takes checked by `check_request`; words are encoded only where a take has some.

    Args:
        image: what the patches are of.
    """

    @contextlib.contextmanager
    def open_encoder() -> Iterator[ImageEncoder]:
        device = engine.policy.device
        with (
            out_of_memory_reported(f"memory of {device} ran out on the image", device),
            engine.components.image_encoder as encoder,
            engine.policy.network_precision(),
        ):
            yield encoder

    views = ObjectViews(
        image=image, masks=[take.mask if take.kind == "object" else None for take in takes], open_encoder=open_encoder
    )
    spoken = any(take.hint or take.negative_hint for take in takes)
    with engine.components.text_encoder if spoken else contextlib.nullcontext() as text_encoder:
        return make_conditions(
            takes, patches, conditioner=engine.components.conditioner, text_encoder=text_encoder, views=views
        )


class TakeNoise:
    """All noise of one take, from its own seed.

    Drawn on the CPU in float32, so that a seed means the same on every device and in every batch. The first draw is the
    starting latent; with DDIM's eta above 0 the later ones are the noise of each step, in their order.
    """

    def __init__(self, seed: int, shape: RequestShape) -> None:
        self._generator = torch.Generator("cpu").manual_seed(seed)
        self._shape = shape

    def draw(self) -> Tensor:
        """The next float32[1, c, t, f]."""
        return torch.randn((1, *self._shape.latent), generator=self._generator, dtype=torch.float32)


def denoise_all(
    asked: Denoising, engine: Engine, *, on_progress: OnProgress | None, cancel: CancelToken | None
) -> tuple[Tensor, tuple[str, ...]]:
    """Latents float32[N, c, t, f] on the CPU, and notes; batches are halved while memory runs out.

    Raises:
        OutOfMemoryError: not even one take fits.
        Cancelled: through `cancel`.
    """
    count = len(asked.seeds)
    shape = engine.bundle.audio.request_shape(asked.seconds)
    steps = steps_of(asked.sampling)
    reporter = StageReporter(stage="denoise", total=steps * count, on_progress=on_progress, cancel=cancel)
    batch = _first_batch(count, shape, engine.policy)
    notes: tuple[str, ...] = ()
    done: list[Tensor] = []
    start = 0
    # Held through all batches, so that no memory plan moves it in between.
    with engine.components.denoiser:
        while start < count:
            chosen = range(start, min(start + batch, count))

            def on_step(steps_done: int, chosen: range = chosen) -> None:
                reporter.step(chosen.start * steps + steps_done)

            ran_out = False
            try:
                done.append(_denoise_batch(asked, engine, shape, chosen=chosen, on_step=on_step))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = True
            # Outside the handler: while the exception lives, its traceback keeps the tensors that filled the memory.
            if ran_out:
                release_memory(engine.policy.device)
                if len(chosen) == 1:
                    remedy = out_of_memory_remedy(engine.policy.device, seconds=asked.seconds)
                    raise OutOfMemoryError(
                        f"memory of {engine.policy.device} ran out on one take of {asked.seconds:g} s: {remedy}"
                    )
                batch = math.ceil(len(chosen) / 2)
                notes = (f"memory ran out: generated {batch} at a time",)
                continue
            start = chosen.stop
    return torch.cat(done), notes


def _first_batch(count: int, shape: RequestShape, policy: DevicePolicy) -> int:
    if policy.device.type != "cpu":
        return count
    return max(1, min(count, CPU_BATCH_FRAMES // shape.latent_frames))


def _denoise_batch(
    asked: Denoising, engine: Engine, shape: RequestShape, *, chosen: range, on_step: Callable[[int], None]
) -> Tensor:
    """Latents of `chosen` takes; on a CPU those that divide evenly among its cores side by side, then the rest.

    `on_step` gets the steps done, summed over the takes.
    """
    threads = torch.get_num_threads() if engine.policy.device.type == "cpu" else 1
    steps = steps_of(asked.sampling)
    latents: list[Tensor] = []
    for streams in rounds_of(chosen, threads=threads):
        before = (streams[0].start - chosen.start) * steps

        def round_step(done: int, before: int = before) -> None:
            on_step(before + done)

        latents += run_streams(
            lambda takes, step_done: _denoise_stream(asked, engine, shape, chosen=takes, on_step=step_done),
            streams,
            on_step=round_step,
        )
    return torch.cat(latents)


def _denoise_stream(
    asked: Denoising, engine: Engine, shape: RequestShape, *, chosen: range, on_step: Callable[[int, int], None]
) -> Tensor:
    device = engine.policy.device
    noises = [TakeNoise(asked.seeds[index], shape) for index in chosen]

    def draw(_step: int = 0) -> Tensor:
        return torch.cat([noise.draw() for noise in noises]).to(device)

    rows = slice(chosen.start, chosen.stop)
    with engine.components.denoiser as denoiser, engine.policy.network_precision():
        latents = denoise(
            denoiser,
            scheduler_config=engine.components.scheduler_config,
            condition=asked.condition[rows],
            null=asked.null[rows],
            noise=draw(),
            sampling=asked.sampling,
            step_noise=draw,
            on_step=on_step,
        )
    # On the CPU, so that finished takes do not take memory from the batches still to come.
    return latents.float().cpu()


def _recipe(request: GenerationRequest, take: ObjectRequest, engine: Engine, *, image_sha256: str) -> dict[str, Any]:
    """Everything that decides the samples, ready for JSON."""
    return {
        **recipe_facts(
            engine.bundle, engine.policy, seed=take.seed, seconds=request.seconds, sampling=request.sampling
        ),
        "image_sha256": image_sha256,
        "name": take.name,
        "kind": take.kind,
        "mask_sha256": hash_mask(take.mask),
        "hint": take.hint,
        "negative_hint": take.negative_hint,
    }
