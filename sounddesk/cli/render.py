"""`sounddesk render`: an image and a selection to stems, mix and pictures."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

from sounddesk.cli.console import Console
from sounddesk.cli.exit_codes import ExitCode
from sounddesk.cli.interrupt import cancel_on_signals
from sounddesk.cli.render_arguments import RecipeOptions
from sounddesk.cli.render_arguments import RenderOptions
from sounddesk.cli.render_arguments import configure_render
from sounddesk.cli.render_arguments import read_options
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import duration_text


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `sounddesk render`."""
    configure_render(parser)


def run(options: argparse.Namespace, *, console: Console) -> int:
    """Carry out `sounddesk render`."""
    return run_render(read_options(options), console=console)


def run_render(asked: RenderOptions | RecipeOptions, *, console: Console) -> int:
    """Make a render that Ctrl-C can cancel, and say what it made."""
    cancel = CancelToken()
    with cancel_on_signals(cancel, tell=console.note):
        result = render(asked, console=console, cancel=cancel)
    for line in result.lines():
        console.say(line)
    console.document(result.to_json())
    return ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class RenderResult:
    """Where a render is and what it consists of.

    Attributes:
        folder: where it is; not the folder asked for where that one held a render already.
        objects: one JSON-ready entry each: name, kind, files, mask, gains in dB, loudness in LUFS.
        notes: what the user should know.
        mix: the file that holds the sum.
    """

    folder: Path
    objects: tuple[dict[str, Any], ...]
    seconds: float
    elapsed_s: float
    common_gain_db: float
    notes: tuple[str, ...]
    mix: str = "mix.wav"

    def lines(self) -> list[str]:
        """For a reader."""
        lines = [f"{self.seconds:g} s of sound in {duration_text(self.elapsed_s)}, in {self.folder}"]
        for entry in self.objects:
            lines += [f"  {name}  {entry['name']}" for name in entry["files"]]
        lines.append(f"  {self.mix}  the sum of the stems")
        lines.append("  masks.png, spectrograms.png  to look at; recipe.json makes it again")
        return lines

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": True,
            "folder": str(self.folder),
            "objects": list(self.objects),
            "mix": self.mix,
            "recipe": "recipe.json",
            "masks_picture": "masks.png",
            "spectrograms_picture": "spectrograms.png",
            "seconds": self.seconds,
            "elapsed_s": round(self.elapsed_s, 2),
            "common_gain_db": self.common_gain_db,
            "notes": list(self.notes),
        }


def render(asked: RenderOptions | RecipeOptions, *, console: Console, cancel: CancelToken) -> RenderResult:
    """As `_render`; with random weights, the bundle is made for this render and removed after it."""
    if isinstance(asked, RecipeOptions) or not asked.random_weights:
        return _render(asked, console=console, cancel=cancel)
    from sounddesk.engine.bundles.paper_bundles import AUDIOLDM_IDS
    from sounddesk.engine.bundles.paper_bundles import temporary_random_bundle

    if asked.bundle not in AUDIOLDM_IDS:
        raise BadInputError(f"--random-weights needs --bundle {', '.join(AUDIOLDM_IDS)}, not {asked.bundle!r}")
    console.note(f"making random weights for {asked.bundle}: the sounds will mean nothing")
    with temporary_random_bundle(asked.bundle) as bundle:
        return _render(replace(asked, bundle=str(bundle.folder)), console=console, cancel=cancel)


def _render(asked: RenderOptions | RecipeOptions, *, console: Console, cancel: CancelToken) -> RenderResult:
    """Make a render and put it into its folder, all of it or nothing.

    Raises:
        BadInputError: something given cannot be used, or the folder cannot be written.
        EngineError: the engine could not finish.
        Cancelled: through `cancel`; nothing was written.
    """
    start_s = time.monotonic()
    from sounddesk.cli.render_files import MIX_FILE
    from sounddesk.cli.render_files import needed_bytes
    from sounddesk.cli.render_files import prefix_of
    from sounddesk.cli.render_files import write_render
    from sounddesk.cli.render_plan import plan_from_options
    from sounddesk.cli.render_plan import plan_from_recipe
    from sounddesk.cli.stem_assembly import assemble
    from sounddesk.cli.take_generation import generate_all
    from sounddesk.storage.output_folder import OutputFolder

    try:
        plan = (
            plan_from_recipe(asked)
            if isinstance(asked, RecipeOptions)
            else plan_from_options(asked, tell=console.note, cancel=cancel)
        )
        # Taken before the long part, so that a folder that cannot be written is known at once.
        with OutputFolder(asked.out, needed_bytes=needed_bytes(plan)) as folder:
            takes = generate_all(plan, on_progress=console.progress, cancel=cancel)
            stems = assemble(plan, takes)
            written = write_render(plan, stems, folder, out=asked.out, between=cancel.raise_if_cancelled)
            cancel.raise_if_cancelled()
            place = folder.commit()
    except (Cancelled, KeyboardInterrupt):
        raise Cancelled("cancelled, nothing was written") from None
    late_notes = [f"{take.name}: {note}" for made in takes.values() for take in made for note in take.notes]
    late_notes += stems.notes
    if stems.common_gain_db < 0:
        late_notes.append(f"everything is {-stems.common_gain_db:g} dB lower, so that the mix does not clip")
    if plan.bundle.is_random:
        late_notes.append("the weights are random: what was written is noise and means nothing")
    if place != asked.out.resolve():
        late_notes.append(f"{asked.out} holds a render already, so this one is beside it")
    late_notes = list(dict.fromkeys(late_notes))
    for note in late_notes:
        console.note(note)
    return RenderResult(
        # As the user wrote it, not with all the folders around it.
        folder=asked.out if place == asked.out.resolve() else asked.out.with_name(place.name),
        objects=tuple(entry.to_json() for entry in written),
        seconds=plan.seconds,
        elapsed_s=time.monotonic() - start_s,
        common_gain_db=stems.common_gain_db,
        notes=(*plan.scene.notes, *late_notes),
        mix=f"{prefix_of(plan)}{MIX_FILE}",
    )
