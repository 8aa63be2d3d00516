"""What the paper's bundles take in memory: worked out on the meta device, and checked against measurements on this CPU.

The table holds, per size, parameters, weights, the activations of the U-Net, and the peak of a render of 10.24 s under
each memory plan. Then the parts of one size are run for real, and whole renders under two plans, each in a process of
its own, whose resident size tells what they took.

python -m benchmarks.memory_table [--measure s] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import shapes_request
from benchmarks.full_size import LATENT
from benchmarks.full_size import SECONDS
from benchmarks.full_size import make_full_size
from benchmarks.full_size import peak_memory
from benchmarks.network_memory import NetworkMemory
from benchmarks.network_memory import network_memory
from sounddesk.engine.bundles.random_parts import PAPER_SHAPES
from sounddesk.engine.bundles.random_parts import PaperSize
from sounddesk.engine.bundles.random_parts import unet_config
from sounddesk.engine.bundles.random_parts import vae_config
from sounddesk.engine.bundles.random_parts import vocoder_config
from sounddesk.engine.device import peak_process_bytes
from sounddesk.engine.models.diffusion import Denoiser

GB = 1e9
Part = tuple[torch.nn.Module, Callable[[], Any]]


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--measure", choices=("s", "m", "l"), help="run this size for real too")
    arguments_of.add_argument("--folder", type=Path, help="keep the weights here (gigabytes) for the next run")
    arguments_of.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = arguments_of.parse_args(arguments)
    if options.child:
        print(json.dumps(child(*options.child)))
        return
    for size in ("s", "m", "l"):
        print(row(size))
    if options.measure is None:
        return
    print()
    for name in parts(options.measure, device="meta"):
        expected = of_part(options.measure, name)
        found = run_child("part", f"{options.measure} {name}")
        print(
            f"{name}: activations {expected.activation_bytes / GB:.3f} GB on the meta device, "
            f"{found['bytes'] / GB:.3f} GB measured"
        )
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bundle = make_full_size(folder, options.measure).bundle.folder
        for plan in ("keep", "sequential"):
            found = run_child("render", f"{bundle} {plan}")
            print(
                f"four objects of {SECONDS:g} s with plan {plan}: {found['bytes'] / GB:.2f} GB measured, of which "
                f"{found['before'] / GB:.2f} GB before the bundle was loaded"
            )


def parts(size: PaperSize, *, device: str, batch: int = 2) -> dict[str, Callable[[], Part]]:
    """Makers of each network of a bundle and of one forward pass; `batch` is that of the U-Net."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clap.configuration_clap import ClapTextConfig
    from transformers.models.clap.modeling_clap import ClapTextModelWithProjection
    from transformers.models.clip.configuration_clip import CLIPVisionConfig
    from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection
    from transformers.models.speecht5.configuration_speecht5 import SpeechT5HifiGanConfig
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

    shape = PAPER_SHAPES[size]

    def made(build: Callable[[], torch.nn.Module], run: Callable[[Any], Any]) -> Callable[[], Part]:
        def make() -> Part:
            with torch.device(device):
                module = build().eval()
            return module, lambda: run(module)

        return make

    def zeros(*sizes: int) -> torch.Tensor:
        return torch.zeros(sizes, device=device)

    return {
        "image encoder": made(
            lambda: CLIPVisionModelWithProjection(CLIPVisionConfig()), lambda m: m(zeros(1, 3, 224, 224))
        ),
        "text encoder": made(
            # Without embedding and mask: transformers looks into the words, which have no values on the meta device.
            lambda: ClapTextModelWithProjection(ClapTextConfig()),
            lambda m: m.text_model.encoder(zeros(2, 512, 768)),
        ),
        "U-Net": made(
            lambda: Denoiser(UNet2DConditionModel(**unet_config(shape)), condition_width=512),
            lambda m: m(zeros(batch, *LATENT[1:]), zeros(1)[0], zeros(batch, 512), zeros(batch, 512)),
        ),
        "codec": made(lambda: AutoencoderKL(**vae_config(shape)), lambda m: m.decode(zeros(*LATENT))),
        "vocoder": made(
            lambda: SpeechT5HifiGan(SpeechT5HifiGanConfig(**vocoder_config(shape))), lambda m: m(zeros(1, 1024, 64))
        ),
    }


def of_part(size: PaperSize, name: str, *, batch: int = 2) -> NetworkMemory:
    module, run = parts(size, device="meta", batch=batch)[name]()
    return network_memory([module], run)


def row(size: PaperSize) -> str:
    """One line of the table in the manual."""
    one = {name: of_part(size, name) for name in parts(size, device="meta")}
    four = {**one, "U-Net": of_part(size, "U-Net", batch=8)}
    weights = sum(memory.weight_bytes for memory in one.values())
    half = {name: 1.0 if name in ("codec", "vocoder") else 0.5 for name in one}
    cells = [
        f"paper-{size}",
        f"{sum(memory.parameters for memory in one.values()) / 1e6:.0f} M",
        f"{weights / GB:.2f}",
        f"{one['U-Net'].activation_bytes / GB:.2f}; {four['U-Net'].activation_bytes / GB:.2f}",
    ]
    for several in (one, four):
        kept = weights + max(memory.activation_bytes for memory in several.values())
        alone = max(memory.peak_bytes for memory in several.values())
        halved = max(memory.peak_bytes * half[name] for name, memory in several.items())
        cells.append(f"{kept / GB:.2f}; {alone / GB:.2f}; {halved / GB:.2f}")
    return "| " + " | ".join(cells) + " |"


def run_child(what: str, which: str) -> dict[str, int]:
    command = [sys.executable, "-m", "benchmarks.memory_table", "--child", what, which]
    result: dict[str, int] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return result


def child(what: str, which: str) -> dict[str, int]:
    """What one part, or one render, took: bytes of this process."""
    if what == "part":
        size, name = which.split(" ", 1)
        _, run = parts(size, device="cpu")[name]()  # type: ignore[arg-type]
        with torch.no_grad():
            import psutil

            before = psutil.Process().memory_info().rss
            with peak_memory() as largest:
                run()
        return {"bytes": largest[0] - before}
    from sounddesk.engine.session import EngineSession
    from sounddesk.engine.types import SamplingSettings

    folder, plan = which.rsplit(" ", 1)
    import sounddesk.engine.generation.pipelines  # noqa: F401  # what the libraries take is no part of the render

    before = peak_process_bytes()
    request = shapes_request(4, seconds=SECONDS, seeds=(1, 2, 3, 4), sampling=SamplingSettings(steps=1))
    with EngineSession.open(bundle=Path(folder), device="cpu", memory=plan) as session:  # type: ignore[arg-type]
        session.generate(request)
    after = peak_process_bytes()
    assert before is not None and after is not None
    return {"bytes": after, "before": before}


if __name__ == "__main__":
    main(sys.argv[1:])
