"""Takes that begin from a sound: variations at a strength, and stretches made anew in it, behind it, over its seam."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import torch
from torch import Tensor

from sounddesk.audio.recordings.repairing import CROSSFADE_S
from sounddesk.audio.recordings.repairing import put_in
from sounddesk.audio.resample import resample
from sounddesk.engine.device import out_of_memory_reported
from sounddesk.engine.generation.conditioning import condition_object
from sounddesk.engine.generation.decoding import decode_all
from sounddesk.engine.generation.denoising import TakeNoise
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.postprocess import postprocess
from sounddesk.engine.generation.postprocess import recipe_facts
from sounddesk.engine.generation.sound_edits import PreparedSound
from sounddesk.engine.generation.sound_edits import Variation
from sounddesk.engine.generation.sound_edits import edit_facts
from sounddesk.engine.generation.sound_edits import prepared
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.models.diffusion import DenoisingStart
from sounddesk.engine.models.diffusion import denoise
from sounddesk.engine.models.mel import LogMel
from sounddesk.engine.models.mel import scale_to_peak
from sounddesk.engine.specs import AudioSpec
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import Waveform
from sounddesk.engine.types import steps_of

_SILENT: Final = 1e-6


class VariationPipeline:
    """Takes that begin from a sound."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.no_grad()
    def generate(
        self, request: VariationRequest, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> list[GeneratedTake]:
        """A take for each seed of `request`.

        A variation has the rate of the bundle and the peak of its source; a sound with a stretch made anew has its
        own rate and, outside of the stretch, its own samples. Progress stages: 'denoise', 'decode'.

        Raises:
            EngineError: a mask that cannot be used, non-finite samples, or memory that is not enough.
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        networks = self._networks
        spec = networks.bundle.audio
        # 1. Refuse before working.
        request.check()
        # 2. The object's condition, one row for each seed.
        conditions = condition_object(request.image, request.take, networks)
        count = len(request.seeds)
        # 3. The sound, and the stretch of it that is made anew -> its own latent float32[1, c, t, f].
        sound = prepared(request.waveform, request.edit, sample_rate_hz=request.sample_rate_hz)
        peak = float(np.abs(sound.waveform - sound.waveform.mean()).max())
        latent = encode_sound(sound.waveform, networks, sample_rate_hz=request.sample_rate_hz)
        device = networks.policy.device
        made = None
        if sound.stretch is not None:
            range_s = tuple(edge / request.sample_rate_hz for edge in sound.stretch)
            made = _made_frames((range_s[0], range_s[1]), spec, latent.shape[2]).to(device)
        strength = request.edit.strength if isinstance(request.edit, Variation) else 1.0
        # 4. Noise and the guided denoising loop, from that latent on -> latents float32[N, c, t, f].
        steps = round(strength * steps_of(request.sampling))
        reporter = StageReporter(stage="denoise", total=steps, on_progress=on_progress, cancel=cancel)
        shape = spec.shape_of(request.engine_seconds)
        noises = [TakeNoise(seed, shape) for seed in request.seeds]

        def draw(_step: int = 0) -> Tensor:
            return torch.cat([noise.draw() for noise in noises]).to(device)

        with (
            out_of_memory_reported(f"memory of {device} ran out on {count} takes", device, seconds=request.seconds),
            networks.components.denoiser as denoiser,
            networks.policy.network_precision(),
        ):
            latents = denoise(
                denoiser,
                scheduler_config=networks.components.scheduler_config,
                condition=conditions.condition.expand(count, -1),
                null=conditions.null.expand(count, -1),
                noise=draw(),
                sampling=request.sampling,
                step_noise=draw,
                on_step=lambda done, _total: reporter.step(done),
                start=DenoisingStart(latent=latent.to(device).expand(count, -1, -1, -1), strength=strength, made=made),
            )
        # 5. Latents -> log-mel -> samples.
        reporter = StageReporter(stage="decode", total=count, on_progress=on_progress, cancel=cancel)
        decoded = decode_all(
            latents.float().cpu(), networks, seeds=request.seeds, seconds=request.engine_seconds, reporter=reporter
        )
        # 6. At the level, and where only a stretch was wanted, in the place of the sound that it began from.
        takes = []
        for seed, samples in zip(request.seeds, decoded, strict=True):
            finished = postprocess(
                samples, audio=spec, seconds=request.engine_seconds, name=request.take.name, seed=seed
            )
            scale = np.float32(peak / spec.mel.peak) if peak > _SILENT else np.float32(1.0)
            waveform, rate = self._finished(request, sound, (finished.waveform * scale).astype(np.float32))
            facts = recipe_facts(
                networks.bundle, networks.policy, seed=seed, seconds=request.seconds, sampling=request.sampling
            )
            recipe = {
                **facts,
                "sample_rate_hz": rate,
                "name": request.take.name,
                "kind": request.take.kind,
                "mask_sha256": request.take.mask_sha256,
                "hint": request.take.prompt,
                "negative_hint": request.take.negative_prompt,
                "source_sha256": hashlib.sha256(np.ascontiguousarray(request.waveform).tobytes()).hexdigest(),
                **edit_facts(request.edit),
                **request.origin,
            }
            takes.append(
                GeneratedTake(
                    name=request.take.name,
                    kind=request.take.kind,
                    waveform=waveform,
                    sample_rate_hz=rate,
                    recipe=recipe,
                    notes=finished.notes,
                    patch_weights=np.zeros(0, dtype=np.float32),
                )
            )
        return takes

    def _finished(self, request: VariationRequest, sound: PreparedSound, made: Waveform) -> tuple[Waveform, int]:
        """The whole take and its rate."""
        rate = self._networks.bundle.audio.sample_rate_hz
        n_samples = round(request.seconds * rate)
        if sound.stretch is None:
            return made[:n_samples], rate
        own = request.sample_rate_hz
        copy = resample(made[:n_samples], from_hz=rate, to_hz=own, n_samples=len(sound.waveform))
        start, stop = sound.stretch
        return sound.turned_back(put_in(sound.waveform, copy, start=start, stop=stop, sample_rate_hz=own)), own


@torch.no_grad()
def encode_sound(waveform: Waveform, networks: Networks, *, sample_rate_hz: int) -> Tensor:
    """The scaled latent float32[1, c, t, f] of a mono sound float32[n] at any rate and level, on the CPU.

    It has as many frames as a take of that length, of at least a second; behind the sound is silence.
    """
    spec = networks.bundle.audio
    rate = spec.mel.sample_rate_hz
    sound = resample(waveform, from_hz=sample_rate_hz, to_hz=rate)
    shape = spec.shape_of(max(1.0, len(waveform) / sample_rate_hz))
    padded = torch.zeros(1, shape.mel_frames * spec.mel.hop_length)
    padded[0, : len(sound)] = scale_to_peak(torch.from_numpy(sound)[None], spec.mel)[0][: padded.shape[1]]
    log_mel = LogMel(spec.mel)(padded).to(networks.policy.device)
    with networks.components.codec as codec:
        return codec.encode(log_mel, sample=False).float().cpu()


def _made_frames(range_s: tuple[float, float], spec: AudioSpec, frames: int) -> Tensor:
    """Latent frames that are made anew, bool[t]: those of the range, and of the crossfades beside it."""
    frames_per_s = spec.mel.frames_per_s / spec.latent.time_factor
    first = int(max(0.0, range_s[0] - CROSSFADE_S) * frames_per_s)
    last = int(np.ceil((range_s[1] + CROSSFADE_S) * frames_per_s))
    made = torch.zeros(frames, dtype=torch.bool)
    made[first : max(first + 1, last)] = True
    return made
