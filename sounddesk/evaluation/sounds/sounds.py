"""Systems' sounds for the same clips, by the paper's metrics and by those that ship: `sounddesk evaluate sounds`.

Each metric asks one network; what a network heard of a file is kept in the report's folder by the file's content, so
that a stopped run goes on, and a run with one more system hears only that one. A metric whose network is not installed
has no figure, and the report names the command that installs it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import MissingPackageError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.evaluation_clip import read_clip_manifest
from sounddesk.evaluation.report_folder import LOCK_NAME
from sounddesk.evaluation.report_folder import check_report_folder
from sounddesk.evaluation.sound_metrics.registry import METRICS
from sounddesk.evaluation.sound_metrics.registry import SoundMetric
from sounddesk.evaluation.sound_networks.registry import NETWORKS
from sounddesk.evaluation.sound_networks.registry import load_network
from sounddesk.evaluation.sounds.comparison import MeasuredSystem
from sounddesk.evaluation.sounds.comparison import half_against_half
from sounddesk.evaluation.sounds.comparison import tests_of
from sounddesk.evaluation.sounds.examples import write_examples
from sounddesk.evaluation.sounds.feature_store import FeatureStore
from sounddesk.evaluation.sounds.listening_networks import HeardClips
from sounddesk.evaluation.sounds.listening_networks import hear_all
from sounddesk.evaluation.sounds.sounds_page import sounds_page
from sounddesk.evaluation.sounds.sounds_result import FIGURES_FILE
from sounddesk.evaluation.sounds.sounds_result import PAGE_FILE
from sounddesk.evaluation.sounds.sounds_result import Cell
from sounddesk.evaluation.sounds.sounds_result import ListenerRatings
from sounddesk.evaluation.sounds.sounds_result import SoundsResult
from sounddesk.evaluation.sounds.sounds_result import SystemTest
from sounddesk.evaluation.sounds.system_sounds import GROUND_TRUTH
from sounddesk.evaluation.sounds.system_sounds import NOISE
from sounddesk.evaluation.sounds.system_sounds import SystemSounds
from sounddesk.evaluation.sounds.system_sounds import find_sounds
from sounddesk.evaluation.sounds.system_sounds import look_at
from sounddesk.evaluation.sounds.system_sounds import parse_systems
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.storage.own_file import make_own_folders

FEATURES_FOLDER: Final = "features"
_HALVES: Final = "half of the references against the other half; so few alone make distances larger"


def run(
    *,
    system: Sequence[str],
    manifest: Path,
    out: Path,
    reference: Path | None = None,
    metrics: Sequence[str] = (),
    examples: int = 6,
    models: Path | None = None,
    listeners: ListenerRatings | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> SoundsResult:
    """Measure systems and write the report.

    Args:
        system: NAME=FOLDER of each; the first is tested against the others.
        manifest: the clips, see `EvaluationClip`.
        out: folder of the report; one that holds an earlier report is brought up to date.
        reference: folder of the real sounds as ID.wav, for clips whose line names none.
        metrics: which ones; all that there are by default.
        examples: how many clips are shown with picture, sounds and spectrograms side by side.
        models: folder of installed models, the user's own by default.
        listeners: what a study found out, for a table of its own.

    Raises:
        BadInputError: manifest, folders or names of metrics cannot be used, or `out` holds other things.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; what was heard so far is kept for the next run.
    """
    folders = parse_systems(system)
    listing = read_clip_manifest(manifest)
    chosen = [METRICS.get(name) for name in metrics] if metrics else list(METRICS)
    chosen.sort(key=lambda each: (each.origin != "paper", each.rank, each.name))
    check_report_folder(out, marker=FEATURES_FOLDER)
    with translate_os_errors(out, what="cannot make"):
        # Also where no network is there to fill it: a later run knows the folder by it.
        out.mkdir(parents=True, exist_ok=True)
        make_own_folders(out, Path(FEATURES_FOLDER))
    lock = FolderLock(out / LOCK_NAME, folder=out, work="measurement")
    try:
        clips = listing.clips
        reporter = StageReporter(
            stage="files", total=len(clips) * (1 + len(folders)), on_progress=progress, cancel=cancel
        )
        systems = [
            find_sounds(name, folder, clips, reporter=reporter, done=index * len(clips))
            for index, (name, folder) in enumerate(folders.items())
        ]
        real = _references(clips, reference, reporter=reporter, done=len(folders) * len(clips))
        measured = _measure(chosen, clips, systems, real, out=out, models=models, progress=progress, cancel=cancel)
        notes = {each.name: each.notes(reference=real) for each in systems}
        notes[GROUND_TRUTH] = real.notes()
        if listing.doubled:
            told = ", ".join(f"{key!r} in lines {', '.join(map(str, at))}" for key, at in listing.doubled.items())
            notes["Manifest"] = [f"{len(listing.doubled)} ids stand there more than once and are left out: {told}"]
        if measured.unseen:
            notes["Pictures"] = [f"{clip_id} cannot be seen: {why}" for clip_id, why in measured.unseen.items()]
        result = SoundsResult(
            metrics=tuple(chosen),
            cells=measured.cells,
            tests=tuple(measured.tests),
            not_measured=measured.not_measured,
            notes={name: told for name, told in notes.items() if told},
            examples=write_examples(out, clips, systems, real, count=examples, progress=progress, cancel=cancel),
            clips=len(clips),
            page=str(out / PAGE_FILE),
            listeners=listeners,
        )
        # Not where the page is, which names folders of hers to whom she hands the report on.
        figures = {key: value for key, value in result.to_json().items() if key != "page"}
        write_file(out / FIGURES_FILE, (json.dumps(figures, indent=1) + "\n").encode())
        write_file(out / PAGE_FILE, sounds_page(result).encode("utf-8"))
    finally:
        lock.release()
    return result


def _references(
    clips: Sequence[EvaluationClip], folder: Path | None, *, reporter: StageReporter, done: int
) -> SystemSounds:
    """The real sounds, by the manifest or else by the clips' ids in `folder`; clips may have none."""
    if folder is not None:
        in_folder = find_sounds(GROUND_TRUTH, folder, clips, reporter=reporter, done=done)
        if not any(clip.reference for clip in clips):
            return in_folder
    named = {clip.id: [clip.reference] for clip in clips if clip.reference is not None}
    found = look_at(GROUND_TRUTH, folder, named, reporter=reporter, done=done)
    if folder is None:
        return found
    return SystemSounds(
        name=GROUND_TRUTH,
        folder=folder,
        sounds={**in_folder.sounds, **found.sounds},
        problems={**in_folder.problems, **found.problems},
    )


class _Measured:
    def __init__(self, rows: Sequence[str]) -> None:
        self.cells: dict[str, dict[str, Cell]] = {row: {} for row in rows}
        self.tests: list[SystemTest] = []
        self.not_measured: dict[str, str] = {}
        self.unseen: dict[str, str] = {}


def _measure(
    metrics: Sequence[SoundMetric],
    clips: Sequence[EvaluationClip],
    systems: Sequence[SystemSounds],
    real: SystemSounds,
    *,
    out: Path,
    models: Path | None,
    progress: OnProgress | None,
    cancel: CancelToken | None,
) -> _Measured:
    """All cells, network by network, so that only one is in memory."""
    rows = [GROUND_TRUTH, NOISE, *(each.name for each in systems)]
    found = _Measured(rows if real.sounds else rows[1:])
    for name in dict.fromkeys(each.network for each in metrics):
        asking = [each for each in metrics if each.network == name]
        try:
            network = load_network(name, models=models)
        except (EngineError, MissingPackageError) as error:
            found.not_measured.update({each.name: str(error) for each in asking})
            continue
        with FeatureStore(out / FEATURES_FOLDER, NETWORKS.get(name)) as store:
            heard = hear_all(
                network,
                store,
                clips,
                systems,
                real,
                name=name,
                with_pictures=any("image" in each.needs for each in asking),
                progress=progress,
                cancel=cancel,
            )
        del network
        found.unseen.update(heard.unseen)
        reporter = StageReporter(
            stage=f"figures by {name}", total=len(asking) * len(rows), on_progress=progress, cancel=cancel
        )
        for index, metric in enumerate(asking):
            _measure_by(metric, heard, found, reporter=reporter, done=index * len(rows))
    return found


def _measure_by(
    metric: SoundMetric, heard: HeardClips, found: _Measured, *, reporter: StageReporter, done: int
) -> None:
    """The cells and tests of one metric."""

    def check() -> None:
        reporter.step(done)

    measured: dict[str, MeasuredSystem] = {}
    for row in found.cells:
        evidence = heard.evidence[row]
        note = ""
        if row == GROUND_TRUTH and "reference" in metric.needs:
            if metric.origin == "paper":
                found.cells[row][metric.name] = Cell()
                continue
            evidence, note = half_against_half(evidence), _HALVES
        system = MeasuredSystem(metric, evidence)
        cell = system.cell(on_draw=check)
        found.cells[row][metric.name] = Cell(**{**cell.__dict__, "note": note}) if note else cell
        if row not in (GROUND_TRUTH, NOISE):
            measured[row] = system
        done += 1
        reporter.step(done)
    if all(row[metric.name].value is None for row in found.cells.values()):
        told = {row[metric.name].missing for row in found.cells.values()} - {""}
        found.not_measured[metric.name] = "; ".join(sorted(told))
        for row_cells in found.cells.values():
            del row_cells[metric.name]
        return
    if len(measured) > 1:
        found.tests += tests_of(metric, measured, on_draw=check)
