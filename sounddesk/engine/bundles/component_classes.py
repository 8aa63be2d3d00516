"""Which of our classes reads a component that a bundle's manifest names: one entry each.

A class is imported when a bundle asks for it, so that nothing is loaded for the others. To add one, write it with a
`load(folder)` and register it here, or in a module of its own that is named here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.registry import Registry
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.engine.models.image_encoder import ClipPatchEncoder
from sounddesk.engine.models.image_encoder import TimmPatchEncoder
from sounddesk.engine.models.text_encoder import ClapTextEncoder
from sounddesk.engine.models.text_encoder import SentenceEncoder
from sounddesk.engine.models.vocoder import DetailRenderer
from sounddesk.engine.models.vocoder import HifiGanVocoder
from sounddesk.engine.models.vocoder import IstftVocoder
from sounddesk.engine.specs import MelSpec
from sounddesk.storage.text_formats import read_object

PatchEncoder = TimmPatchEncoder | ClipPatchEncoder
AnyTextEncoder = SentenceEncoder | ClapTextEncoder
AnyVocoder = IstftVocoder | HifiGanVocoder


@dataclass(frozen=True, kw_only=True)
class ComponentClass:
    """One class.

    Attributes:
        role: of the component, as in the manifest: 'image_encoder'.
        class_name: what the manifest calls it (key `class`).
        target: where our class is, 'module:Class'.
        switch: a key of the component's `config.json`; where its value is neither 0 nor false nor missing, this
            class reads the component, and not the one of the same name without a switch.
    """

    role: str
    class_name: str
    target: str
    switch: str = ""

    @property
    def name(self) -> str:
        """Unique among all entries."""
        return " ".join(filter(None, (self.role, self.class_name, self.switch)))

    def resolve(self) -> Any:
        """The class itself."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)


COMPONENT_CLASSES: Final[Registry[ComponentClass]] = Registry(
    "component class",
    # By name only: what belongs to the starter alone stands with the starter.
    modules=("sounddesk.engine.starter.component_entries",),
)

for _entry in (
    ComponentClass(
        role="image_encoder",
        class_name="TimmPatchEncoder",
        target="sounddesk.engine.models.image_encoder:TimmPatchEncoder",
    ),
    ComponentClass(
        role="image_encoder",
        class_name="CLIPVisionModelWithProjection",
        target="sounddesk.engine.models.image_encoder:ClipPatchEncoder",
    ),
    ComponentClass(
        role="text_encoder",
        class_name="SentenceEncoder",
        target="sounddesk.engine.models.text_encoder:SentenceEncoder",
    ),
    ComponentClass(
        role="text_encoder",
        class_name="ClapTextModelWithProjection",
        target="sounddesk.engine.models.text_encoder:ClapTextEncoder",
    ),
    ComponentClass(
        role="grounding",
        class_name="ObjectConditioner",
        target="sounddesk.engine.models.grounding:ObjectConditioner",
    ),
    ComponentClass(role="vocoder", class_name="IstftVocoder", target="sounddesk.engine.models.vocoder:IstftVocoder"),
    ComponentClass(
        role="vocoder", class_name="SpeechT5HifiGan", target="sounddesk.engine.models.vocoder:HifiGanVocoder"
    ),
):
    COMPONENT_CLASSES.register(_entry)


def component_class(role: str, class_name: str, folder: Path) -> Any:
    """The class that reads the component in `folder`, which a manifest calls `class_name`.

    Raises:
        ValueError: an unknown class; the message lists the known ones.
        OSError: its configuration cannot be read.
    """
    known = [each for each in COMPONENT_CLASSES if each.role == role]
    named = {each.switch: each for each in known if each.class_name == class_name}
    if not named:
        names = " and ".join(repr(name) for name in dict.fromkeys(each.class_name for each in known))
        raise ValueError(f"{role.replace('_', ' ')} class is {class_name!r}: known are {names}")
    switches = [switch for switch in named if switch]
    config = read_object(folder / "config.json", allow_infinite=True) if switches else {}
    return named[next((switch for switch in switches if config.get(switch)), "")].resolve()


def load_image_encoder(class_name: str, folder: Path) -> PatchEncoder:
    """The image encoder in `folder`. Raises: ValueError for an unknown class."""
    encoder: PatchEncoder = component_class("image_encoder", class_name, folder).load(folder)
    return encoder


def load_text_encoder(class_name: str, folder: Path) -> AnyTextEncoder:
    """The text encoder in `folder`. Raises: ValueError for an unknown class."""
    encoder: AnyTextEncoder = component_class("text_encoder", class_name, folder).load(folder)
    return encoder


def load_conditioner(folder: Path, class_name: str = "ObjectConditioner") -> ObjectConditioner:
    """The grounding in `folder`. Raises: ValueError for an unknown class, or one that does not fit its weights."""
    conditioner: ObjectConditioner = component_class("grounding", class_name, folder).load(folder)
    return conditioner


def load_vocoder(class_name: str, folder: Path, spec: MelSpec) -> AnyVocoder:
    """The vocoder in `folder`. Raises: ValueError for an unknown class."""
    vocoder: AnyVocoder = component_class("vocoder", class_name, folder).load(folder, spec)
    return vocoder


def load_detail(class_name: str, folder: Path, spec: MelSpec) -> DetailRenderer:
    """The component 'detail' in `folder`. Raises: ValueError for an unknown class."""
    detail: DetailRenderer = component_class("detail", class_name, folder).load(folder, spec)
    return detail
