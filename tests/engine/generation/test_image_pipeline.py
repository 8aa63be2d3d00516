from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sounddesk
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.domain.preset import PresetName
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import OutOfMemoryError
from sounddesk.engine.device import choose_device
from sounddesk.engine.generation import denoising
from sounddesk.engine.generation.conditioning import NO_STATISTICS_NOTE
from sounddesk.engine.generation.conditioning import encode_patches
from sounddesk.engine.generation.denoising import TakeNoise
from sounddesk.engine.generation.image_pipeline import ImagePipeline
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from tests.tiny_bundle import AUDIO

STEPS = SamplingSettings(steps=3)
IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def networks(tiny_bundle: Path) -> Networks:
    bundle = Bundle.open(tiny_bundle)
    policy = choose_device("cpu")
    return Networks(
        bundle=bundle,
        policy=policy,
        components=load_components(bundle, policy),
        patches=PatchCache(),
    )


def box(index: int) -> np.ndarray:
    mask = np.zeros(IMAGE.shape[:2], dtype=bool)
    mask[10 * index : 10 * index + 20, 20 * index : 20 * index + 25] = True
    return mask


def four_takes() -> tuple[ObjectRequest, ...]:
    hints = (None, "siren", None, "bark")
    return tuple(
        ObjectRequest(name=f"object {index}", mask=box(index), seed=100 + index, prompt=hint)
        for index, hint in enumerate(hints)
    )


def request(*takes: ObjectRequest, seconds: float = 1.0, sampling: SamplingSettings = STEPS) -> GenerationRequest:
    return GenerationRequest(image=IMAGE, takes=takes or four_takes(), seconds=seconds, sampling=sampling)


def generate_takes(request: GenerationRequest, networks: Networks, **options: Any) -> list[GeneratedTake]:
    return ImagePipeline(networks).generate(request, **options)


def difference(a: GeneratedTake, b: GeneratedTake) -> float:
    return float(np.abs(a.waveform - b.waveform).max())


def test_same_request_gives_the_same_samples(networks: Networks) -> None:
    for a, b in zip(generate_takes(request(), networks), generate_takes(request(), networks), strict=True):
        assert np.array_equal(a.waveform, b.waveform)
        assert a.recipe == b.recipe


@pytest.mark.parametrize("sampling", [STEPS, SamplingSettings(preset="paper", steps=3, eta=1.0)], ids=["fast", "eta"])
def test_batch_and_one_by_one_agree(networks: Networks, sampling: SamplingSettings) -> None:
    together = generate_takes(request(sampling=sampling), networks)
    for take, in_batch in zip(four_takes(), together, strict=True):
        alone = generate_takes(request(take, sampling=sampling), networks)[0]
        assert difference(alone, in_batch) < 1e-3
        assert np.abs(alone.waveform).max() > 0.05


def test_seed_mask_hint_and_sampling_each_change_the_sound(networks: Networks) -> None:
    # Over several patches: inside a single one a hint has nothing to choose from.
    take = replace(four_takes()[1], prompt=None)
    plain = generate_takes(request(take), networks)[0]
    other_noise = generate_takes(request(replace(take, seed=5)), networks)[0]
    other_mask = generate_takes(request(replace(take, mask=box(2))), networks)[0]
    hinted = generate_takes(request(replace(take, prompt="dog")), networks)[0]
    guided = generate_takes(request(take, sampling=replace(STEPS, guidance=4.0)), networks)[0]
    for other in (other_noise, other_mask, hinted, guided):
        assert difference(plain, other) > 1e-6


def test_eta_draws_from_the_takes_own_seed(networks: Networks) -> None:
    sampling = SamplingSettings(preset="paper", steps=3, eta=1.0)
    take = four_takes()[0]
    first, again = (generate_takes(request(take, sampling=sampling), networks)[0] for _ in range(2))
    assert np.array_equal(first.waveform, again.waveform)
    assert difference(first, generate_takes(request(take, sampling=replace(sampling, eta=0.0)), networks)[0]) > 1e-6


@pytest.mark.parametrize("seconds", [1.0, 1.00007, 1.2345, 2.0])
def test_length_is_exact_to_the_sample(networks: Networks, seconds: float) -> None:
    take = generate_takes(request(four_takes()[0], seconds=seconds), networks)[0]
    assert take.waveform.shape == (round(seconds * take.sample_rate_hz),)
    assert take.waveform.dtype == np.float32
    assert take.patch_weights.shape == (9,)


@pytest.mark.slow
def test_a_minute_is_a_minute_and_its_last_second_sounds(networks: Networks) -> None:
    take = generate_takes(request(four_takes()[0], seconds=60.0, sampling=replace(STEPS, steps=1)), networks)[0]
    assert take.waveform.shape == (960_000,)
    assert np.abs(take.waveform[-16_000:]).max() > 0.1 * np.abs(take.waveform).max()


def test_recipe_holds_all_that_decides_the_samples_and_is_json(networks: Networks) -> None:
    take = replace(four_takes()[1], kind="blend")
    recipe = generate_takes(request(take, seconds=1.5), networks)[0].recipe
    assert json.loads(json.dumps(recipe)) == recipe
    expected = {
        "engine_version": sounddesk.__version__,
        "bundle": "tiny",
        "bundle_version": "1",
        "bundle_sha256": networks.bundle.sha256,
        "name": "object 1",
        "kind": "blend",
        "hint": "siren",
        "negative_hint": None,
        "seed": 101,
        "seconds": 1.5,
        "preset": "fast",
        "steps": 3,
        "guidance": 2.0,
        "eta": 0.0,
    }
    assert recipe.items() >= expected.items()
    assert len(recipe["mask_sha256"]) == len(recipe["image_sha256"]) == 64


@pytest.mark.parametrize(("preset", "steps"), [pytest.param("paper", 200, marks=pytest.mark.slow), ("fast", 20)])
def test_steps_in_the_recipe_are_those_of_the_preset_when_none_is_asked_for(
    networks: Networks, preset: PresetName, steps: int
) -> None:
    reports: list[Progress] = []
    sampling = SamplingSettings(preset=preset)
    (take,) = generate_takes(request(four_takes()[0], sampling=sampling), networks, on_progress=reports.append)
    assert take.recipe["steps"] == steps
    assert max(report.done for report in reports if report.stage == "denoise") == steps


def test_progress_covers_every_step_and_ends_complete(networks: Networks) -> None:
    reports: list[Progress] = []
    generate_takes(request(), networks, on_progress=reports.append)
    stages = list(dict.fromkeys(report.stage for report in reports))
    assert stages == ["encode image", "denoise", "decode"]
    denoising = [report.done for report in reports if report.stage == "denoise"]
    assert denoising == [0, 4, 8, 12]
    for stage in stages:
        last = [report for report in reports if report.stage == stage][-1]
        assert last.done == last.total


def test_cancel_ends_within_one_step(networks: Networks) -> None:
    cancel = CancelToken()
    seen = []

    def on_progress(progress: Progress) -> None:
        seen.append((progress.stage, progress.done))
        if (progress.stage, progress.done) == ("denoise", 4):
            cancel.cancel()

    with pytest.raises(Cancelled):
        generate_takes(request(), networks, on_progress=on_progress, cancel=cancel)
    assert seen[-1] == ("denoise", 4)


@contextmanager
def memory_for(
    networks: Networks, items: int, error: type[Exception] = torch.cuda.OutOfMemoryError
) -> Iterator[list[int]]:
    """The real denoiser with room for `items` latents per call; yields the sizes of the calls that fitted."""
    denoiser = networks.components.denoiser.network
    fitted: list[int] = []

    def check(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[0] > items:
            raise error("CUDA out of memory. Tried to allocate 9 GiB")
        fitted.append(inputs[0].shape[0])

    hook = denoiser.register_forward_pre_hook(check)
    try:
        yield fitted
    finally:
        hook.remove()


@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, MemoryError, RuntimeError])
def test_out_of_memory_is_retried_in_halves_with_the_same_result(networks: Networks, error) -> None:
    whole = generate_takes(request(), networks)
    with memory_for(networks, 4, error) as fitted:
        halves = generate_takes(request(), networks)
    # Guidance doubles two takes to four items; three steps for each of two batches.
    assert fitted == [4] * 6
    for a, b in zip(whole, halves, strict=True):
        assert difference(a, b) < 1e-3
        assert b.notes == ("memory ran out: generated 2 at a time",)
    with memory_for(networks, 2, error) as fitted:
        assert len(generate_takes(request(), networks)) == 4
    assert fitted == [2] * 12


def test_out_of_memory_late_keeps_what_is_done(networks: Networks) -> None:
    calls = 0

    def fail_once(_module: torch.nn.Module, _inputs: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    whole = generate_takes(request(), networks)
    hook = networks.components.denoiser.network.register_forward_pre_hook(fail_once)
    try:
        again = generate_takes(request(), networks)
    finally:
        hook.remove()
    assert all(difference(a, b) < 1e-3 for a, b in zip(whole, again, strict=True))


def test_out_of_memory_on_one_take_is_reported_with_the_remedy(networks: Networks) -> None:
    with memory_for(networks, 1), pytest.raises(OutOfMemoryError, match="memory of cpu ran out .*close other programs"):
        generate_takes(request(), networks)


@pytest.mark.parametrize(("part", "message"), [("codec", "while 1 s were decoded"), ("image_encoder", "on the image")])
def test_out_of_memory_before_and_after_denoising_is_reported_too(networks: Networks, part: str, message: str) -> None:
    network = getattr(networks.components, part).network
    networks.patches.clear()

    def fail(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    # A codec is called by `decode`, which runs its decoder.
    hook = (network.vae.decoder if part == "codec" else network).register_forward_pre_hook(fail)
    try:
        with pytest.raises(OutOfMemoryError, match=f"memory of cpu ran out {message}: close other programs"):
            generate_takes(request(four_takes()[0]), networks)
    finally:
        hook.remove()


def test_other_errors_of_the_denoiser_are_not_swallowed(networks: Networks) -> None:
    with memory_for(networks, 1, ZeroDivisionError), pytest.raises(ZeroDivisionError):
        generate_takes(request(), networks)


@contextmanager
def vocoder_gain(networks: Networks, gain: float) -> Iterator[None]:
    """The real vocoder with its output scaled."""
    hook = networks.components.vocoder.network.register_forward_hook(lambda _module, _inputs, output: output * gain)
    try:
        yield
    finally:
        hook.remove()


def test_samples_that_are_not_numbers_are_never_returned(networks: Networks) -> None:
    with vocoder_gain(networks, math.nan), pytest.raises(EngineError, match="'object 0' .seed 100. .*not numbers"):
        generate_takes(request(four_takes()[0]), networks)


@pytest.mark.parametrize(
    ("gain", "note"),
    [
        (0.0, "take is silent (digital silence)"),
        (1e-6, "take is silent (peak -"),
        (1e3, "lowered by "),
        (1.0, None),
    ],
)
def test_silence_and_overload_are_announced(networks: Networks, gain: float, note: str | None) -> None:
    with vocoder_gain(networks, gain):
        made = generate_takes(request(four_takes()[0]), networks)[0]
    notes = made.notes
    if gain > 1:
        assert np.abs(made.waveform).max() == pytest.approx(0.5, abs=1e-6)
    assert notes == () if note is None else notes[0].startswith(note)


def test_short_waveform_is_refused(networks: Networks) -> None:
    hook = networks.components.vocoder.network.register_forward_hook(lambda _module, _inputs, output: output[:, :100])
    try:
        with pytest.raises(EngineError, match="100 samples instead of 16000"):
            generate_takes(request(four_takes()[0]), networks)
    finally:
        hook.remove()


def test_image_is_encoded_once(networks: Networks) -> None:
    networks.patches.clear()
    calls = []
    hook = networks.components.image_encoder.network.register_forward_hook(lambda *_: calls.append(1))
    try:
        first = encode_patches(IMAGE, networks)
        assert encode_patches(IMAGE.copy(), networks) is first
        encode_patches(255 - IMAGE, networks)
    finally:
        hook.remove()
    assert len(calls) == 2
    assert first.shape == (9, networks.components.image_encoder.network.width)


def test_long_takes_go_through_the_cpu_in_smaller_batches(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = AUDIO.request_shape(1.0)
    monkeypatch.setattr(denoising, "CPU_BATCH_FRAMES", 2 * shape.latent_frames)
    with memory_for(networks, 4) as fitted:
        takes = generate_takes(request(), networks)
    assert fitted == [4] * 6
    # Nothing ran out, so there is nothing to tell.
    assert all(take.notes == () for take in takes)


def test_half_precision_networks_keep_float32_results(networks: Networks) -> None:
    policy = DevicePolicy(device=torch.device("cpu"), network_dtype=torch.bfloat16, reason="test")
    half = replace(networks, policy=policy, components=load_components(networks.bundle, policy), patches=PatchCache())
    take = four_takes()[0]
    full, rough = generate_takes(request(take), networks)[0], generate_takes(request(take), half)[0]
    assert rough.waveform.dtype == np.float32
    assert rough.recipe["network_dtype"] == "bfloat16"
    assert 0 < difference(full, rough) < 0.5 * np.abs(full.waveform).max()


def test_noise_follows_from_the_seed_alone() -> None:
    shape = AUDIO.request_shape(1.0)
    noise = TakeNoise(2**63 - 1, shape)
    first, second = noise.draw(), noise.draw()
    assert first.shape == (1, *shape.latent)
    assert first.dtype == torch.float32
    assert torch.equal(first, TakeNoise(2**63 - 1, shape).draw())
    assert not torch.equal(first, second)
    assert not torch.equal(first, TakeNoise(0, shape).draw())
    assert abs(float(first.mean())) < 0.2
    assert 0.8 < float(first.std()) < 1.2


def test_bundle_without_attention_statistics_is_announced(networks: Networks) -> None:
    conditioner = networks.components.conditioner
    count = conditioner.variance_count.clone()
    conditioner.variance_count.zero_()
    try:
        takes = generate_takes(request(), networks)
    finally:
        conditioner.variance_count.copy_(count)
    assert all(take.notes == (NO_STATISTICS_NOTE,) for take in takes)


def test_unusable_request_is_refused_before_any_network_runs(networks: Networks) -> None:
    reports: list[Progress] = []
    empty = replace(four_takes()[0], mask=np.zeros(IMAGE.shape[:2], dtype=bool))
    with pytest.raises(EngineError, match="mask of 'object 0' is empty"):
        generate_takes(request(empty), networks, on_progress=reports.append)
    with pytest.raises(ValueError, match="length is 61 s"):
        generate_takes(request(seconds=61.0), networks, on_progress=reports.append)
    assert reports == []
