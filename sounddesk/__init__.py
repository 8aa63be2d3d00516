"""sounddesk: one sound per object of a still, balanced on a desk and exported as stems."""

from __future__ import annotations

import os

try:
    # Written by the build from the version control system.
    from sounddesk._version import __version__ as __version__
except ImportError:
    # A checkout that was never built.
    __version__ = "0.0.0+unbuilt"

# Read by torch's threads when it is loaded: how long one that waits keeps its core, by default some milliseconds, in
# which on a busy machine nobody computes what it waits for (decision 138). What the user chose stands.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")
