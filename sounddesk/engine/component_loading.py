"""From a checked bundle to live networks: each component by its class, in float32, on the chosen device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final
from typing import TypeVar

from safetensors import SafetensorError
from torch import nn

from sounddesk.engine.bundle import Bundle
from sounddesk.engine.bundle_manifest import BundleError
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.device import keep_freed_memory
from sounddesk.engine.diffusion import Denoiser
from sounddesk.engine.encoders.image import ClipPatchEncoder
from sounddesk.engine.encoders.image import TimmPatchEncoder
from sounddesk.engine.encoders.image import load_image_encoder
from sounddesk.engine.encoders.text import ClapTextEncoder
from sounddesk.engine.encoders.text import SentenceEncoder
from sounddesk.engine.encoders.text import load_text_encoder
from sounddesk.engine.grounding import GroundingConfig
from sounddesk.engine.grounding import ObjectConditioner
from sounddesk.engine.latent_codec import LatentCodec
from sounddesk.engine.quantised_weights import load_weights
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.vocoder import HifiGanVocoder
from sounddesk.engine.vocoder import IstftVocoder
from sounddesk.engine.vocoder import load_vocoder

WEIGHTS_FILE: Final = "model.safetensors"
SCHEDULER_FILE: Final = "scheduler_config.json"

_Module = TypeVar("_Module", bound=nn.Module)


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """The networks that every generation needs; the text encoder is loaded apart, when words are given."""

    image_encoder: TimmPatchEncoder | ClipPatchEncoder
    conditioner: ObjectConditioner
    denoiser: Denoiser
    scheduler_config: dict[str, Any]
    codec: LatentCodec
    vocoder: IstftVocoder | HifiGanVocoder


def load_components(
    bundle: Bundle,
    policy: DevicePolicy,
    *,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Components:
    """Load everything but the text encoder; the bundle must have been verified.

    Raises:
        BundleError: a component is missing, of an unknown class, or its weights do not fit its configuration.
        Cancelled: through `cancel`, between two components.
    """
    reporter = StageReporter(stage="load", total=5, on_progress=on_progress, cancel=cancel)
    quieten_libraries()
    if policy.device.type == "cpu":
        keep_freed_memory()
    conditioner = _load_conditioner(bundle, policy)
    reporter.step(1)
    with _loading(bundle, "image_encoder") as folder:
        class_name = _class_of(bundle, "image_encoder")
        image_encoder = _placed(load_image_encoder(class_name, folder), policy)
        _check_fit(conditioner.config, grid=image_encoder.grid, width=image_encoder.width)
    reporter.step(2)
    denoiser = _load_denoiser(bundle, conditioner.config, policy)
    with _loading(bundle, "scheduler") as folder:
        scheduler_config = json.loads((folder / SCHEDULER_FILE).read_text(encoding="utf-8"))
    reporter.step(3)
    with _loading(bundle, "vae") as folder:
        codec = _placed(LatentCodec.load(folder, bundle.audio), policy)
    reporter.step(4)
    with _loading(bundle, "vocoder") as folder:
        vocoder = _placed(load_vocoder(_class_of(bundle, "vocoder"), folder, bundle.audio.mel), policy)
    reporter.step(5)
    return Components(
        image_encoder=image_encoder,
        conditioner=conditioner,
        denoiser=denoiser,
        scheduler_config=scheduler_config,
        codec=codec,
        vocoder=vocoder,
    )


def load_text_encoder_component(bundle: Bundle, policy: DevicePolicy) -> SentenceEncoder | ClapTextEncoder:
    """Load the text encoder, which hints and attention maps need. Raises: BundleError."""
    quieten_libraries()
    with _loading(bundle, "text_encoder") as folder:
        entry = bundle.manifest.component("text_encoder")
        if entry.class_name == "SentenceEncoder":
            encoder: SentenceEncoder | ClapTextEncoder
            encoder = SentenceEncoder.load(folder, load_weights(folder / WEIGHTS_FILE))
        elif entry.weight_storage == "int8-rowwise":
            raise ValueError(f"class {entry.class_name!r} cannot be stored as int8-rowwise")
        else:
            encoder = load_text_encoder(entry.class_name, folder)
        return _placed(encoder, policy)


def _load_conditioner(bundle: Bundle, policy: DevicePolicy) -> ObjectConditioner:
    with _loading(bundle, "grounding") as folder:
        conditioner = ObjectConditioner.load(folder)
        if conditioner.config != GroundingConfig.from_json(dict(bundle.manifest.grounding)):
            raise ValueError("its config.json differs from 'grounding' in bundle.json")
        return _placed(conditioner, policy)


def _load_denoiser(bundle: Bundle, config: GroundingConfig, policy: DevicePolicy) -> Denoiser:
    settings = bundle.manifest.denoiser
    injection_file = None
    if settings.inject != "film":
        injection_file = bundle.component_folder("injection") / WEIGHTS_FILE
    with _loading(bundle, "unet") as folder:
        denoiser = Denoiser.load(
            folder,
            condition_width=config.out_width,
            inject=settings.inject,
            injection_file=injection_file,
            heads=settings.heads,
        )
        if policy.device.type == "cpu":
            denoiser.put_time_last()
        return _placed(denoiser, policy)


def _check_fit(config: GroundingConfig, *, grid: tuple[int, int], width: int) -> None:
    if grid != config.grid or width != config.patch_width:
        raise ValueError(
            f"it gives {grid[0]} x {grid[1]} patches of width {width}, "
            f"grounding wants {config.grid[0]} x {config.grid[1]} of width {config.patch_width}"
        )


def _class_of(bundle: Bundle, role: str) -> str:
    return bundle.manifest.component(role).class_name


def _placed(module: _Module, policy: DevicePolicy) -> _Module:
    """In float32 (transformers keeps the type of the file), without gradients, on the device."""
    return module.float().eval().requires_grad_(False).to(policy.device)


@contextmanager
def _loading(bundle: Bundle, role: str) -> Iterator[Path]:
    """Folder of the component; whatever a library raises becomes one message that names bundle and component."""
    folder = bundle.component_folder(role)
    try:
        yield folder
    except BundleError:
        raise
    except (ValueError, TypeError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise BundleError(
            f"bundle {bundle.name!r}: component {role!r} cannot be loaded ({error}): install the bundle again"
        ) from error


def quieten_libraries() -> None:
    """Bars and advice of the libraries while loading would mix with our own progress."""
    import diffusers.utils.logging
    import transformers.utils.logging

    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
