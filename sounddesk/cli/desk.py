"""`sounddesk desk`: opens the window."""

from __future__ import annotations

import argparse
import os
import sys

from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import filled_text
from sounddesk.cli.console import Console
from sounddesk.cli.display import check_display
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.domain.errors import BadInputError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk desk`."""
    parser.add_argument("file", nargs="?", type=file_path, metavar="FILE", help="image, movie or .sdesk project")
    parser.add_argument("--bundle", type=filled_text, metavar="NAME", help="bundle to generate with (default: starter)")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps")


def run(options: argparse.Namespace, *, console: Console) -> int:  # noqa: ARG001  # every subcommand gets it
    """Show the window until it is closed.

    Raises:
        BadInputError: no screen, or Qt cannot start.
    """
    if options.file is not None and not options.file.exists():
        raise BadInputError(f"{options.file} does not exist: check the path")
    if sys.platform.startswith("linux"):
        check_display(os.environ)
    try:
        from sounddesk.app import desk
    except ImportError as error:
        raise BadInputError(f"the window cannot start: {error}; 'sounddesk doctor' says what to install") from error
    code = desk.run(options.file, bundle=options.bundle, device=options.device)
    return ExitCode.OK if code == 0 else ExitCode.FAULT
