"""`sounddesk render`: an image and a selection to stems, mix and pictures."""

from __future__ import annotations

import argparse

from sounddesk.cli.render_arguments import configure_render


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk render`."""
    configure_render(parser)
