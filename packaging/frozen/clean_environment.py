"""Gives the programs that the app starts the library path that the user had.

The start of a frozen app puts its own folder before the system's libraries for this process, which has read the path by
now; a file manager or a browser that it opens must not load ours. A worker, which is this program once more, must begin
anew for that reason, and set the path for itself.
"""

from __future__ import annotations

import os

_ORIGINAL = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if _ORIGINAL is not None:
    os.environ["LD_LIBRARY_PATH"] = _ORIGINAL
else:
    os.environ.pop("LD_LIBRARY_PATH", None)
# Without it the start of a worker takes the path for set already.
os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
