"""How far are a bundle's sounds from real recordings, and at which stage is it lost? `sounddesk evaluate realism`.

Each recording gets a copy by the vocoder, one by codec and vocoder as takes are decoded, a take by its kind's words,
and where pictures are given a take through one of its kind's pictures. So both sides of each row hold the same kinds;
each sound is cut to the loudest part that is as long as the recording's, and is as loud. Both are embedded by the
sound-effects encoder that ships, once with the band cut at 8 kHz and once as they are. Rows of real recordings against
other real ones say what can be reached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.audio.pictures.spectrogram_image import encode_png
from sounddesk.audio.pictures.spectrogram_image import spectrogram_image
from sounddesk.audio.resample import resample
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.preset import PresetName
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.picture_folder import kind_captions
from sounddesk.evaluation.picture_folder import normal_name
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.realism.comparisons import LEAST_RECORDINGS
from sounddesk.evaluation.realism.comparisons import EmbeddedSets
from sounddesk.evaluation.realism.comparisons import compare
from sounddesk.evaluation.realism.comparisons import compare_halves
from sounddesk.evaluation.realism.comparisons import kind_distances
from sounddesk.evaluation.realism.made_sounds import RealExcerpt
from sounddesk.evaluation.realism.made_sounds import SoundMaker
from sounddesk.evaluation.realism.realism_page import realism_page
from sounddesk.evaluation.realism.realism_result import FIGURES_FILE
from sounddesk.evaluation.realism.realism_result import PAGE_FILE
from sounddesk.evaluation.realism.realism_result import Comparison
from sounddesk.evaluation.realism.realism_result import HeardSound
from sounddesk.evaluation.realism.realism_result import KindFigures
from sounddesk.evaluation.realism.realism_result import RealismResult
from sounddesk.evaluation.realism.realism_result import Stage
from sounddesk.evaluation.recordings.excerpts import BANDS
from sounddesk.evaluation.recordings.excerpts import EXCERPT_S
from sounddesk.evaluation.recordings.excerpts import Band
from sounddesk.evaluation.recordings.heard_recordings import heard_by
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording
from sounddesk.evaluation.recordings.recording_folder import SplitChoice
from sounddesk.evaluation.recordings.recording_folder import most_of
from sounddesk.evaluation.recordings.recording_folder import read_recording_folder
from sounddesk.evaluation.recordings.sound_embedding import SoundEmbedder
from sounddesk.evaluation.recordings.sound_journal import JournalSound
from sounddesk.evaluation.recordings.sound_journal import SoundJournal
from sounddesk.evaluation.sound_classifier import SILENT_PEAK
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.storage.atomic_file import write_file

FULL_BAND_HZ: Final = 32_000
"""Recordings of a lower rate lack what the full band is about."""
SPECTROGRAM_WIDTH: Final = 256
SPECTROGRAM_HEIGHT: Final = 144


def run(
    *,
    out: Path,
    reference: Path,
    bundle: str | Path = SHIPPED_BUNDLE,
    split: SplitChoice | None = None,
    pictures: Path | None = None,
    backgrounds: Path | None = None,
    recordings: int | None = None,
    seed: int = 0,
    preset: PresetName = "fast",
    sampling: SamplingSettings | None = None,
    seconds: float = 5.0,
    embedder: SoundEmbedder | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> RealismResult:
    """Measure a bundle and write the page; what an earlier, stopped run into `out` has made is used.

    Args:
        out: folder of the measurement, its own.
        reference: real recordings, KIND/*.flac or a prepared data set.
        split: part of a data set; its test part by default.
        pictures: holds KIND/*.png cut-outs with alpha, for takes through pictures.
        backgrounds: photographs behind them.
        recordings: at most so many, spread over the kinds.
        seed: takes follow from it and from the recording's name.
        sampling: every setting of the denoising loop; replaces `preset`.
        seconds: length of each take.
        embedder: by default the encoder that ships.

    Raises:
        BadInputError: recordings, pictures or `out` cannot be used.
        EngineError: the bundle cannot be used.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`; the sounds made so far are kept for the next run.
    """
    check_seconds(seconds)
    settings = sampling or SamplingSettings(preset=preset)
    every = read_recording_folder(reference, split=split)
    chosen = most_of(every, recordings)
    photographs = read_backgrounds(backgrounds) if backgrounds is not None else []
    with EngineSession.open(bundle=bundle, device=device) as session, SoundJournal(out) as journal:
        heard = heard_by(session.bundle).text(chosen)
        kinds = sorted({each.kind for each in chosen})
        cut_outs = {} if pictures is None else read_picture_folder(pictures, kinds).cut_outs
        maker = SoundMaker(
            session=session,
            embedder=embedder or SoundEmbedder(),
            journal=journal,
            captions=kind_captions(session.bundle),
            cut_outs=cut_outs,
            backgrounds=photographs,
            seed=seed,
            seconds=seconds,
            sampling=settings,
            cancel=cancel,
        )
        stages, not_measured = _stages(session, has_pictures=bool(cut_outs))
        others = _others(reference, chosen) if chosen[0].split not in ("", "train") else []
        reporter = StageReporter(
            stage="sounds", total=len(chosen) * (1 + len(stages)) + len(others), on_progress=progress, cancel=cancel
        )
        real, made = _make(maker, chosen, stages, reporter)
        if len(real) < LEAST_RECORDINGS or len({each.recording.kind for each in real}) < 2:
            raise BadInputError(
                f"{reference} has {len(real)} usable recordings of {len({r.recording.kind for r in real})} kinds: "
                f"a distance needs {LEAST_RECORDINGS} of two kinds or more"
            )
        done = len(chosen) * (1 + len(stages))
        other = {}
        for index, (recording, another) in enumerate(others):
            found = maker.real(another)
            if found is not None:
                other[recording.kind, recording.id] = found.sound
            reporter.step(done + index + 1)
        comparisons = _compare_all(real, made, other, not_measured, progress=progress, cancel=cancel)
        result = RealismResult(
            bundle=session.bundle.name,
            bundle_sha256=session.bundle.sha256,
            seed=seed,
            seconds=seconds,
            sampling=settings,
            folder=out,
            reference=reference.name,
            split=chosen[0].split and (split or "test"),
            heard=heard,
            comparisons=tuple(comparisons),
            silent={stage: sum(each.peak < SILENT_PEAK for each in found.values()) for stage, found in made.items()},
            not_measured=not_measured,
            kinds=_of_kinds(out, real, made, progress=progress, cancel=cancel),
        )
        write_file(out / FIGURES_FILE, (json.dumps(result.to_json(), indent=1) + "\n").encode())
        write_file(out / PAGE_FILE, realism_page(result).encode("utf-8"))
    return result


_Made = dict[Stage, dict[tuple[str, str], JournalSound]]


def _stages(session: EngineSession, *, has_pictures: bool) -> tuple[list[Stage], dict[str, str]]:
    """What this bundle can be asked for, and why the rest cannot."""
    bundle = session.bundle
    stages: list[Stage] = []
    missing: dict[str, str] = {}
    if bundle.text_engine is None:
        stages += ["vocoder copy", "codec copy"]
    else:
        missing["copies"] = "a text-only bundle's codec is inside of its engine"
    try:
        bundle.require_texts()
        stages.append("take by words")
    except EngineError as error:
        missing["take by words"] = str(error)
    if bundle.text_engine is not None:
        missing["take through a picture"] = "the bundle is text-only"
    elif has_pictures:
        stages.append("take through a picture")
    else:
        missing["take through a picture"] = "no pictures of these kinds were given (--pictures)"
    return stages, missing


def _others(
    reference: Path, chosen: Sequence[ReferenceRecording]
) -> list[tuple[ReferenceRecording, ReferenceRecording]]:
    """Each recording of a held-out part with another of its kind from the training part, each used once."""
    left: dict[str, list[ReferenceRecording]] = {}
    try:
        for each in read_recording_folder(reference, split="train"):
            left.setdefault(each.kind, []).append(each)
    except BadInputError:
        return []
    pairs = []
    for recording in chosen:
        fitting = [each for each in left.get(recording.kind, ()) if each.origin != recording.origin]
        if fitting:
            pairs.append((recording, fitting[0]))
            left[recording.kind].remove(fitting[0])
    return pairs


def _make(
    maker: SoundMaker, chosen: Sequence[ReferenceRecording], stages: Sequence[Stage], reporter: StageReporter
) -> tuple[list[RealExcerpt], _Made]:
    """All excerpts and the sounds of each stage by kind and name."""
    real: list[RealExcerpt] = []
    made: _Made = {stage: {} for stage in stages}
    numbers: dict[str, int] = {}
    done = 0
    for recording in chosen:
        excerpt = maker.real(recording)
        if excerpt is not None:
            real.append(excerpt)
        done += 1
        reporter.step(done)
        number = numbers.get(recording.kind, 0)
        numbers[recording.kind] = number + 1
        for stage in stages:
            seen = stage != "take through a picture" or recording.kind in maker.cut_outs
            if excerpt is not None and seen:
                made[stage][recording.kind, recording.id] = maker.made(stage, excerpt, number)
            done += 1
            reporter.step(done)
    return real, made


def _is_full_band(excerpt: RealExcerpt) -> bool:
    rates = [excerpt.sample_rate_hz, excerpt.recording.source_rate_hz or excerpt.sample_rate_hz]
    return min(rates) >= FULL_BAND_HZ


def _compare_all(
    real: Sequence[RealExcerpt],
    made: _Made,
    other: Mapping[tuple[str, str], JournalSound],
    not_measured: dict[str, str],
    *,
    progress: OnProgress | None,
    cancel: CancelToken | None,
) -> list[Comparison]:
    """Rows of each band, ceilings first; rows that cannot be are noted in `not_measured`."""
    rows: dict[str, Mapping[tuple[str, str], JournalSound]] = {"other recordings": other} if other else {}
    rows.update({str(stage): sounds for stage, sounds in made.items()})
    reporter = StageReporter(
        stage="comparisons", total=len(BANDS) * (1 + len(rows)), on_progress=progress, cancel=cancel
    )
    comparisons: list[Comparison] = []
    done = 0

    def check() -> None:
        reporter.step(done)

    for band in BANDS:
        used = [each for each in real if band != "full" or _is_full_band(each)]
        if len(used) < LEAST_RECORDINGS or len({each.recording.kind for each in used}) < 2:
            not_measured["full band"] = (
                f"{len(used)} of {len(real)} recordings have a rate of {FULL_BAND_HZ // 1000} kHz or more"
            )
            done += 1 + len(rows)
            continue
        kinds = [each.recording.kind for each in used]
        comparisons.append(
            compare_halves(band, np.stack([each.sound.embeddings[band] for each in used]), kinds, on_step=check)
        )
        done += 1
        for row, sounds in rows.items():
            sets = _sets(used, sounds, band)
            if len(sets.kinds) >= LEAST_RECORDINGS and len(set(sets.kinds)) > 1:
                comparisons.append(compare(row, band, sets, is_ceiling=row == "other recordings", on_step=check))
            else:
                not_measured[f"{row}, {band}"] = f"there are {len(sets.kinds)}, which is too few"
            done += 1
            reporter.step(done)
    return comparisons


def _sets(real: Sequence[RealExcerpt], sounds: Mapping[tuple[str, str], JournalSound], band: Band) -> EmbeddedSets:
    """The recordings that have a sound in `sounds`, and those."""
    paired = [
        (each, sounds[each.recording.kind, each.recording.id])
        for each in real
        if (each.recording.kind, each.recording.id) in sounds
    ]
    width = len(next(iter(real)).sound.embeddings[band])
    empty = np.zeros((0, width), dtype=np.float32)
    return EmbeddedSets(
        kinds=tuple(each.recording.kind for each, _ in paired),
        real=np.stack([each.sound.embeddings[band] for each, _ in paired]) if paired else empty,
        made=np.stack([sound.embeddings[band] for _, sound in paired]) if paired else empty,
    )


def _of_kinds(
    out: Path, real: Sequence[RealExcerpt], made: _Made, *, progress: OnProgress | None, cancel: CancelToken | None
) -> tuple[KindFigures, ...]:
    """Every kind with the sounds of its worst recording, the worst kind first; writes the spectrograms."""
    distances: dict[Stage, dict[str, list[float]]] = {}
    for stage, sounds in made.items():
        sets = _sets(real, sounds, "16 kHz")
        if len(sets.kinds) > 1:
            distances[stage] = kind_distances(sets)
    names = sorted({each.recording.kind for each in real}, key=normal_name)
    reporter = StageReporter(stage="page", total=len(names), on_progress=progress, cancel=cancel)
    kinds = []
    for index, kind in enumerate(names):
        excerpts = [each for each in real if each.recording.kind == kind]
        means: dict[str, float] = {
            stage: float(np.mean(found[kind])) for stage, found in distances.items() if kind in found
        }
        last = next((found[kind] for found in reversed(distances.values()) if kind in found), [0.0])
        worst = excerpts[int(np.argmax(last))] if len(last) == len(excerpts) else excerpts[0]
        key = (kind, worst.recording.id)
        rate = worst.sample_rate_hz
        shown = [_shown(out, "real recording", worst.sound, None, rate)]
        for stage, sounds in made.items():
            if key in sounds:
                distance = distances.get(stage, {}).get(kind, [None])
                position = [each.recording.id for each in excerpts if (kind, each.recording.id) in sounds].index(key[1])
                shown.append(_shown(out, stage, sounds[key], distance[position], rate))
        kinds.append(KindFigures(kind=kind, recordings=len(excerpts), distances=means, shown=tuple(shown)))
        reporter.step(index + 1)
    return tuple(sorted(kinds, key=lambda each: -each.worst))


def _shown(out: Path, label: str, sound: JournalSound, distance: float | None, rate: int) -> HeardSound:
    """The sound with its spectrogram up to half of `rate`, made where it is not there."""
    picture = Path(sound.file).with_suffix(".png").as_posix()
    if not (out / picture).is_file():
        found = read_sound(out / sound.file)
        waveform = resample(found.samples, from_hz=found.sample_rate_hz, to_hz=rate)
        padded = np.zeros(round(EXCERPT_S * rate), dtype=np.float32)
        padded[: len(waveform)] = waveform[: len(padded)]
        image = spectrogram_image(padded, sample_rate_hz=rate, width=SPECTROGRAM_WIDTH, height=SPECTROGRAM_HEIGHT)
        write_file(out / picture, encode_png(image))
    return HeardSound(label=label, file=sound.file, spectrogram=picture, distance=distance)
