"""An object's condition as a search of the library understands it."""

from __future__ import annotations

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.library.search import ObjectQuery
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.resources_folder import SHIPPED_BUNDLE


def shares_text_space(bundle: Bundle) -> bool:
    """Whether a bundle's conditions lie in the space of the starter's texts, which the library is known by."""
    if bundle.text_engine is not None or not bundle.texts_are_conditions:
        return False
    starter = find_bundle(SHIPPED_BUNDLE)
    return bundle.manifest.component("text_encoder").files == starter.manifest.component("text_encoder").files


def object_query(session: EngineSession, image: RgbImage, take: ObjectRequest, *, by_user: bool = True) -> ObjectQuery:
    """What is known of an object: its condition where the bundle's is of use, its name and its prompt.

    Raises:
        EngineError: the mask or the bundle cannot be used.
    """
    condition = session.condition(image, take).condition if shares_text_space(session.bundle) else None
    if condition is None and not (take.name or take.prompt):
        raise EngineError("nothing is known of the object: give it a name")
    return ObjectQuery(condition=condition, name=take.name, by_user=by_user, prompt=take.prompt or "")
