"""Licences of installed bundles as one line each, for the provenance of exported files."""

from __future__ import annotations

from sounddesk.engine.bundles.bundle import list_bundles
from sounddesk.engine.bundles.bundle_manifest import Licence

_USE = {"yes": "paid work allowed", "no": "no paid work", "conditional": "paid work under conditions"}


def licence_line(licence: Licence) -> str:
    """Name or SPDX identifier, and whether the sounds may be used for paid work."""
    return f"{licence.spdx or licence.name} ({_USE[licence.commercial]})"


def bundle_licences() -> dict[str, str]:
    """Licence by bundle name, of every bundle that is installed and whole."""
    return {
        listing.bundle.name: licence_line(listing.bundle.manifest.licence)
        for listing in list_bundles()
        if listing.bundle is not None
    }
