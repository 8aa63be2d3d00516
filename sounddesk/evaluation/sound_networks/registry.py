"""Networks that hear sounds and see pictures for metrics, each registered in its own module.

A network gives arrays by name for a sound, and a `SeeingNetwork` for a picture too. They are kept
(`sounds.feature_store`), so that a stopped run goes on and a second system costs its own sounds only.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Protocol
from typing import runtime_checkable

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.domain.registry import Registry
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import ModelError
from sounddesk.engine.catalogue.model_store import installed_model
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.types import BoolMask
from sounddesk.engine.types import RgbImage

Features = Mapping[str, npt.NDArray[np.float32]]


class SoundNetwork(Protocol):
    """A loaded network; sounds come as they were in their files."""

    def hear(self, sound: SoundFile) -> Features: ...


@runtime_checkable
class SeeingNetwork(SoundNetwork, Protocol):
    """One that takes pictures too, as they were in their files.

    `mask` is that of the selected object, None for the whole picture; published networks see the whole all the same.
    """

    def see(self, image: RgbImage, mask: BoolMask | None, /) -> Features: ...


@dataclass(frozen=True, kw_only=True)
class NetworkEntry:
    """A network that metrics may ask for.

    Attributes:
        name: short name, part of the name of the file that keeps its features.
        label: for a reader.
        version: counted up when the same sound gives other features.
        load: called with the folders of `model_ids`, in their order. Raises EngineError.
        model_ids: entries of the catalogue that must be installed; none for a network that ships.
    """

    name: str
    label: str
    version: int
    load: Callable[[tuple[InstalledModel, ...]], SoundNetwork]
    model_ids: tuple[str, ...] = ()


NETWORKS: Final[Registry[NetworkEntry]] = Registry("network", package="sounddesk.evaluation.sound_networks")


def load_network(name: str, *, models: Path | None = None) -> SoundNetwork:
    """Load a network.

    Args:
        models: folder of installed models, the user's own by default.

    Raises:
        ModelError: models of it are not installed; the message ends with the commands that install them.
        EngineError: it is damaged.
    """
    entry = NETWORKS.get(name)
    installed = [installed_model(model_id, folder=models) for model_id in entry.model_ids]
    missing = [model_id for model_id, model in zip(entry.model_ids, installed, strict=True) if model is None]
    if missing:
        commands = " and ".join(f"'sounddesk models install {model_id}'" for model_id in missing)
        raise ModelError(f"{entry.label} is not installed", remedy=f"run {commands}")
    return entry.load(tuple(model for model in installed if model is not None))


def _uses(entry: CatalogueEntry) -> bool:
    return any(entry.id in network.model_ids for network in NETWORKS)


MODEL_USERS.register(ModelUser(name="evaluation", uses=_uses))
