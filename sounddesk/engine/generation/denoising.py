"""Noise and the guided denoising loop: in batches that fit into memory, and on a CPU on all cores side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import OutOfMemoryError
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import out_of_memory_remedy
from sounddesk.engine.device import release_memory
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.parallel_takes import parallel_map
from sounddesk.engine.generation.parallel_takes import split_into_batches
from sounddesk.engine.models.diffusion import denoise
from sounddesk.engine.specs import RequestShape
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import steps_of

# Linux hands out memory it does not have and then kills the process, so on a CPU the batch is bounded beforehand:
# latent frames per U-Net call, before guidance doubles them (8 takes of 10 s, or one of 60 s).
CPU_BATCH_FRAMES: Final = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class Denoising:
    """What the denoising loop is asked for, one row per take.

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
    asked: Denoising, networks: Networks, *, on_progress: OnProgress | None, cancel: CancelToken | None
) -> tuple[Tensor, tuple[str, ...]]:
    """Latents float32[N, c, t, f] on the CPU, and notes; batches are halved while memory runs out.

    Raises:
        OutOfMemoryError: not even one take fits.
        Cancelled: through `cancel`.
    """
    count = len(asked.seeds)
    shape = networks.bundle.audio.request_shape(asked.seconds)
    steps = steps_of(asked.sampling)
    reporter = StageReporter(stage="denoise", total=steps * count, on_progress=on_progress, cancel=cancel)
    batch = _first_batch(count, shape, networks.policy)
    notes: tuple[str, ...] = ()
    done: list[Tensor] = []
    start = 0
    # Held through all batches, so that no memory plan moves it in between.
    with networks.components.denoiser:
        while start < count:
            chosen = range(start, min(start + batch, count))

            def on_step(steps_done: int, chosen: range = chosen) -> None:
                reporter.step(chosen.start * steps + steps_done)

            ran_out = False
            try:
                done.append(_denoise_batch(asked, networks, shape, chosen=chosen, on_step=on_step))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = True
            # Outside the handler: while the exception lives, its traceback keeps the tensors that filled the memory.
            if ran_out:
                release_memory(networks.policy.device)
                if len(chosen) == 1:
                    remedy = out_of_memory_remedy(networks.policy.device, seconds=asked.seconds)
                    raise OutOfMemoryError(
                        f"memory of {networks.policy.device} ran out on one take of {asked.seconds:g} s: {remedy}"
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
    asked: Denoising, networks: Networks, shape: RequestShape, *, chosen: range, on_step: Callable[[int], None]
) -> Tensor:
    """Latents of `chosen` takes; on a CPU those that divide evenly among its cores side by side, then the rest.

    `on_step` gets the steps done, summed over the takes.
    """
    threads = torch.get_num_threads() if networks.policy.device.type == "cpu" else 1
    steps = steps_of(asked.sampling)
    latents: list[Tensor] = []
    for streams in split_into_batches(chosen, threads=threads):
        before = (streams[0].start - chosen.start) * steps

        def round_step(done: int, before: int = before) -> None:
            on_step(before + done)

        latents += parallel_map(
            lambda takes, step_done: _denoise_stream(asked, networks, shape, chosen=takes, on_step=step_done),
            streams,
            on_step=round_step,
        )
    return torch.cat(latents)


def _denoise_stream(
    asked: Denoising, networks: Networks, shape: RequestShape, *, chosen: range, on_step: Callable[[int, int], None]
) -> Tensor:
    device = networks.policy.device
    noises = [TakeNoise(asked.seeds[index], shape) for index in chosen]

    def draw(_step: int = 0) -> Tensor:
        return torch.cat([noise.draw() for noise in noises]).to(device)

    rows = slice(chosen.start, chosen.stop)
    with networks.components.denoiser as denoiser, networks.policy.network_precision():
        latents = denoise(
            denoiser,
            scheduler_config=networks.components.scheduler_config,
            condition=asked.condition[rows],
            null=asked.null[rows],
            noise=draw(),
            sampling=asked.sampling,
            step_noise=draw,
            on_step=on_step,
        )
    # On the CPU, so that finished takes do not take memory from the batches still to come.
    return latents.float().cpu()
