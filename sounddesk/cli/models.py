"""`sounddesk models`: list, install, verify, remove, find and add published models, and join them into bundles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import get_args

from sounddesk.cli.common_arguments import add_device_argument
from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.cli.models_assemble import assemble
from sounddesk.cli.models_assemble import configure_assemble
from sounddesk.cli.models_self_test import self_test
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.catalogue.entries import ModelKind
from sounddesk.engine.catalogue.entries import find_entry
from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.engine.catalogue.model_store import InstalledModel
from sounddesk.engine.catalogue.model_store import ModelError
from sounddesk.engine.catalogue.model_store import list_models
from sounddesk.engine.catalogue.model_store import models_folder
from sounddesk.engine.catalogue.model_store import remove_model
from sounddesk.engine.catalogue.model_store import require_model
from sounddesk.engine.catalogue.users import offered
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import size_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk models`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    add_output_arguments(actions.add_parser("list", help="what can be installed, and what is"))

    install = actions.add_parser("install", help="fetch models; goes on where an earlier try stopped")
    install.add_argument("ids", nargs="+", metavar="ID")
    install.add_argument(
        "--accept-licence",
        action="append",
        default=[],
        metavar="ID",
        help="the licence of this model is read and accepted (for scripts; otherwise you are asked)",
    )
    install.add_argument(
        "--offline", action="store_true", default=None, help="use nothing but the cache that other programs share"
    )
    add_output_arguments(install)

    verify = actions.add_parser("verify", help="check every file of installed models")
    verify.add_argument("ids", nargs="*", metavar="ID", help="default: all")
    add_output_arguments(verify)

    remove = actions.add_parser("remove", help="remove installed models and unfinished downloads")
    remove.add_argument("ids", nargs="+", metavar="ID")
    add_output_arguments(remove)

    where = actions.add_parser("where", help="print the folder of the models, or of one of them")
    where.add_argument("id", nargs="?", metavar="ID")
    add_output_arguments(where)

    add = actions.add_parser("add", help="a catalogue (.toml), a bundle, or a folder with a model")
    add.add_argument("path", type=file_path, metavar="PATH")
    add.add_argument("--id", metavar="ID", help="for a model's folder: its name from now on")
    add.add_argument("--kind", choices=get_args(ModelKind), help="for a model's folder: what it is")
    add.add_argument("--licence", metavar="NAME", help="for a model's folder: its licence")
    add.add_argument("--commercial", choices=("yes", "no", "conditional"), default="no", help="default: no")
    add_output_arguments(add)

    test = actions.add_parser("test", help="render two seconds with a bundle or text engine, and check them")
    test.add_argument("name", metavar="NAME|FOLDER")
    add_device_argument(test)
    add_output_arguments(test)

    configure_assemble(actions.add_parser("assemble", help="join published parts into a bundle"))


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk models`."""
    actions: dict[str, Callable[..., dict[str, Any]]] = {
        "list": _list,
        "install": _install,
        "verify": _verify,
        "remove": _remove,
        "where": _where,
        "add": _add,
        "test": self_test,
        "assemble": assemble,
    }
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        document = actions[options.action](options, console=console, cancel=cancel)
    console.document({"ok": True, **document})
    return ExitCode.OK


def licence_lines(entry: CatalogueEntry) -> list[str]:
    """What a user must know before installing `entry`."""
    licence = entry.licence
    commercial = {"yes": "allowed", "no": "NOT allowed", "conditional": "allowed under conditions only"}
    lines = [
        f"{entry.name}: {entry.purpose}",
        f"  licence: {licence.name}" + (f" ({licence.spdx})" if licence.spdx else ""),
        f"  commercial use: {commercial[licence.commercial]}",
    ]
    lines += [f"  {text}" for text in (licence.note, licence.url) if text]
    return lines


def _list(_options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    problems: list[str] = []
    every = load_catalogue(on_problem=problems.append)
    listings = {listing.record_folder.name: listing for listing in list_models()}
    rows: list[dict[str, Any]] = []
    for model_id in dict.fromkeys([*offered(every), *listings]):
        entry, listing = every.get(model_id), listings.get(model_id)
        model = None if listing is None else listing.model
        known = entry or model
        if known is None:
            assert listing is not None
            problems.append(f"{model_id}: {listing.problem}")
            continue
        if listing is not None and listing.model is None:
            problems.append(f"{model_id}: {listing.problem}")
        n_bytes = model.n_bytes if model is not None else entry.known_bytes if entry is not None else None
        rows.append(
            {
                "id": model_id,
                "name": known.name,
                "kind": known.kind,
                "installed": model is not None,
                "bytes": n_bytes,
                "memory_gb": None if entry is None else entry.memory_gb,
                "licence": known.licence.name,
                "commercial": known.licence.commercial,
                "purpose": "" if entry is None else entry.purpose,
                "origin": known.origin,
            }
        )
    for row in rows:
        size = "size unknown" if row["bytes"] is None else size_text(row["bytes"])
        console.say(f"{'*' if row['installed'] else ' '} {row['id']:18} {row['kind']:14} {size:13} {row['name']}")
        console.say(f"{'':21}{row['purpose'] or row['origin']}")
        console.say(f"{'':21}{row['licence']}, commercial use: {row['commercial']}")
    for problem in problems:
        console.say(f"!! {problem}")
    console.say("")
    console.say(f"* is installed, in {models_folder()}")
    return {"models": rows, "folder": str(models_folder()), "problems": problems}


def _install(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    from sounddesk.engine.catalogue.model_install import install

    entries = load_catalogue(on_problem=console.note)
    chosen = [find_entry(entries, model_id) for model_id in options.ids]
    not_chosen = sorted(set(options.accept_licence) - set(options.ids))
    if not_chosen:
        raise BadInputError(f"--accept-licence {not_chosen[0]}: that model is not being installed; name it too")
    # All questions first, so that the long part needs nobody.
    accepted = {entry.id: _accepts(entry, options.accept_licence, console=console) for entry in chosen}
    models = []
    for entry in chosen:
        try:
            model = install(
                entry,
                accept_licence=accepted[entry.id],
                offline=options.offline,
                on_progress=console.progress,
                cancel=cancel,
            )
        except Cancelled:
            raise Cancelled(f"stopped; 'sounddesk models install {entry.id}' goes on from there") from None
        console.say(f"{entry.id} is installed, {size_text(model.n_bytes)}, in {model.folder}")
        models.append(_document(model))
    return {"models": models}


def _accepts(entry: CatalogueEntry, given: list[str], *, console: Console) -> bool:
    for line in licence_lines(entry):
        console.note(line)
    if entry.id in given:
        return True
    if not sys.stdin.isatty():
        # `install` refuses with the remedy.
        return False
    console.note(f"Type yes to accept the licence of {entry.name}:")
    if sys.stdin.readline().strip().lower() != "yes":
        raise BadInputError(f"the licence of {entry.id} was not accepted, nothing was installed")
    return True


def _verify(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    problems = []
    checked = []
    listings = list_models()
    for listing in listings:
        if listing.model is None and not options.ids:
            problems.append(listing.problem)
    ids = options.ids or [listing.model.id for listing in listings if listing.model is not None]
    for model_id in ids:
        try:
            require_model(model_id).verify(on_progress=console.progress, cancel=cancel)
        except ModelError as error:
            problems.append(str(error))
            continue
        checked.append(model_id)
        console.say(f"{model_id}: every file is as it was installed")
    if problems:
        raise ModelError("; ".join(str(problem) for problem in problems))
    if not ids:
        console.say("no model is installed")
    return {"verified": checked}


def _remove(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    removed = {}
    for model_id in options.ids:
        cancel.raise_if_cancelled()
        try:
            removed[model_id] = remove_model(model_id)
        except ModelError as error:
            raise BadInputError(str(error)) from error
        console.say(f"{model_id} is removed, {size_text(removed[model_id])} are free again")
    return {"removed": removed}


def _where(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    cancel.raise_if_cancelled()
    folder = models_folder()
    if options.id is not None:
        try:
            folder = require_model(options.id).folder
        except ModelError as error:
            raise BadInputError(str(error)) from error
    console.say(str(folder))
    return {"folder": str(folder)}


def _add(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
    from sounddesk.engine.bundles.installed_bundles import add_bundle
    from sounddesk.engine.catalogue.model_adding import add_catalogue
    from sounddesk.engine.catalogue.model_adding import link_model
    from sounddesk.engine.licence import Licence

    cancel.raise_if_cancelled()
    path: Path = options.path
    if path.suffix == ".toml" and path.is_file():
        entries = add_catalogue(path)
        console.say(f"{len(entries)} models can be installed now: {', '.join(entry.id for entry in entries)}")
        return {"catalogue": [entry.id for entry in entries]}
    if not path.is_dir():
        raise BadInputError(f"{path} is neither a catalogue (.toml) nor a folder: check the path")
    if (path / MANIFEST_NAME).is_file():
        bundle = add_bundle(path)
        console.say(f"bundle {bundle.name} is added: --bundle {bundle.name}")
        return {"bundle": bundle.name, "folder": str(bundle.folder)}
    missing = [flag for flag in ("id", "kind", "licence") if getattr(options, flag) is None]
    if missing:
        raise BadInputError(f"{path} holds no {MANIFEST_NAME}, so it is taken for a model: add --{missing[0]}")
    model = link_model(
        path,
        model_id=options.id,
        kind=options.kind,
        licence=Licence(name=options.licence, commercial=options.commercial),
    )
    console.say(f"{model.id} is known now, {size_text(model.n_bytes)}, in {model.folder}")
    return _document(model)


def _document(model: InstalledModel) -> dict[str, Any]:
    return {"id": model.id, "folder": str(model.folder), "bytes": model.n_bytes, "licence": model.licence.name}
