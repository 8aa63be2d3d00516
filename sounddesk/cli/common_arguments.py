"""Options that several subcommands share."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Final

from sounddesk.domain.timecode import exact_rate
from sounddesk.storage.path_text import PathError
from sounddesk.storage.path_text import path_of

DEFAULT_BUNDLE: Final = "starter"


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """--quiet and --json."""
    parser.add_argument("--quiet", action="store_true", help="no progress and no text, only errors")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON document on stdout")


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """--bundle and --device."""
    parser.add_argument(
        "--bundle", type=filled_text, default=DEFAULT_BUNDLE, metavar="NAME|FOLDER",
        help="the model (default: starter)",
    )  # fmt: skip
    add_device_argument(parser)


def add_device_argument(parser: argparse._ActionsContainer) -> None:
    """--device; the engine knows which names there are."""
    parser.add_argument(
        "--device", type=filled_text, default="auto", metavar="DEVICE", help="auto, cpu, cuda or mps (default: auto)"
    )


def filled_text(text: str) -> str:
    """A text option, which an unset variable of the shell leaves empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: name one, or leave the option out")
    return text


def whole_number(text: str) -> int:
    """An int option; argparse's own message would not name the remedy."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """A float option."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def file_path(text: str) -> Path:
    """A path option; an empty one would silently mean the current folder."""
    try:
        return path_of(text)
    except PathError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def frames_per_second(text: str) -> float:
    """A frame rate as a number or a ratio; 23.976, 29.97 and the like are those of NTSC, exactly."""
    whole, ratio, part = text.partition("/")
    try:
        # Through float, because a fraction of '1e999999999' is a number of a billion digits.
        rate = Fraction(float(whole)) / (Fraction(float(part)) if ratio else 1)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a frame rate: write frames per second, e.g. 25, 29.97 or 24000/1001"
        ) from None
    return float(exact_rate(rate))
