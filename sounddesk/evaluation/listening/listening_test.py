"""Which sounds more real? A blind page for people: takes of one or two bundles, and recordings.

Each trial of `sounddesk evaluate listen` plays two sounds of one kind, equally long and equally loud, in an order that
the seed decides, and asks which sounds more like the real thing. The page tells nothing of where they are from: files
have numbers, and the key lies in a file that the page does not name. It works from the disk, in any browser.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.preset import PresetName
from sounddesk.domain.seeds import take_seed
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.images.scene_composition import CutOut
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.evaluation_scenes import draw_single
from sounddesk.evaluation.listening.listening_key import KEY_FILE
from sounddesk.evaluation.listening.listening_key import REAL
from sounddesk.evaluation.listening.listening_key import ListeningKey
from sounddesk.evaluation.listening.listening_key import Preference
from sounddesk.evaluation.listening.listening_key import Trial
from sounddesk.evaluation.listening.listening_key import preferences
from sounddesk.evaluation.listening.listening_key import read_answers
from sounddesk.evaluation.picture_folder import kind_captions
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.recordings.excerpts import loudest_part
from sounddesk.evaluation.recordings.excerpts import matched
from sounddesk.evaluation.recordings.recording_folder import SplitChoice
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_mono
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.storage.html_page import render_template
from sounddesk.storage.output_folder import OutputFolder

PAGE_FILE: Final = "index.html"
MOST_BUNDLES: Final = 2
_RATE_HZ: Final = 48_000
_PEAK: Final = 0.9
_TEMPLATE: Final = Path(__file__).with_name("listening_page.html")


@dataclass(frozen=True, kw_only=True)
class ListeningTest:
    """A page that was written."""

    folder: Path
    key: ListeningKey

    def line(self) -> str:
        return f"listening test of {len(self.key.trials)} pairs: open {self.folder / PAGE_FILE} in a browser"

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "listen",
            "page": str(self.folder / PAGE_FILE),
            "test": self.key.test,
            "sources": self.key.sources,
            "trials": len(self.key.trials),
        }


@dataclass(frozen=True, kw_only=True)
class ListeningReport:
    """What people's answers say."""

    listeners: int
    answers: int
    found: tuple[Preference, ...]

    def line(self) -> str:
        return f"{self.answers} answers of {self.listeners} listeners"

    def details(self) -> list[str]:
        return [each.line() for each in self.found]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "listen",
            "listeners": self.listeners,
            "answers": self.answers,
            "preferences": [each.to_json() for each in self.found],
        }


def report(folder: Path, answers: Sequence[Path]) -> ListeningReport:
    """Lay the answers that listeners saved beside the key of a page. Raises: BadInputError."""
    key = ListeningKey.load(folder)
    read = [read_answers(file, key) for file in answers]
    return ListeningReport(
        listeners=len(read), answers=sum(len(each) for each in read), found=tuple(preferences(key, read))
    )


def write_test(
    *,
    out: Path,
    bundles: Sequence[str],
    reference: Path,
    split: SplitChoice | None = None,
    pictures: Path | None = None,
    kinds: int = 12,
    seed: int = 0,
    preset: PresetName = "fast",
    sampling: SamplingSettings | None = None,
    seconds: float = 5.0,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ListeningTest:
    """Make the takes and write the page: all of it appears at once, or nothing does, and nothing is overwritten.

    Args:
        out: folder for the page; where it holds one already, the new one goes beside it.
        bundles: one or two, by name or folder.
        reference: real recordings, KIND/*.flac or a prepared data set.
        pictures: KIND/*.png: takes through pictures; by the words of the kind without.
        kinds: how many; of each kind every two sources are compared once.
        seed: of the takes and the order.

    Raises:
        BadInputError: bundles, recordings or pictures cannot be used.
        EngineError: a bundle cannot be used.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; nothing was written.
    """
    check_seconds(seconds)
    if not 1 <= len(bundles) <= MOST_BUNDLES:
        raise BadInputError(f"{len(bundles)} bundles were named: name one or two, as --bundle A --bundle B")
    settings = sampling or SamplingSettings(preset=preset)
    found = [find_bundle(name) for name in bundles]
    labels = _labels([each.name for each in found])
    real = _real_sounds(reference, split, most=kinds, seconds=seconds)
    cut_outs: Mapping[str, Sequence[CutOut]] = {}
    if pictures is not None:
        cut_outs = read_picture_folder(pictures, sorted(real)).cut_outs
        real = {kind: sound for kind, sound in real.items() if kind in cut_outs}
    sounds: dict[str, dict[str, Waveform]] = {REAL: real}
    reporter = StageReporter(stage="takes", total=len(real) * len(found), on_progress=progress, cancel=cancel)
    needed = round(len(real) * (1 + len(found)) * seconds * _RATE_HZ * 2)
    with OutputFolder(out, needed_bytes=needed) as target:
        done = 0
        for label, bundle in zip(labels, found, strict=True):
            with EngineSession.open(bundle=bundle, device=device) as session:
                made = {}
                for kind, truth in real.items():
                    waveform = _take(
                        session, kind, cut_outs, seed=seed, seconds=seconds, sampling=settings, cancel=cancel
                    )
                    rate = session.audio.mel.sample_rate_hz
                    made[kind] = matched(resample(waveform, from_hz=rate, to_hz=_RATE_HZ), truth)
                    done += 1
                    reporter.step(done)
                sounds[label] = made
        key, files = _arrange(
            sounds, sources=dict(zip(labels, [each.sha256 for each in found], strict=True)), seed=seed
        )
        for name, waveform in files.items():
            target.write(name, encode_wav(waveform, sample_rate_hz=_RATE_HZ, wav_format="PCM_16")[0])
        target.write(KEY_FILE, (json.dumps(key.to_json(), indent=1) + "\n").encode())
        target.write(PAGE_FILE, listening_page(key).encode("utf-8"))
        place = target.commit()
    return ListeningTest(folder=out if place == out.resolve() else out.with_name(place.name), key=key)


def listening_page(key: ListeningKey) -> str:
    """The page as HTML; it knows the trials' numbers, kinds and files, and not where sounds are from."""
    trials = [{"id": each.id, "kind": each.kind, "files": _files_of(each)} for each in key.trials]
    return render_template(_TEMPLATE, title="Which sounds more real?", test=key.test, trials=trials)


def _files_of(trial: Trial) -> list[str]:
    return [f"sounds/{trial.id}-{number}.wav" for number in (1, 2)]


def _labels(names: Sequence[str]) -> list[str]:
    """What the report calls the bundles: two of one name get a number."""
    return [name if names.count(name) == 1 else f"{name} ({index})" for index, name in enumerate(names, start=1)]


def _real_sounds(reference: Path, split: SplitChoice | None, *, most: int, seconds: float) -> dict[str, Waveform]:
    """The loudest `seconds` of one recording of each kind at 48 kHz. Raises: BadInputError, too few."""
    sounds: dict[str, Waveform] = {}
    recordings = read_recording_folder(reference, split=split)
    by_kind = most_of(recordings, len({each.kind for each in recordings}))
    step = max(1, len(by_kind) // most)
    for recording in by_kind[::step][:most]:
        found = read_mono(recording.path)
        if found is not None and recording.kind not in sounds:
            part = loudest_part(found[0], n_samples=round(seconds * found[1]))
            sounds[recording.kind] = resample(part, from_hz=found[1], to_hz=_RATE_HZ)
    if not sounds:
        raise BadInputError(f"{reference} holds no usable recording")
    return sounds


def _take(
    session: EngineSession,
    kind: str,
    cut_outs: Mapping[str, Sequence[CutOut]],
    *,
    seed: int,
    seconds: float,
    sampling: SamplingSettings,
    cancel: CancelToken | None,
) -> Waveform:
    of_take = take_seed(seed, name=kind, take=0)
    if cut_outs:
        scene = draw_single(cut_outs[kind][0], kind=kind, seed=seed, number=1)
        take = ObjectRequest(name=kind, mask=scene.masks[0], seed=of_take)
        asked = GenerationRequest(image=scene.image, takes=(take,), seconds=seconds, sampling=sampling)
        return session.generate(asked, cancel=cancel)[0].mono
    prompt = kind_captions(session.bundle).get(kind, kind)
    request = TextRequest(prompts=(prompt,), seeds=(of_take,), seconds=seconds, sampling=sampling)
    return session.generate_from_text(request, cancel=cancel)[0].mono


def _arrange(
    sounds: Mapping[str, Mapping[str, Waveform]], *, sources: dict[str, str], seed: int
) -> tuple[ListeningKey, dict[str, Waveform]]:
    """All trials in an order of their own, and the files by name; both sounds of a trial are equally loud."""
    rng = np.random.default_rng(seed)
    pairs = [(kind, *pair) for pair in itertools.combinations(sorted(sounds), 2) for kind in sounds[REAL]]
    trials: list[Trial] = []
    files: dict[str, Waveform] = {}
    for number, index in enumerate(rng.permutation(len(pairs)), start=1):
        kind, first, second = pairs[int(index)]
        if rng.random() < 0.5:
            first, second = second, first
        trial = Trial(id=f"{number:03d}", kind=kind, first=first, second=second)
        both = [sounds[source][kind] for source in (first, second)]
        # One gain for both, so that neither clips and they stay equally loud.
        gain = _PEAK / max(1e-6, *(float(np.abs(each).max(initial=0.0)) for each in both))
        files |= {name: (each * gain).astype(np.float32) for name, each in zip(_files_of(trial), both, strict=True)}
        trials.append(trial)
    # Of the sounds themselves, so that answers to another page never fit.
    digest = hashlib.sha256(b"".join(files[name].tobytes() for name in sorted(files))).hexdigest()[:16]
    return ListeningKey(test=digest, sources=sources, trials=tuple(trials)), files
