"""Who uses a model of the catalogue; what nobody uses is not offered."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sounddesk.domain.registry import Registry
from sounddesk.engine.catalogue.entries import CATALOGUE_FILE
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.resources_folder import resource


@dataclass(frozen=True, kw_only=True)
class ModelUser:
    """A part of the program that loads installed models.

    Attributes:
        name: what it does with them, e.g. 'segmenters'.
        uses: whether it would load this one.
    """

    name: str
    uses: Callable[[CatalogueEntry], bool]


MODEL_USERS: Final[Registry[ModelUser]] = Registry(
    "user of models",
    # By name only: all of these stand above the catalogue.
    modules=(
        "sounddesk.engine.segmenters.registry",
        "sounddesk.engine.bundles.paper_bundles",
        "sounddesk.engine.bundles.text_engine_bundle",
        "sounddesk.engine.captioners.registry",
        "sounddesk.engine.prompters.registry",
        "sounddesk.evaluation.sound_networks.registry",
    ),
)


def users_of(entry: CatalogueEntry) -> tuple[str, ...]:
    """Names of the parts of the program that would load this model."""
    return tuple(user.name for user in MODEL_USERS if user.uses(entry))


def offered(entries: Mapping[str, CatalogueEntry]) -> dict[str, CatalogueEntry]:
    """Those that the program can use, and all that the user's own catalogues list."""
    shipped = resource(CATALOGUE_FILE)
    return {key: entry for key, entry in entries.items() if entry.catalogue != shipped or users_of(entry)}
