"""Memory plans: the same samples with less in memory."""

from __future__ import annotations

import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.bundles.memory_plan import MemoryPlan
from sounddesk.engine.bundles.memory_plan import choose_plan
from sounddesk.engine.bundles.memory_plan import float32_bytes
from sounddesk.engine.bundles.memory_plan import plan_from_environment
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import choose_device
from sounddesk.engine.generation.image_pipeline import ImagePipeline
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.models.packed_layers import PackedConv2d
from sounddesk.engine.models.packed_layers import PackedLinear
from sounddesk.engine.models.packed_layers import PackedPointwiseConv2d
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import BundleError
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
MASK = np.zeros((48, 48), dtype=bool)
MASK[:20, :20] = True
HALF = DevicePolicy(device=torch.device("cpu"), network_dtype=torch.bfloat16, reason="test")


def request(seed: int = 1) -> GenerationRequest:
    takes = tuple(
        ObjectRequest(name=f"dog {index}", mask=MASK, seed=seed + index, prompt="siren") for index in range(3)
    )
    return GenerationRequest(image=IMAGE, takes=takes, seconds=1.0, sampling=SamplingSettings(steps=2))


@pytest.mark.parametrize("plan", ["offload", "sequential"])
@pytest.mark.slow
def test_every_plan_gives_the_same_samples(tiny_bundle: Path, plan: MemoryPlan) -> None:
    with EngineSession.open(bundle=tiny_bundle, device="cpu", memory="keep") as session:
        expected = session.generate(request())
    with EngineSession.open(bundle=tiny_bundle, device="cpu", memory=plan) as session:
        for _ in range(2):
            found = session.generate(request())
            assert all(np.array_equal(a.waveform, b.waveform) for a, b in zip(expected, found, strict=True))
        assert np.array_equal(session.attention_map(IMAGE, "dog"), session.attention_map(IMAGE, "dog"))
        assert session.is_loaded
        present = [part.network is not None for part in parts(session)]
        assert present == [plan == "offload"] * 5


def parts(session: EngineSession) -> list[object]:
    made = session._opened.networks.components
    assert made is not None
    return [made.image_encoder, made.denoiser, made.codec, made.vocoder, made.text_encoder]


def test_one_network_at_a_time_is_in_memory(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.open(tiny_bundle)
    components = load_components(bundle, choose_device("cpu"), plan="sequential")
    with components.denoiser as denoiser, components.denoiser as again:
        assert again is denoiser
        gone = weakref.ref(denoiser.unet)
        del denoiser, again
        assert components.codec.network is None and components.vocoder.network is None
    assert components.denoiser.network is None
    assert gone() is None


def test_files_are_checked_again_before_each_turn(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))
    with EngineSession.open(bundle=folder, device="cpu", memory="sequential") as session:
        session.generate(request())
        path = folder / "vocoder" / "model.safetensors"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(BundleError, match=r"vocoder/model\.safetensors is not the file"):
            session.generate(request())


def test_half_precision_weights_where_memory_is_short(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    made = {}
    for plan in ("keep", "offload"):
        components = load_components(bundle, HALF, plan=plan)
        networks = Networks(bundle=bundle, policy=HALF, components=components, patches=PatchCache())
        made[plan] = ImagePipeline(networks).generate(request())
        wanted = torch.bfloat16 if plan == "offload" else torch.float32
        for part in (components.denoiser, components.image_encoder, components.text_encoder):
            assert {tensor.dtype for tensor in part.network.parameters()} == {wanted}
        for part in (components.codec, components.vocoder):
            assert {tensor.dtype for tensor in part.network.parameters()} == {torch.float32}
    for kept, moved in zip(made["keep"], made["offload"], strict=True):
        assert moved.waveform.dtype == np.float32
        assert np.abs(kept.waveform - moved.waveform).max() < 0.5 * np.abs(kept.waveform).max()


def test_the_quickest_plan_that_fits_is_chosen(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    weights = float32_bytes(bundle)
    assert choose_plan(bundle, choose_device("cpu"), free_bytes=2 * weights) == "keep"
    assert choose_plan(bundle, choose_device("cpu"), free_bytes=2 * weights - 1) == "sequential"
    card = DevicePolicy(device=torch.device("cuda"), network_dtype=torch.float16, reason="test")
    assert choose_plan(bundle, card, free_bytes=weights) == "offload"


def packed_numbers(network: nn.Module) -> int:
    kinds = (PackedLinear, PackedPointwiseConv2d, PackedConv2d)
    return sum(module._weight.numel() for module in network.modules() if isinstance(module, kinds))


def test_weights_are_counted_as_they_lie_in_memory(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    with EngineSession.open(bundle=bundle, device="cpu") as session:
        session.attention_map(IMAGE, "dog")
        assert session.is_loaded
        networks = [part.network for part in parts(session)] + [session._opened.networks.components.conditioner]
        held = sum(t.numel() * 4 for network in networks for t in network.parameters())
        held += sum(packed_numbers(network) * 4 for network in networks)
    # Files also hold names, shapes and scales.
    assert held < float32_bytes(bundle) < 1.8 * held


def test_the_environment_names_a_plan(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan_from_environment({}) is plan_from_environment({"SOUNDDESK_MEMORY": "auto"}) is None
    assert plan_from_environment({"SOUNDDESK_MEMORY": " sequential "}) == "sequential"
    monkeypatch.setenv("SOUNDDESK_MEMORY", "little")
    with pytest.raises(EngineError, match="SOUNDDESK_MEMORY is 'little': choose auto, keep, offload, sequential"):
        EngineSession.open(bundle=tiny_bundle, device="cpu")
