"""Fixtures that many tests share."""

from __future__ import annotations

import os

# One thread per test process: two cores are shared with whatever else runs, and results must not depend on them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
