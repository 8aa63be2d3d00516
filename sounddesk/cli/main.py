"""The `sounddesk` command: finds the subcommand, runs it, turns its ending into an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from typing import Final
from typing import NoReturn

from sounddesk import __version__
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import EXIT_CODES
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.exit_codes import exit_code_of
from sounddesk.domain.errors import BadInputError
from sounddesk.storage.atomic_file import output_error

# A subcommand's module is imported only when it is asked for, so that --help stays quick.
_SUBCOMMANDS: Final = {
    "desk": "open the window",
    "render": "make one sound per object of an image",
    "export": "write stems, mix, clips and takes of a project as files",
    "batch": "make sounds for every frame of a folder, resumable",
    "demo": "render the image that ships with sounddesk",
    "library": "find recordings of your own, for objects or by words",
    "models": "install published models, and join them into bundles",
    "addon": "use a graphics card in the app without Python",
    "doctor": "show what is installed, what is missing and how to get it",
    "train": "prepare training data, train a bundle, export it",
    "evaluate": "measure a bundle on pictures of your own",
    "study": "ask listeners: a study as a web page, and its report",
}
_EPILOG: Final = "exit codes: " + "; ".join(f"{int(code)} {code.meaning.replace('`', '')}" for code in ExitCode)

# What the dynamic linker says where it gets no memory for a library.
_NO_MEMORY: Final = ("failed to map segment", "cannot allocate memory")

# For exceptions of Python itself, which may come without a message.
_WITHOUT_WORDS: Final = {
    ExitCode.FAULT: "a fault of sounddesk",
    ExitCode.BAD_INPUT: "the input cannot be used: see --help",
    ExitCode.ENGINE_FAILED: "out of memory: choose fewer objects or less time",
    ExitCode.CANCELLED: "cancelled",
}


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of ending the process, so that `main` is the only place that ends it."""

    def __init__(self, **settings: Any) -> None:
        # Abbreviations would break scripts as soon as another option begins like one of them.
        super().__init__(**{**settings, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise BadInputError(f"{message}: see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (the process's own by default) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console(quiet="--quiet" in arguments, as_json="--json" in arguments)
    try:
        return _run(arguments, console=console)
    except tuple(EXIT_CODES) as error:
        code = exit_code_of(error)
        console.error(str(error) or _WITHOUT_WORDS[code], exit_code=code)
        return code
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAULT
    except SystemExit as ending:  # --help and --version
        return int(ending.code or 0)
    except OSError as error:
        # A path that vanished, a disk that is full, a folder that may not be read: nothing that sounddesk got wrong.
        told = output_error(error, what=str(error.filename or "a file"))
        console.error(str(told), exit_code=exit_code_of(told))
        return exit_code_of(told)
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback in the user's face
        if isinstance(error, ImportError) and any(words in str(error).lower() for words in _NO_MEMORY):
            console.error(
                f"there is not enough memory to load a library ({error}): close other programs, or raise ulimit -v",
                exit_code=ExitCode.ENGINE_FAILED,
            )
            return ExitCode.ENGINE_FAILED
        console.error(f"a fault of sounddesk: {type(error).__name__}: {error}", exit_code=ExitCode.FAULT)
        if os.environ.get("SOUNDDESK_TRACEBACK"):
            traceback.print_exc()
        else:
            console.note("set SOUNDDESK_TRACEBACK=1 and run it again to see where, and report it please")
        return ExitCode.FAULT


def open_desk() -> int:
    """Open the window with the process's arguments, for launchers that name a program only; the exit code."""
    return main(["desk", *sys.argv[1:]])


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _run(arguments: list[str], *, console: Console) -> int:
    parser = _Parser(
        prog="sounddesk", description="One sound per object of an image, exported as stems.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"sounddesk {__version__}")
    parsers = parser.add_subparsers(dest="subcommand", metavar="COMMAND", parser_class=_Parser)
    asked_for = next((word for word in arguments if not word.startswith("-")), None)
    if asked_for is not None and asked_for not in _SUBCOMMANDS and _is_file(asked_for):
        # As file managers call a program: `sounddesk shot.mov`.
        arguments, asked_for = ["desk", *arguments], "desk"
    module: ModuleType | None = None
    for name, summary in _SUBCOMMANDS.items():
        subparser = parsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == asked_for:
            module = importlib.import_module(f"sounddesk.cli.{name}")
            module.configure(subparser)
    options = parser.parse_args(arguments)
    if module is None:
        parser.print_help(sys.stderr)
        return ExitCode.BAD_INPUT
    return int(module.run(options, console=console))
