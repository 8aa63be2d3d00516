"""One continuous sound over a shot: overlapping windows that share one latent, so that no seam can be heard.

After MultiDiffusion (Bar-Tal et al. 2023, arXiv 2302.08113): at each step every window is denoised under the condition
of its own frame, and where windows overlap their predictions are averaged before the step is taken. Both windows then
go on from the same latent, agree from the first steps on, and nothing is ever cut and glued: codec and vocoder get one
piece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.decoding import decode_all
from sounddesk.engine.generation.denoising import TakeNoise
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.postprocess import postprocess
from sounddesk.engine.models.diffusion import denoise
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import BedRequest
from sounddesk.engine.types import GeneratedBed
from sounddesk.engine.types import steps_of

# Windows per U-Net call, before guidance doubles them. Not more where there is more memory: results would differ.
_WINDOWS_AT_ONCE: Final = 4
# Of a window's weight at its very ends, so that the first and last moment of the bed have some.
_LEAST_WEIGHT: Final = 0.02


class WindowedDenoiser(nn.Module):
    """The denoiser of a long latent: windows of it under conditions of their own, averaged where they overlap.

    Called like `Denoiser`, but for one latent; the conditions of the call itself do not matter.

    Args:
        denoiser: of one window.
        starts: first frame of each window, rising; together they cover the latent.
        length: of each window, in latent frames.
        condition, null: float32[len(starts), C].
    """

    def __init__(
        self, denoiser: nn.Module, *, starts: Sequence[int], length: int, condition: Tensor, null: Tensor
    ) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.starts = tuple(starts)
        self.length = length
        self.condition = condition
        self.null = null
        self.window = window_weights(length).to(condition)

    def forward(self, latent: Tensor, timestep: Tensor, condition: Tensor, null: Tensor) -> Tensor:  # noqa: ARG002
        """Prediction for latent float[B, C, T, F]: B is 2 (unconditional, conditional) or 1 (conditional)."""
        guided = latent.shape[0] == 2
        total = torch.zeros_like(latent, dtype=torch.float32)
        weight = torch.zeros(latent.shape[2], device=latent.device)
        for first in range(0, len(self.starts), _WINDOWS_AT_ONCE):
            chosen = range(first, min(first + _WINDOWS_AT_ONCE, len(self.starts)))
            rows = slice(chosen.start, chosen.stop)
            # Rows of the batch: all windows unconditional, then all conditional.
            parts = [self._part(latent[index], number) for index in range(latent.shape[0]) for number in chosen]
            null_rows = self.null[rows]
            both = torch.cat([null_rows, self.condition[rows]]) if guided else self.condition[rows]
            nulls = torch.cat([null_rows, null_rows]) if guided else null_rows
            predicted = self.denoiser(torch.stack(parts), timestep, both, nulls).float()
            for row, part in enumerate(predicted):
                index, number = divmod(row, len(chosen))
                place = slice(self.starts[chosen[number]], self.starts[chosen[number]] + self.length)
                total[index, :, place] += part * self.window[:, None]
                if index == 0:
                    weight[place] += self.window
        return total / weight[:, None]

    def _part(self, latent: Tensor, number: int) -> Tensor:
        return latent[:, self.starts[number] : self.starts[number] + self.length]


def window_weights(length: int) -> Tensor:
    """Raised cosine float32[length]: two windows half a length apart add up to the same everywhere."""
    position = (torch.arange(length, dtype=torch.float32) + 0.5) / length
    return _LEAST_WEIGHT + (1.0 - _LEAST_WEIGHT) * torch.sin(math.pi * position) ** 2


def window_starts(total: int, *, length: int) -> tuple[int, ...]:
    """Starts of windows half a length apart that cover `total` frames; the last one ends with them."""
    if total <= length:
        return (0,)
    hop = length // 2
    count = math.ceil((total - length) / hop) + 1
    return tuple(min(number * hop, total - length) for number in range(count))


class BedPipeline:
    """One continuous sound over a shot."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.no_grad()
    def generate(
        self, request: BedRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> GeneratedBed:
        """The bed of `request`. Progress stage: 'denoise'.

        Raises:
            EngineError: non-finite samples, or memory that is not enough.
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        networks = self._networks
        spec, device = networks.bundle.audio, networks.policy.device
        # 1. Refuse before working.
        request.check()
        # 2. Windows half a length apart, each with the condition of the frame nearest to its middle.
        shape = spec.shape_of(request.seconds)
        length = min(_window_frames(request.window_s, spec), shape.latent_frames)
        starts = window_starts(shape.latent_frames, length=length)
        frames_per_s = spec.mel.frames_per_s / spec.latent.time_factor
        condition, null = conditions_at(request, [(start + length / 2) / frames_per_s for start in starts])
        # 3. Noise and the guided denoising loop over all windows at once -> latent float32[1, c, t, f].
        steps = steps_of(request.sampling)
        reporter = StageReporter(stage="denoise", total=steps, on_progress=on_progress, cancel=cancel)
        noise = TakeNoise(request.seed, shape)
        with (
            out_of_memory_reported(
                f"memory of {device} ran out on a bed of {request.seconds:g} s", device, seconds=request.seconds
            ),
            networks.components.denoiser as denoiser,
            networks.policy.network_precision(),
        ):
            windowed = WindowedDenoiser(
                denoiser, starts=starts, length=length, condition=condition.to(device), null=null.to(device)
            )
            latent = denoise(
                windowed,
                scheduler_config=networks.components.scheduler_config,
                condition=windowed.condition[:1],
                null=windowed.null[:1],
                noise=noise.draw().to(device),
                sampling=request.sampling,
                step_noise=lambda _step: noise.draw().to(device),
                on_step=lambda done, _total: reporter.step(done),
            ).float()
        # 4. Latent -> log-mel -> samples, in one piece.
        (samples,) = decode_all(
            latent,
            networks,
            seeds=[request.seed],
            seconds=request.seconds,
            conditions=condition.mean(dim=0, keepdim=True),
        )
        # 5. The exact length, nothing broken or silent unannounced.
        sound = postprocess(samples, audio=spec, seconds=request.seconds, name=request.name, seed=request.seed)
        ends = {start + length for start in starts} | set(starts)
        joins_s = sorted(frame / frames_per_s for frame in ends if 0 < frame < shape.latent_frames)
        return GeneratedBed(
            waveform=sound.waveform,
            sample_rate_hz=spec.sample_rate_hz,
            joins_s=tuple(join for join in joins_s if join < request.seconds),
            notes=sound.notes,
        )


def conditions_at(request: BedRequest, times_s: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Condition and null at each time, float32[len(times_s), C]: those of the frame that is nearest in time."""
    known = np.asarray(request.times_s, dtype=np.float64)
    nearest = [int(np.abs(known - time_s).argmin()) for time_s in times_s]
    condition = np.stack([request.conditions[index].condition for index in nearest])
    null = np.stack([request.conditions[index].null for index in nearest])
    return torch.from_numpy(condition), torch.from_numpy(null)


def _window_frames(window_s: float, spec: AudioSpec) -> int:
    """Latent frames of a window, such that it and half of it divide evenly in the U-Net."""
    step = 2 * spec.latent_multiple
    return max(step, round(window_s * spec.mel.frames_per_s / spec.latent.time_factor / step) * step)
