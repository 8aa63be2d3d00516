"""sounddesk: one sound per object of a still, balanced on a desk and exported as stems."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
