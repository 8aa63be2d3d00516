"""`python -m sounddesk`, the same as the `sounddesk` command."""

from __future__ import annotations

import sys

from sounddesk.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
