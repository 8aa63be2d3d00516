"""What every component of a bundle is loaded within. Free of diffusers, which naming an object does not need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.device import is_out_of_memory
from sounddesk.engine.models.construction import constructing
from sounddesk.engine.models.weight_budget import check_configuration
from sounddesk.engine.types import BundleError

# Of what a library says; some list every tensor of a network.
_MOST_SHOWN: Final = 400


@contextmanager
def loading_component(bundle: Bundle, role: str) -> Iterator[Path]:
    """Folder of the component, while nothing else is constructed.

    Whatever a library raises becomes one message that names bundle and component.
    """
    folder = bundle.component_folder(role)
    try:
        check_configuration(folder)
        with constructing():
            yield folder
    except (EngineError, Cancelled, MemoryError):
        raise
    # diffusers, transformers, tokenizers (a bare Exception) and timm raise nearly anything on a wrong configuration.
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:_MOST_SHOWN] or type(error).__name__
        raise BundleError(
            f"bundle {bundle.name!r}: component {role!r} cannot be loaded ({reason}): install the bundle again"
        ) from error
