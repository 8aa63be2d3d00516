"""What a captioner does and says of itself, and the registry of them (no torch).

To add one, put a module into `captioners/entries` that registers a `CaptionerEntry` here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from typing import Protocol

from sounddesk.domain.registry import Registry
from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage


class Captioner(RecognisesObjects, Protocol):
    """Says what pictures and objects sound like. Deterministic, safe to call from several threads.

    `recognise` gives guesses whose `prompt` are words for the object's sound; it always has one.
    """

    def describe(self, image: RgbImage, *, cancel: CancelToken | None = None) -> str:
        """Words for the sound of a whole picture sRGB uint8[H, W, 3], never empty.

        Raises:
            Cancelled: through `cancel`.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class FoundCaptioner:
    """A captioner that could be loaded.

    Attributes:
        label: what it is, for a note, e.g. 'CLIP ViT-B/32'.
        load: checks every file and loads it. Raises: EngineError.
    """

    label: str
    load: Callable[[], Captioner]


@dataclass(frozen=True, kw_only=True)
class CaptionerEntry:
    """A registered captioner.

    Attributes:
        name: unique, lower case.
        title: for a reader.
        rank: lower is preferred.
        find: the one that is there, or None; must not load anything.
        models: ids of the catalogue that it loads, the preferred one first.
        names_things: whether its guesses are names of many more things than a bundle's recogniser knows.
    """

    name: str
    title: str
    rank: int
    find: Callable[[ModelSearch], FoundCaptioner | None]
    models: tuple[str, ...] = ()
    names_things: bool = False


CAPTIONERS: Final[Registry[CaptionerEntry]] = Registry(
    "captioner",
    package="sounddesk.engine.captioners.entries",
    # By name only: what belongs to the starter alone stands with the starter.
    modules=("sounddesk.engine.starter.captioner_entry",),
)
MODEL_USERS.register(
    ModelUser(name="captioners", uses=lambda entry: any(entry.id in captioner.models for captioner in CAPTIONERS))
)


def ranked_captioners() -> tuple[CaptionerEntry, ...]:
    """All of them, the preferred one first."""
    return tuple(sorted(CAPTIONERS, key=lambda entry: (entry.rank, entry.name)))
