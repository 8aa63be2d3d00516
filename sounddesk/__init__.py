"""sounddesk: one sound per object of a still, balanced on a desk and exported as stems."""

from __future__ import annotations

try:
    # Written by the build from the version control system.
    from sounddesk._version import __version__ as __version__
except ImportError:
    # A checkout that was never built.
    __version__ = "0.0.0+unbuilt"
