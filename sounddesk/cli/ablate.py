"""`sounddesk train ablate`: the paper's ablations in miniature, row by row, each kept as soon as it is done."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.cli.common_arguments import add_output_arguments
from sounddesk.cli.common_arguments import file_path
from sounddesk.cli.common_arguments import filled_text
from sounddesk.cli.common_arguments import number
from sounddesk.cli.common_arguments import whole_number
from sounddesk.cli.console import Console
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import CancelToken
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json

_ROWS_FOLDER: Final = "rows"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk train ablate`."""
    parser.add_argument("--data", type=file_path, required=True, metavar="DATA", help="from 'train prepare starter'")
    parser.add_argument(
        "--pictures", type=file_path, metavar="FOLDER", help="held-out KIND/*.png (default: DATA's own)"
    )
    parser.add_argument("--out", type=file_path, default=Path("ablations"), metavar="FOLDER")
    parser.add_argument(
        "--bundle", type=filled_text, default="starter", metavar="NAME|FOLDER", help="the pretrained base"
    )
    parser.add_argument(
        "--matching", type=file_path, metavar="FOLDER", help="export of a matching run, for AVC and table 5"
    )
    parser.add_argument("--rows", default="", metavar="NAME,...", help="only these rows")
    parser.add_argument("--seeds", type=whole_number, default=3, help="default: 3")
    parser.add_argument(
        "--steps", type=whole_number, default=600, help="steps with the U-Net, of every row (default: 600)"
    )
    parser.add_argument("--grounding-steps", type=whole_number, default=200, help="before them (default: 200)")
    parser.add_argument("--batch-size", type=whole_number, default=6, help="of the steps with the U-Net (default: 6)")
    parser.add_argument("--composed", type=whole_number, default=150, help="scenes to train on (default: 150)")
    parser.add_argument(
        "--scenes",
        type=whole_number,
        default=42,
        help="scenes of 2 or 3 objects to judge on, for each seed; three seeds then have over 300 takes (default: 42)",
    )
    parser.add_argument("--seconds", type=number, default=2.56, help="length of a take (default: 2.56)")
    parser.add_argument("--sampling-steps", type=whole_number, default=10, help="denoising steps (default: 10)")
    parser.add_argument("--threads", type=whole_number, default=1, help="CPU threads (default: 1)")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda", "mps", "auto"),
        default="cpu",
        help="for the U-Net's steps and for takes (default: cpu)",
    )
    add_output_arguments(parser)


def run(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> None:
    """Train and judge what is missing, row by row, and write the tables anew after each seed of one."""
    from sounddesk.engine.device import choose_device
    from sounddesk.evaluation.ablation_report import ROWS
    from sounddesk.evaluation.ablation_report import by_variant
    from sounddesk.evaluation.ablation_report import report
    from sounddesk.evaluation.ablation_report import to_markdown
    from sounddesk.storage.own_file import make_own_folders

    names = [row.name for row in ROWS]
    wanted = options.rows.split(",") if options.rows else names
    for name in wanted:
        if name not in names:
            raise BadInputError(f"row is {name!r}: choose from {', '.join(names)}")
    # Before the minutes that come before the first step there.
    choose_device(options.device)
    if not (options.data / "table.csv").is_file():
        raise BadInputError(f"{options.data} has no table.csv: run 'sounddesk train prepare starter' first")
    options.out.mkdir(parents=True, exist_ok=True)
    settings = _settings(options)
    results: dict[str, list[dict[str, Any]]] = {}
    for row in by_variant(ROWS):
        for seed in range(options.seeds):
            file = options.out / _ROWS_FOLDER / f"{row.name}_{seed}.json"
            figures = _kept(file, settings)
            if figures is None and row.name in wanted and not (row.table == 5 and options.matching is None):
                cancel.raise_if_cancelled()
                began_s = time.monotonic()
                figures = _one_row(row, seed=seed, options=options, console=console, cancel=cancel)
                figures["minutes"] = round((time.monotonic() - began_s) / 60, 2)
                make_own_folders(options.out, Path(_ROWS_FOLDER))
                write_file(file, (json.dumps({"settings": settings, "figures": figures}, indent=1) + "\n").encode())
            if figures is not None:
                results.setdefault(row.name, []).append(figures)
                table = report(results) | {"settings": settings}
                write_file(options.out / "ablations.json", (json.dumps(table, indent=1) + "\n").encode())
                write_file(options.out / "ablations.md", to_markdown(table).encode())
    table = report(results) | {"settings": settings}
    console.say(to_markdown(table))
    console.document({"ok": True, **table})


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """What a row depends on; rows of other settings or another base are made again."""
    from sounddesk.engine.bundles.bundle_reference import portable_reference
    from sounddesk.engine.bundles.installed_bundles import find_bundle

    keys = ("steps", "grounding_steps", "batch_size", "composed", "scenes", "seconds", "sampling_steps")
    told = {"base_sha256": find_bundle(options.bundle).sha256, "avc": options.matching is not None, "prototypes": True}
    # Rows that were made on the CPU, where all were before there was a choice, are kept.
    device = {} if options.device == "cpu" else {"device": options.device}
    # The tables are handed on: a folder of hers is none of their readers' business.
    bundle = {"bundle": portable_reference(options.bundle)}
    return {key: getattr(options, key) for key in keys} | bundle | told | {"references": "held out"} | device


def _kept(file: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    try:
        data = read_json(file)
    except (OSError, FieldError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("settings"), dict):
        return None
    # Which base it was says its hash; older rows name it by its folder.
    figures: dict[str, Any] | None = (
        data.get("figures") if {**data["settings"], "bundle": settings["bundle"]} == settings else None
    )
    return figures


def _one_row(
    row: Any, *, seed: int, options: argparse.Namespace, console: Console, cancel: CancelToken
) -> dict[str, Any]:
    from sounddesk.engine.types import SamplingSettings
    from sounddesk.evaluation.ablation_measures import measure_bundle
    from sounddesk.training.ablation.ablation_runs import AblationBudget
    from sounddesk.training.ablation.ablation_runs import train_variant
    from sounddesk.training.ablation.matching_scores import starter_scores
    from sounddesk.training.data.recordings import copy_test_pictures

    console.note(f"{row.label}, seed {seed}")
    work = options.out / "work"
    budget = AblationBudget(
        steps=options.steps,
        grounding_steps=options.grounding_steps,
        batch_size=options.batch_size,
        scenes=options.composed,
        seconds=options.seconds,
        threads=options.threads,
    )
    scores = None
    if row.table == 5:
        share = budget.mismatched_share
        scores = starter_scores(options.data, options.matching, work, mismatched_share=share)
    bundle = train_variant(
        row.variant,
        seed=seed,
        data=options.data,
        work=work,
        base=options.bundle,
        budget=budget,
        device=options.device,
        scores=scores,
        on_progress=console.progress,
        cancel=cancel,
    )
    figures = measure_bundle(
        bundle,
        pictures=options.pictures or copy_test_pictures(options.data, work / "pictures"),
        references=options.data,
        scenes=options.scenes,
        seed=seed,
        seconds=options.seconds,
        sampling=SamplingSettings(preset="fast", steps=options.sampling_steps, guidance=row.guidance),
        weights=row.weights,
        matching=options.matching,
        with_terms=row.with_terms,
        device=options.device,
        progress=console.progress,
        cancel=cancel,
    )
    return figures.to_json()
