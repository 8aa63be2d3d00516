"""Checks of single networks on a device, and of training there: parts of `benchmarks.device_check`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from functools import partial
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import soundfile
import torch
from PIL import Image
from torch import Tensor

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import Components
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import choose_device
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.runner import run_recipe

# Largest difference from the CPU in float32, as a share of the largest value there.
TOLERANCES: Final = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.05}
# Two runs of a graphics card add in another order.
_SAME_WEIGHTS: Final = 1e-3
_TRAINING_STEPS: Final = 4
_CALLS: Final = 5

Row = dict[str, Any]
Check = tuple[str, Callable[[], Row]]


class NetworkChecks:
    """Each network of a bundle on one device, on fixed inputs, beside the CPU in float32."""

    def __init__(self, bundle: Bundle, policy: DevicePolicy, *, seconds: float) -> None:
        self._bundle = bundle
        self._policy = policy
        self._components: dict[torch.dtype, Components] = {}
        latent = bundle.audio.request_shape(seconds).latent
        generator = torch.Generator().manual_seed(0)
        self._latent = torch.randn(1, *latent, generator=generator)
        width = int(bundle.manifest.grounding["out_width"])
        self._condition = torch.nn.functional.normalize(torch.randn(1, width, generator=generator), dim=-1)
        self._image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)

    @cached_property
    def _mel(self) -> Tensor:
        return self._decoded(self._on_the_cpu)

    @cached_property
    def _expected(self) -> dict[str, Tensor]:
        """The answers of the CPU; made at the first use, so that a check fails and not all of them."""
        return {name: call(self._on_the_cpu) for name, call in self._calls().items()}

    @cached_property
    def _on_the_cpu(self) -> Components:
        return load_components(self._bundle, choose_device("cpu"))

    def checks(self) -> list[Check]:
        """Name and check, in the order in which they are made."""
        # Encoders and U-Net compute in half precision; codec and vocoder never do.
        half = [
            (f"{name} in {dtype}".replace("torch.", ""), partial(self.network, name, dtype))
            for name in ("image encoder", "text encoder", "U-Net")
            for dtype in TOLERANCES
        ]
        whole: list[Check] = [
            (f"{name} in float32", partial(self.network, name, torch.float32)) for name in ("codec", "vocoder")
        ]
        return [*half, *whole, ("U-Net as CUDA graph", self.graph), ("U-Net compiled", self.compiled)]

    def network(self, name: str, dtype: torch.dtype) -> Row:
        """One network in one precision against the CPU in float32."""
        components = self._loaded(dtype)
        with torch.no_grad(), replace(self._policy, network_dtype=dtype).network_precision():
            found = self._calls()[name](components)
        return _compared(found, self._expected[name], tolerance=TOLERANCES[dtype])

    @torch.no_grad()
    def compiled(self) -> Row:
        """`torch.compile` gives the same, and what it saves; a CPU's is only traced, which needs no compiler."""
        on_card = self._policy.device.type == "cuda"
        with self._loaded(torch.float32).denoiser as denoiser:
            arguments = self._arguments()
            plain_s = _seconds(lambda: denoiser(*arguments), self._policy.device)
            torch._dynamo.reset()
            made = torch.compile(denoiser, backend="inductor" if on_card else "eager")
            found = made(*arguments).float().cpu()
            compiled_s = _seconds(lambda: made(*arguments), self._policy.device)
        row = _compared(found, self._expected["U-Net"], tolerance=TOLERANCES[torch.float32])
        return {**row, "plain_s": plain_s, "compiled_s": compiled_s}

    @torch.no_grad()
    def graph(self) -> Row:
        """One step replayed as a CUDA graph gives the same, and what it saves."""
        if self._policy.device.type != "cuda":
            return {"state": "skipped", "why": "only a graphics card of NVIDIA has them"}
        with self._loaded(torch.float32).denoiser as denoiser:
            arguments = self._arguments()
            plain_s = _seconds(lambda: denoiser(*arguments), self._policy.device)
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(3):
                    denoiser(*arguments)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                held = denoiser(*arguments)
            graph.replay()
            found = held.float().cpu()
            graph_s = _seconds(graph.replay, self._policy.device)
        row = _compared(found, self._expected["U-Net"], tolerance=TOLERANCES[torch.float32])
        return {**row, "plain_s": plain_s, "graph_s": graph_s}

    def _loaded(self, dtype: torch.dtype) -> Components:
        """The networks as a session of that precision has them."""
        if dtype not in self._components:
            self._components[dtype] = load_components(self._bundle, replace(self._policy, network_dtype=dtype))
        return self._components[dtype]

    def _calls(self) -> dict[str, Callable[[Components], Tensor]]:
        """What each network is asked, and its answer in float32 on the CPU."""

        def encoded(components: Components) -> Tensor:
            with components.image_encoder as encoder:
                return encoder.encode([self._image]).float().cpu()

        def read(components: Components) -> Tensor:
            with components.text_encoder as encoder:
                return torch.as_tensor(encoder.encode(["a dog barks"])).float().cpu()

        def denoised(components: Components) -> Tensor:
            with components.denoiser as denoiser:
                return denoiser(*self._arguments(next(denoiser.parameters()).device)).float().cpu()

        def sounded(components: Components) -> Tensor:
            with components.vocoder as vocoder:
                device = next(vocoder.parameters()).device
                return vocoder.synthesise(self._mel.to(device)).float().cpu()

        calls = {"image encoder": encoded, "text encoder": read, "U-Net": denoised, "vocoder": sounded}
        return {name: torch.no_grad()(call) for name, call in {**calls, "codec": self._decoded}.items()}

    @torch.no_grad()
    def _decoded(self, components: Components) -> Tensor:
        with components.codec as codec:
            return codec.decode(self._latent.to(next(codec.parameters()).device)).float().cpu()

    def _arguments(self, device: torch.device | None = None) -> tuple[Tensor, Tensor, Tensor]:
        there = self._policy.device if device is None else device
        return self._latent.to(there), torch.tensor(500, device=there), self._condition.to(there)


def training_check(bundle: Bundle, policy: DevicePolicy, scratch: Path, *, seconds: float) -> Row:
    """Fine-tuning on the device: seconds a step, and a run that was stopped ends as one that was not."""
    rate_hz = bundle.audio.mel.sample_rate_hz
    for number, name in enumerate(("dog", "sea")):
        stem = scratch / "clips" / name
        stem.parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 48), (200 * number, 60, 200 - 200 * number)).save(f"{stem}.png")
        time_s = np.arange(round(seconds * rate_hz)) / rate_hz
        soundfile.write(f"{stem}.wav", 0.3 * np.sin(2 * np.pi * 220 * (number + 1) * time_s), rate_hz)
        Path(f"{stem}.txt").write_text(name, encoding="utf-8")
    recipe = scratch / "recipe.yaml"
    half = _TRAINING_STEPS // 2
    optimiser = {"steps": _TRAINING_STEPS, "batch_size": 2, "learning_rate": 1e-4, "checkpoint_steps": half}
    model = {"bundle": str(bundle.folder), "seconds": seconds, "frames_per_clip": 1}
    whole = {"task": "fine_tune", "data": str(scratch / "clips"), "live": {"page": False}, "model": model}
    # JSON is YAML.
    recipe.write_text(json.dumps({**whole, "run_dir": "", "optimiser": {**optimiser, "device": policy.device.type}}))
    whole_run, stopped_run = (f"run_dir={scratch / name}" for name in ("whole", "stopped"))
    elapsed: list[float] = []
    straight = run_recipe(recipe, overrides=[whole_run], on_progress=lambda told: elapsed.append(told.elapsed_s))
    cancel = CancelToken()

    def stop(told: Progress) -> None:
        if told.stage == "train" and told.done >= half:
            cancel.cancel()

    try:
        run_recipe(recipe, overrides=[stopped_run], on_progress=stop, cancel=cancel)
    except Cancelled:
        resumed = run_recipe(recipe, overrides=[stopped_run])
    else:
        return {"state": "failed", "error": "the run could not be stopped"}
    difference = max(
        float((one.float() - other.float()).abs().max()) if one.numel() else 0.0
        for one, other in zip(_weights(straight), _weights(resumed), strict=True)
    )
    ok = difference <= (0.0 if policy.device.type == "cpu" else _SAME_WEIGHTS)
    return {"state": "passed" if ok else "failed", "difference": difference, "step_s": elapsed[-1] / _TRAINING_STEPS}


def _weights(export: Path) -> list[Tensor]:
    from safetensors.torch import load_file

    return [tensor for path in sorted(export.rglob("*.safetensors")) for _, tensor in sorted(load_file(path).items())]


def _compared(found: Tensor, expected: Tensor, *, tolerance: float) -> Row:
    difference = float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-9))
    ok = bool(torch.isfinite(found).all()) and difference <= tolerance
    return {"state": "passed" if ok else "failed", "difference": difference, "tolerance": tolerance}


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    """Of one call, the first one left out."""
    call()
    _wait(device)
    begin = time.perf_counter()
    for _ in range(_CALLS):
        call()
    _wait(device)
    return (time.perf_counter() - begin) / _CALLS


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
