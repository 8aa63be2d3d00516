"""Where the frozen app begins. `sounddesk` is the command line, `sounddesk-desk` opens the window."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path


def main() -> int:
    from sounddesk.cli.main import main as run
    from sounddesk.cli.main import open_desk

    return open_desk() if Path(sys.executable).stem == "sounddesk-desk" else run()


if __name__ == "__main__":
    # A worker of a batch is this program once more; it does not come back from here.
    multiprocessing.freeze_support()
    sys.exit(main())
