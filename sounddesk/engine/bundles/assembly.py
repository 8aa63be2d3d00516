"""Bundles of published parts: an AudioLDM folder as diffusers has it, CLIP, and a fresh or a trained grounding."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.bundle import BundleSource
from sounddesk.engine.bundles.bundle import ComponentSource
from sounddesk.engine.bundles.bundle import write_bundle
from sounddesk.engine.bundles.bundle_manifest import COMPONENT_SUFFIXES
from sounddesk.engine.bundles.bundle_manifest import DenoiserSettings
from sounddesk.engine.bundles.bundle_manifest import Heads
from sounddesk.engine.bundles.bundle_manifest import Inject
from sounddesk.engine.bundles.bundle_manifest import WeightStorage
from sounddesk.engine.bundles.grounding_from_texts import encode_texts
from sounddesk.engine.bundles.grounding_from_texts import ground_from_texts
from sounddesk.engine.bundles.grounding_from_texts import measure_images
from sounddesk.engine.licence import Licence
from sounddesk.engine.models.construction import quieten_libraries
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.image_encoder import ClipFeatures
from sounddesk.engine.models.image_encoder import ClipPatchEncoder
from sounddesk.engine.models.injection import install_object_attention
from sounddesk.engine.models.injection import object_attention_state
from sounddesk.engine.models.published_configs import audio_spec
from sounddesk.engine.models.published_configs import read_config
from sounddesk.engine.models.text_alignment import AlignmentReport
from sounddesk.engine.models.text_encoder import ClapTextEncoder
from sounddesk.engine.models.text_encoder import ClipTextEncoder
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import RgbImage
from sounddesk.engine.vocabulary import FROM_TEXTS
from sounddesk.engine.vocabulary import read_vocabulary
from sounddesk.engine.vocabulary import text_pairs
from sounddesk.storage.leftovers import temporary_prefix
from sounddesk.storage.text_formats import read_object

AUDIOLDM_FOLDERS: Final = ("unet", "vae", "text_encoder", "tokenizer", "scheduler", "vocoder")
_CLASSES: Final = {
    "unet": "UNet2DConditionModel",
    "vae": "AutoencoderKL",
    "text_encoder": "ClapTextModelWithProjection",
    "tokenizer": "RobertaTokenizer",
    "scheduler": "DDIMScheduler",
    "vocoder": "SpeechT5HifiGan",
}


@dataclass(frozen=True, kw_only=True)
class AssemblyParts:
    """What a bundle is made of.

    Attributes:
        audioldm: a folder with unet, vae, text_encoder, tokenizer, scheduler and vocoder.
        clip: a folder with CLIP, or with its vision tower and projection.
        grounding: a trained grounding: its folder, or one with `grounding/` and maybe `injection/` and `unet/` in it
            (a bundle, for example); 'texts' fits one on the vocabulary (`grounding_from_texts`), for which CLIP's text
            tower is needed too; None makes a fresh one.
        licence: terms of the whole, which are those of the strictest part.
        origins: by role, where a part came from.
        features: what the image encoder gives per patch; None takes 'values' for a grounding of texts and 'projected'
            for the others.
        pictures: photographs that tell where images lie in CLIP's space, sRGB uint8[H, W, 3] each, as
            `images.reference_pictures` reads them; needed for 'texts' alone.
    """

    audioldm: Path
    clip: Path
    licence: Licence
    grounding: Path | Literal["texts"] | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    features: ClipFeatures | None = None
    pictures: Sequence[RgbImage] = ()

    @property
    def patch_features(self) -> ClipFeatures:
        return self.features or ("values" if self.grounding == FROM_TEXTS else "projected")


def assemble_bundle(
    parts: AssemblyParts,
    target: Path,
    *,
    name: str,
    inject: Inject = "both",
    heads: Heads = "config",
    weight_storage: WeightStorage = "float32",
    warning: str = "",
    overwrite: bool = False,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Bundle:
    """Write a bundle to `target`, as a whole or not at all.

    In float32 the published files are taken over byte for byte, so their published hashes stand in the manifest.

    Args:
        heads: which head counts the U-Net runs with.
        warning: put on top of the model card.
        seed: of a fresh grounding.

    Raises:
        EngineError: a part is missing or does not fit the others; the message names it.
        FileExistsError: `target` exists and `overwrite` is false.
        Cancelled: through `cancel`.
    """
    for role in AUDIOLDM_FOLDERS:
        if not (parts.audioldm / role).is_dir():
            raise EngineError(f"{parts.audioldm} has no folder {role!r}: name an AudioLDM folder as diffusers has it")
    quieten_libraries()
    trained = _trained_folders(parts.grounding)
    unet_folder = trained.get("unet", parts.audioldm / "unet")
    with tempfile.TemporaryDirectory(prefix=temporary_prefix(), dir=_beside(target)) as scratch:
        made = Path(scratch)
        vision = _vision_tower(parts, made / "image_encoder")
        report = None
        if parts.grounding == FROM_TEXTS:
            report = _grounding_from_texts(parts, made, on_progress=on_progress, cancel=cancel)
        elif "grounding" not in trained:
            _fresh_grounding(parts, vision, made / "grounding", seed=seed)
        grounding_folder = trained.get("grounding", made / "grounding")
        grounding = read_object(grounding_folder / "config.json")
        components = {
            role: _component(_CLASSES[role], parts.audioldm / role, weight_storage, parts.origins.get("audioldm"))
            for role in AUDIOLDM_FOLDERS
        }
        if "unet" in trained:
            components["unet"] = _component(_CLASSES["unet"], trained["unet"], weight_storage, str(trained["unet"]))
        components["image_encoder"] = _component(
            "CLIPVisionModelWithProjection", made / "image_encoder", weight_storage, parts.origins.get("clip")
        )
        # Small, and its statistics are sums that lose their meaning when rounded.
        components["grounding"] = _component("ObjectConditioner", grounding_folder, "float32", None)
        if inject != "film":
            if "injection" not in trained:
                _fresh_injection(unet_folder, int(grounding["out_width"]), made / "injection")
            folder = trained.get("injection", made / "injection")
            components["injection"] = _component("ObjectAttnProcessor", folder, weight_storage, None)
        (made / "card.md").write_text(
            _card(name, parts, warning=warning, trained=bool(trained), report=report), "utf-8"
        )
        source = BundleSource(
            name=name,
            version="1",
            licence=parts.licence,
            audio=audio_spec(parts.audioldm),
            grounding=grounding,
            components=components,
            denoiser=DenoiserSettings(inject=inject, heads=heads),
            documents={"card.md": made / "card.md"},
            card="card.md",
        )
        return write_bundle(source, target, overwrite=overwrite)


def _component(class_name: str, folder: Path, weight_storage: WeightStorage, origin: str | None) -> ComponentSource:
    # Published folders may hold the same weights as a pickle too.
    return ComponentSource(
        class_name=class_name, folder=folder, weight_storage=weight_storage, origin=origin, suffixes=COMPONENT_SUFFIXES
    )


def _trained_folders(grounding: Path | Literal["texts"] | None) -> dict[str, Path]:
    if grounding is None or isinstance(grounding, str):
        return {}
    if (grounding / "grounding" / "config.json").is_file():
        roles = ("grounding", "injection", "unet")
        return {role: grounding / role for role in roles if (grounding / role).is_dir()}
    if (grounding / "config.json").is_file():
        return {"grounding": grounding}
    raise EngineError(f"{grounding} holds no grounding (config.json): name its folder, or a bundle that has one")


def _vision_tower(parts: AssemblyParts, target: Path) -> dict[str, Any]:
    """CLIP without its text half; its configuration."""
    from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection

    try:
        model = CLIPVisionModelWithProjection.from_pretrained(parts.clip, use_safetensors=True, local_files_only=True)
    except (OSError, ValueError) as error:
        raise EngineError(f"{parts.clip} is not a CLIP of transformers ({error}): install it again") from error
    model.save_pretrained(target)
    (target / "patches.json").write_text(json.dumps({"features": parts.patch_features, "geometry": "squash"}) + "\n")
    return dict(model.config.to_dict())


def _grounding_from_texts(
    parts: AssemblyParts, made: Path, *, on_progress: OnProgress | None, cancel: CancelToken | None
) -> AlignmentReport:
    """Write `grounding/`, fitted on the vocabulary. One encoder at a time is in memory."""
    pairs = text_pairs(read_vocabulary())
    encode = partial(encode_texts, on_progress=on_progress, cancel=cancel)
    try:
        clip = ClipTextEncoder.load(parts.clip)
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{parts.clip} has no text tower of CLIP ({error}): name the whole CLIP, or give --grounding fresh"
        ) from error
    picture = encode(clip, [pair.picture for pair in pairs], stage="texts of pictures")
    del clip
    clap = ClapTextEncoder.load(parts.audioldm / "text_encoder")
    null = clap.encode([""])[0]
    short = _Padded(clap=clap, width=clap.width)
    sound = encode(short, [pair.sound for pair in pairs], stage="texts of sounds")
    del clap, short
    encoder = ClipPatchEncoder.load(made / "image_encoder")
    images = measure_images(encoder, parts.pictures)
    conditioner, report = ground_from_texts((picture, sound), pairs, images, grid=encoder.grid, null=null)
    conditioner.save(made / "grounding")
    return report


@dataclass(kw_only=True)
class _Padded:
    """CLAP's texts padded to the longest of a batch: thousands of short ones in a fiftieth of the time."""

    clap: ClapTextEncoder
    width: int

    def encode(self, texts: Sequence[str]) -> Tensor:
        return self.clap.encode(texts, padding="longest")


def _fresh_grounding(parts: AssemblyParts, vision: Mapping[str, Any], target: Path, *, seed: int) -> None:
    """An untrained grounding that fits the parts, with CLAP's empty text as its null condition, as in AudioLDM."""
    text_encoder = ClapTextEncoder.load(parts.audioldm / "text_encoder")
    side = vision["image_size"] // vision["patch_size"]
    config = GroundingConfig(
        text_width=text_encoder.width,
        patch_width=vision["projection_dim"] if parts.patch_features != "hidden" else vision["hidden_size"],
        grid=(side, side),
        width=text_encoder.width,
        out_width=text_encoder.width,
        null="empty_text",
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        conditioner = ObjectConditioner(config)
    with torch.no_grad():
        conditioner.null_vector.copy_(text_encoder.encode([""])[0])
    conditioner.save(target)


def _fresh_injection(unet_folder: Path, condition_width: int, target: Path) -> None:
    """Added branches whose values are zero: the U-Net computes what it did without them."""
    # Only shapes are needed of the U-Net itself, which takes gigabytes.
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(read_config(unet_folder))
        install_object_attention(unet, condition_width=condition_width)
    state = {}
    for name, tensor in object_attention_state(unet).items():
        state[name] = torch.zeros(tensor.shape)
        if "to_v_object" not in name:
            torch.nn.init.xavier_uniform_(state[name])
    target.mkdir(parents=True)
    save_file(state, target / "model.safetensors", metadata={"format": "pt"})


def _beside(target: Path) -> Path:
    """Where the parts are made: on the disk of the bundle, since they are large."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent


def _card(name: str, parts: AssemblyParts, *, warning: str, trained: bool, report: AlignmentReport | None) -> str:
    lines = [f"# {name}", ""]
    if warning:
        lines += [f"**{warning}**", ""]
    lines += [
        f"Licence: {parts.licence.name}. Commercial use: {parts.licence.commercial}. {parts.licence.note}".rstrip(),
        "",
        "Put together from published parts:",
        "",
        *(f"- {role}: {origin}" for role, origin in parts.origins.items()),
        "",
    ]
    if report is not None:
        lines += [
            "The grounding is a map from CLIP's space to CLAP's, fitted on texts in closed form. **It was not trained",
            "on sound or images**, and what is heard with it has not been judged. Training it on recordings with",
            "pictures should make it better; assemble the bundle again with the trained one.",
            "",
            f"- {report.texts} pairs of texts about {report.things} things; penalty {report.strength:g},",
            f"  {report.features} random features.",
            f"- Things held out whole, the right one by its picture's text: {report.held_out.text()}",
            f"  ({report.held_out.trials} texts; chance {report.held_out.chance:.4f}).",
            f"- The same by the nearest known text, without a map: {report.nearest_word.text()}.",
            "",
        ]
    elif not trained:
        lines += [
            "The grounding is fresh: it has not been trained, so what is heard does not depend on the image in any",
            "meaningful way. Train it, or assemble the bundle again with a trained one.",
            "",
        ]
    return "\n".join(lines)
