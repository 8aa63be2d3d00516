"""`sounddesk addon`: the CUDA build of torch for the app without Python."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.engine import torch_addon
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.addon_record import AddonRecord


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk addon`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    install = actions.add_parser("install", help="check every file of an unpacked add-on, and use it from where it is")
    install.add_argument("folder", type=file_path, metavar="FOLDER")
    install.add_argument(
        "--manifest-sha256", metavar="HASH", help="of its addon.json, as whoever published it tells it"
    )
    add_output_arguments(install)
    check = actions.add_parser("check", help="check every file of the installed add-on again")
    add_output_arguments(check)
    remove = actions.add_parser("remove", help="go back to the processor; the add-on's files stay")
    add_output_arguments(remove)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk addon`."""
    actions: dict[str, Callable[..., None]] = {"install": _install, "check": _check, "remove": _remove}
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        actions[options.action](options, console=console, cancel=cancel)
    return ExitCode.OK


def _install(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    record = torch_addon.install_addon(
        options.folder,
        here=torch_addon.own_runtime(),
        manifest_sha256=options.manifest_sha256,
        on_progress=console.progress,
        cancel=cancel,
    )
    console.say(f"{record.folder} is checked, and used from the next start on: {record.runtime}")
    console.say("'sounddesk doctor' says whether it sees a graphics card")
    _tell(record, console=console)


def _check(_options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    record = torch_addon.check_addon(on_progress=console.progress, cancel=cancel)
    console.say(f"{record.folder}: every file is as it was installed ({record.runtime})")
    _tell(record, console=console)


def _remove(_options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:  # noqa: ARG001
    removed = torch_addon.forget_addon()
    console.say("the add-on is no longer used; its folder may be deleted" if removed else "no add-on was installed")
    console.document({"ok": True, "removed": removed})


def _tell(record: AddonRecord, *, console: Console) -> None:
    runtime = record.runtime
    console.document(
        {
            "ok": True,
            "folder": str(record.folder),
            "torch": runtime.torch,
            "python": runtime.python,
            "platform": runtime.platform,
            "manifest_sha256": record.manifest_sha256,
        }
    )
