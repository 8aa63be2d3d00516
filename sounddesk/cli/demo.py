"""`sounddesk demo`: renders the image that ships with sounddesk."""

from __future__ import annotations

import argparse
from pathlib import Path

from sounddesk.cli.common_arguments import DEFAULT_BUNDLE
from sounddesk.cli.common_arguments import add_device_argument
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import number
from sounddesk.cli.console import Console
from sounddesk.cli.render import run_render
from sounddesk.cli.render_arguments import DEFAULT_SECONDS
from sounddesk.cli.render_arguments import RenderOptions
from sounddesk.cli.render_arguments import checked_seconds
from sounddesk.domain.selection import ObjectSpec
from sounddesk.domain.selection import Selection
from sounddesk.engine.images.demo_scene import demo_masks
from sounddesk.resources_folder import resource


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk demo`."""
    parser.add_argument(
        "--out",
        type=file_path,
        default=Path("sounddesk-demo"),
        metavar="FOLDER",
        help="result (default: sounddesk-demo)",
    )
    parser.add_argument("--seconds", type=number, default=DEFAULT_SECONDS, help="length, 1 to 60 (default: 10)")
    add_device_argument(parser)
    add_output_arguments(parser)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk demo`."""
    folder = resource("demo")
    specs = tuple(
        ObjectSpec(name=name, selection=Selection(how="mask_file", mask_file=str(mask)))
        for name, mask in demo_masks(folder).items()
    )
    asked = RenderOptions(
        image=folder / "scene.webp",
        specs=specs,
        seconds=checked_seconds(options.seconds),
        bundle=DEFAULT_BUNDLE,
        device=options.device,
        out=options.out,
    )
    return run_render(asked, console=console)
