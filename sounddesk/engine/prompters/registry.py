"""What a prompter does and says of itself, and the registry of them (no torch).

To add one, put a module into `prompters/entries` that registers a `PrompterEntry` here.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Final
from typing import Protocol

from sounddesk.domain.registry import Registry
from sounddesk.engine.bundles.model_search import ModelSearch
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.segmenters.protocol import Box
from sounddesk.engine.segmenters.protocol import Point
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import FloatMask
from sounddesk.engine.types import RgbImage

if TYPE_CHECKING:
    from sounddesk.engine.catalogue.model_store import InstalledModel


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundThing:
    """Something that looks like what was asked for.

    Attributes:
        box: around it, in image pixels; right and bottom are exclusive.
        score: how much it looks like it, 0 to 1; only the order within one answer means something.
        probability: float32[H, W] where the prompter draws it, too; None leaves that to the segmenter.
        click: on it, where the prompter knows a place that surely is.
        is_final: whether `probability` is as good as a segmenter's, and not a sketch of it.
    """

    box: Box
    score: float
    probability: FloatMask | None = None
    click: Point | None = None
    is_final: bool = False


class Prompter(Protocol):
    """Finds things by words. Deterministic, safe to call from several threads."""

    @property
    def name(self) -> str:
        """Shown to the user, e.g. 'OWLv2'."""
        ...

    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> Sequence[FoundThing]:
        """What looks like a thing in sRGB uint8[H, W, 3], the likeliest first; of nothing an empty answer.

        Raises:
            Cancelled: through `cancel`.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class PrompterEntry:
    """A registered prompter.

    Attributes:
        name: unique, lower case.
        title: for a reader.
        rank: lower is preferred.
        find: what loads the one that is there; None where there is none. Loading raises EngineError.
        models: ids of the catalogue that it loads, the preferred one first.
    """

    name: str
    title: str
    rank: int
    find: Callable[[ModelSearch], Callable[[], Prompter] | None]
    models: tuple[str, ...] = ()


PROMPTERS: Final[Registry[PrompterEntry]] = Registry(
    "prompter",
    package="sounddesk.engine.prompters.entries",
    # By name only: what belongs to the starter alone stands with the starter.
    modules=("sounddesk.engine.starter.prompter_entry",),
)
MODEL_USERS.register(
    ModelUser(name="prompters", uses=lambda entry: any(entry.id in prompter.models for prompter in PROMPTERS))
)


def ranked_prompters() -> tuple[PrompterEntry, ...]:
    """All of them, the preferred one first."""
    return tuple(sorted(PROMPTERS, key=lambda entry: (entry.rank, entry.name)))


def installed_prompter(
    search: ModelSearch, models: Sequence[str], load: Callable[[Path, str], Prompter]
) -> Callable[[], Prompter] | None:
    """What loads the first of some models that is installed, its files checked; `load` takes folder and device."""
    from sounddesk.engine.catalogue.model_store import installed_model

    found = (installed_model(model_id, folder=search.models) for model_id in models)
    model = next((each for each in found if each is not None), None)
    return None if model is None else partial(_load_verified, model, load, search.device)


def _load_verified(model: InstalledModel, load: Callable[[Path, str], Prompter], device: str) -> Prompter:
    model.verify()
    return load(model.folder, device)
