from __future__ import annotations

import subprocess
import sys


def test_a_module_that_is_imported_beside_the_window_is_not_read_again() -> None:
    """PySide6's own `import` keeps the source of each module, here of one of the standard library."""
    ask = "import sounddesk.app, linecache, sys; import wave; print(wave.__file__ in linecache.cache)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
