"""From a checked bundle to live networks: each component by its class, where the device and the memory plan want it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from typing import Final
from typing import TypeVar

import torch
from torch import nn

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle_manifest import DETAIL_ROLE
from sounddesk.engine.bundles.component_classes import AnyTextEncoder
from sounddesk.engine.bundles.component_classes import AnyVocoder
from sounddesk.engine.bundles.component_classes import PatchEncoder
from sounddesk.engine.bundles.component_classes import load_conditioner
from sounddesk.engine.bundles.component_classes import load_detail
from sounddesk.engine.bundles.component_classes import load_image_encoder
from sounddesk.engine.bundles.component_classes import load_text_encoder
from sounddesk.engine.bundles.component_classes import load_vocoder
from sounddesk.engine.bundles.guarded_loading import loading_component
from sounddesk.engine.bundles.memory_plan import MemoryPlan
from sounddesk.engine.bundles.memory_plan import Part
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import keep_freed_memory
from sounddesk.engine.models.construction import quieten_libraries
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.diffusion import check_schedule
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.latent_codec import LatentCodec
from sounddesk.engine.models.packed_layers import pack_layers
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.storage.text_formats import read_object

WEIGHTS_FILE: Final = "model.safetensors"
SCHEDULER_FILE: Final = "scheduler_config.json"

_Module = TypeVar("_Module", bound=nn.Module)


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """What every generation needs. The text encoder is first read when words are given.

    Attributes:
        conditioner: small, so always on the device.
        detail: what finishes decoded sounds, where the bundle has it.
    """

    conditioner: ObjectConditioner
    scheduler_config: dict[str, Any]
    image_encoder: Part[PatchEncoder]
    denoiser: Part[Denoiser]
    codec: Part[LatentCodec]
    vocoder: Part[AnyVocoder]
    text_encoder: Part[AnyTextEncoder]
    detail: Part[Any] | None = None


def load_components(
    bundle: Bundle,
    policy: DevicePolicy,
    *,
    plan: MemoryPlan = "keep",
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Components:
    """Load everything but the text encoder, as far as `plan` wants it loaded; the bundle must have been verified.

    Raises:
        BundleError: a component is missing, of an unknown class, or its weights do not fit its configuration.
        Cancelled: through `cancel`, between two components.
    """
    quieten_libraries()
    if policy.device.type == "cpu" and plan == "keep":
        keep_freed_memory()
    conditioner = _load_conditioner(bundle, policy)
    with loading_component(bundle, "scheduler") as folder:
        scheduler_config = read_object(folder / SCHEDULER_FILE, allow_infinite=True)
        check_schedule(scheduler_config)

    def part(roles: tuple[str, ...], load: Callable[[], Any], *, half: bool) -> Part[Any]:
        def checked() -> Any:
            if plan == "sequential":
                # Long after the whole bundle was checked; the files may have changed since.
                bundle.verify_components(roles)
            return load()

        return Part(f"{roles[0]!r} of bundle {bundle.name!r}", checked, policy=policy, plan=plan, half=half)

    width = conditioner.config.out_width
    with_branches = ("unet",) if bundle.manifest.denoiser.inject == "film" else ("unet", "injection")
    components = Components(
        conditioner=conditioner,
        scheduler_config=scheduler_config,
        image_encoder=part(("image_encoder",), lambda: _load_image_encoder(bundle, conditioner), half=True),
        denoiser=part(with_branches, lambda: _load_denoiser(bundle, policy, condition_width=width), half=True),
        # In float32 everywhere: their errors are heard at once.
        codec=part(("vae",), lambda: _load_codec(bundle, policy), half=False),
        vocoder=part(("vocoder",), lambda: _load_vocoder(bundle, policy), half=False),
        text_encoder=part(("text_encoder",), lambda: read_text_encoder(bundle), half=True),
        detail=part((DETAIL_ROLE,), lambda: _load_detail(bundle, policy), half=False) if has_detail(bundle) else None,
    )
    prepared: tuple[Part[Any], ...] = (
        components.image_encoder, components.denoiser, components.codec, components.vocoder,
        *(() if components.detail is None else (components.detail,)),
    )  # fmt: skip
    reporter = StageReporter(stage="load", total=len(prepared), on_progress=on_progress, cancel=cancel)
    for index, each in enumerate(prepared):
        each.prepare()
        reporter.step(index + 1)
    return components


def load_text_encoder_component(bundle: Bundle, policy: DevicePolicy) -> AnyTextEncoder:
    """The text encoder alone, in float32 on the device. Raises: BundleError."""
    quieten_libraries()
    return _placed(read_text_encoder(bundle), policy)


def read_text_encoder(bundle: Bundle) -> AnyTextEncoder:
    """The text encoder on the CPU. Raises: BundleError."""
    with loading_component(bundle, "text_encoder") as folder:
        return load_text_encoder(_class_of(bundle, "text_encoder"), folder)


def _load_conditioner(bundle: Bundle, policy: DevicePolicy) -> ObjectConditioner:
    with loading_component(bundle, "grounding") as folder:
        conditioner = load_conditioner(folder, _class_of(bundle, "grounding"))
        if conditioner.config != conditioner.config_class.from_json(bundle.manifest.grounding):
            raise ValueError("its config.json differs from 'grounding' in bundle.json")
        return _placed(conditioner, policy)


def _load_denoiser(bundle: Bundle, policy: DevicePolicy, *, condition_width: int) -> Denoiser:
    settings = bundle.manifest.denoiser
    injection_file = None
    if settings.inject != "film":
        injection_file = bundle.component_folder("injection") / WEIGHTS_FILE
    with loading_component(bundle, "unet") as folder:
        denoiser = Denoiser.load(
            folder,
            condition_width=condition_width,
            inject=settings.inject,
            injection_file=injection_file,
            heads=settings.heads,
        )
        if _packs(policy):
            denoiser.pack_for_cpu()
        elif policy.device.type == "cpu":
            denoiser.put_time_last()
        return denoiser


def _load_image_encoder(bundle: Bundle, conditioner: ObjectConditioner) -> PatchEncoder:
    with loading_component(bundle, "image_encoder") as folder:
        encoder = load_image_encoder(_class_of(bundle, "image_encoder"), folder)
        conditioner.check_encoder(encoder)
        return encoder


def _load_codec(bundle: Bundle, policy: DevicePolicy) -> LatentCodec:
    with loading_component(bundle, "vae") as folder:
        codec = LatentCodec.load(folder, bundle.audio)
        if _packs(policy):
            pack_layers(codec)
        return codec


def _packs(policy: DevicePolicy) -> bool:
    """Packed layers know neither half precision nor another device."""
    return policy.device.type == "cpu" and policy.network_dtype == torch.float32


def _load_vocoder(bundle: Bundle, policy: DevicePolicy) -> AnyVocoder:
    with loading_component(bundle, "vocoder") as folder:
        vocoder = load_vocoder(_class_of(bundle, "vocoder"), folder, bundle.audio.mel)
        if _packs(policy):
            pack_layers(vocoder)
        return vocoder


def has_detail(bundle: Bundle) -> bool:
    """Whether decoded sounds are finished by a component of their own."""
    return DETAIL_ROLE in bundle.manifest.components


def _load_detail(bundle: Bundle, policy: DevicePolicy) -> Any:
    with loading_component(bundle, DETAIL_ROLE) as folder:
        detail: Any = load_detail(_class_of(bundle, DETAIL_ROLE), folder, bundle.audio.mel)
        if detail.sample_rate_hz != bundle.audio.sample_rate_hz:
            raise ValueError(
                f"it makes {detail.sample_rate_hz} Hz, 'audio' in bundle.json says {bundle.audio.sample_rate_hz} Hz"
            )
        if _packs(policy):
            pack_layers(detail)
        return detail


def _class_of(bundle: Bundle, role: str) -> str:
    return bundle.manifest.component(role).class_name


def _placed(module: _Module, policy: DevicePolicy) -> _Module:
    """In float32 (transformers keeps the type of the file), without gradients, on the device."""
    return module.float().eval().requires_grad_(False).to(policy.device)
