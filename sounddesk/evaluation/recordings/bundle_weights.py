"""What a bundle's sounds and figures belong to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.storage.text_formats import parse_json

NO_PART_IN_SOUND: Final = ("segmenter", "names.json")
"""Where masks are given, neither the segmenter nor the names of objects decide anything that is heard."""
_HEX: Final = 12


def weights_sha256(bundle: Bundle, *, without: Sequence[str] = ()) -> str:
    """Stands for all that decides what a bundle makes: its manifest, which holds the hash of every file, but the card.

    The card tells the figures, so it cannot be among what they belong to.

    Args:
        without: components and documents that have no part in it, such as the segmenter where masks are given.
    """
    manifest = parse_json(bundle.manifest.to_json_text())
    for parts in (manifest.get("components", {}), manifest.get("documents", {})):
        for name in (bundle.manifest.card, *without):
            parts.pop(name, None)
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:_HEX]
