"""One continuous sound per object over the shot: conditions from its masks, gain and pan from their size and place."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.auto_level import apply_auto_level
from sounddesk.audio.auto_level import gaussian_smoothed
from sounddesk.audio.exporters.provenance import recording_line
from sounddesk.audio.files.pcm import Waveform
from sounddesk.audio.files.riff_chunks import BroadcastInfo
from sounddesk.audio.files.riff_chunks import bext_chunk
from sounddesk.audio.files.riff_chunks import ixml_chunk
from sounddesk.audio.mixing import mix_stems
from sounddesk.audio.resample import resample
from sounddesk.batch.frame_files import WAV_FORMAT
from sounddesk.batch.frame_files import levels_of
from sounddesk.batch.frame_files import write_sound
from sounddesk.batch.frame_masks import MaskFinder
from sounddesk.batch.jobs import BedFrame
from sounddesk.batch.jobs import BedJob
from sounddesk.batch.jobs import RenderSettings
from sounddesk.batch.library_bed import bed_of_recordings
from sounddesk.domain.batch_manifest import Row
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.mask import coverage as share_of_image
from sounddesk.domain.mask import pan_from_mask
from sounddesk.domain.timeline import PROJECT_RATE_HZ
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BedRequest
from sounddesk.engine.types import GeneratedBed
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import TakeCondition
from sounddesk.storage.library.library import Library

if TYPE_CHECKING:
    from sounddesk.engine.images.scene_objects import SoundingObject

BEDS_FOLDER: Final = "beds"

# However small an object becomes, it stays audible while it is there.
_LEAST_GAIN: Final = 10.0 ** (-24.0 / 20.0)
# Masks tremble from frame to frame; gain and pan follow their motion, not that.
_SMOOTHING_S: Final = 0.3
_CURVE_HZ: Final = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Where an object is at one moment: gain (linear, 0 where it is absent) and pan (-1 to 1)."""

    time_s: float
    gain: float
    pan: float


class BedError(EngineError):
    """A bed that cannot be made; the message says why."""


def make_bed(
    job: BedJob, settings: RenderSettings, *, session: EngineSession, finder: MaskFinder, cancel: CancelToken
) -> Callable[[], Row]:
    """Generate a bed; the function returned writes it and gives its row.

    Raises:
        BedError: no frame has the object in it, or the engine could not finish.
        Cancelled: through `cancel`.
    """
    start = time.monotonic()
    conditions: list[TakeCondition] = []
    condition_times: list[float] = []
    shares: list[float] = []
    pans: list[float] = []
    notes: list[str] = []
    # Where it can be seen best.
    shown: tuple[RgbImage, ObjectRequest] | None = None
    for frame in job.frames:
        cancel.raise_if_cancelled()
        try:
            found = _object_in(job, frame, finder)
        except EngineError as error:
            # A broken frame is skipped; gain and pan are interpolated over it.
            notes.append(f"{frame.frame} was passed over: {error}")
            shares.append(math.nan)
            pans.append(math.nan)
            continue
        if found is None:
            shares.append(0.0)
            pans.append(math.nan)
            continue
        pixels, sounding = found
        request = ObjectRequest(
            name=job.name,
            mask=sounding.probability,
            seed=job.seed,
            prompt=sounding.hint,
            negative_prompt=sounding.negative_hint,
            kind=sounding.kind,
        )
        if settings.library is None:
            try:
                conditions.append(session.condition(pixels, request))
            except (EngineError, ValueError) as error:
                raise BedError(f"{frame.frame}: {error}") from error
            condition_times.append(frame.time_s)
        share = share_of_image(sounding.mask)
        if shown is None or share > max(each for each in shares if math.isfinite(each)):
            shown = pixels, request
        shares.append(share)
        pans.append(pan_from_mask(sounding.mask))
    if shown is None:
        raise BedError("; ".join(notes) or f"{job.name!r} is in no frame: select it where it can be seen")
    prepared = time.monotonic()
    try:
        if settings.library is None:
            wanted = BedRequest(
                name=job.name,
                conditions=tuple(conditions),
                times_s=tuple(condition_times),
                seconds=job.seconds,
                seed=job.seed,
                sampling=settings.sampling,
            )
            bed = session.generate_bed(wanted, cancel=cancel)
        else:
            with Library(settings.library) as library:
                bed = bed_of_recordings(job, library, session=session, image=shown[0], request=shown[1], cancel=cancel)
    except (EngineError, BadInputError, ValueError) as error:
        raise BedError(str(error)) from error
    generated = time.monotonic()
    places = places_of(job.frames, shares, pans, still=job.kind != "object")
    timings = {"conditions": prepared - start, "generate": generated - prepared}

    def write() -> Row:
        begin = time.monotonic()
        samples = resample(
            bed.waveform,
            from_hz=bed.sample_rate_hz,
            to_hz=PROJECT_RATE_HZ,
            n_samples=round(job.seconds * PROJECT_RATE_HZ),
        )
        # A model's sounds come and go; what lies under a whole shot must not.
        even = apply_auto_level(samples, sample_rate_hz=PROJECT_RATE_HZ, peak=session.audio.mel.peak)
        placed = follow(even, places, sample_rate_hz=PROJECT_RATE_HZ)
        mix = mix_stems([placed], wav_format=WAV_FORMAT)
        told = [*notes, *bed.notes]
        if mix.clipped_samples:
            mix = mix_stems([placed], common_gain_db=mix.needed_gain_db, wav_format=WAV_FORMAT)
            told.append(f"{-mix.common_gain_db:g} dB lower, so that it does not clip")
        name = f"{BEDS_FOLDER}/{job.file}"
        sha256 = write_sound(settings.out, name, mix.stems[0], chunks=_chunks(job, bed.recordings))
        levels = levels_of(mix.stems[0])
        timings["write"] = time.monotonic() - begin
        return job.row(
            status="done",
            settings=_facts(job, settings, places, bed),
            files={name: sha256},
            levels=levels,
            notes=tuple(told),
            timings_s={step: round(value, 3) for step, value in timings.items()},
        )

    return write


def places_of(
    frames: Sequence[BedFrame], shares: Sequence[float], pans: Sequence[float], *, still: bool
) -> tuple[Place, ...]:
    """Gain and pan in each frame.

    A sound's power is taken to grow with the area that its object covers; the largest is 0 dB. What stands for the
    whole scene stays where it is.

    Args:
        shares: of the image that the object covers; 0 where it is absent, NaN where that is not known.
        pans: -1 to 1; NaN where there is nothing to see.
        still: gain and pan do not follow anything.
    """
    if still:
        return (Place(time_s=frames[0].time_s, gain=1.0, pan=0.0),)
    share = _filled(np.asarray(shares, dtype=np.float64))
    pan = _filled(np.asarray(pans, dtype=np.float64))
    largest = share.max()
    return tuple(
        Place(
            time_s=frame.time_s,
            gain=0.0 if area <= 0.0 else max(_LEAST_GAIN, math.sqrt(area / largest)),
            pan=float(x),
        )
        for frame, area, x in zip(frames, share, pan, strict=True)
    )


def follow(samples: Waveform, places: Sequence[Place], *, sample_rate_hz: int) -> Waveform:
    """A mono bed float[n] at its place in stereo, float32[n, 2]: gain and pan glide from frame to frame."""
    times_s = [place.time_s for place in places]
    seconds = len(samples) / sample_rate_hz
    grid_s = np.arange(math.ceil(seconds * _CURVE_HZ) + 1) / _CURVE_HZ
    sigma = _SMOOTHING_S * _CURVE_HZ
    gain = gaussian_smoothed(np.interp(grid_s, times_s, [place.gain for place in places]), sigma=sigma)
    pan = gaussian_smoothed(np.interp(grid_s, times_s, [place.pan for place in places]), sigma=sigma)
    angle = (pan + 1.0) * math.pi / 4.0
    out = np.empty((len(samples), 2), dtype=np.float32)
    # In pieces, so that an hour needs no more memory than a minute beside the sound itself.
    for start in range(0, len(samples), sample_rate_hz * 10):
        end = min(start + sample_rate_hz * 10, len(samples))
        at_s = np.arange(start, end) / sample_rate_hz
        level = samples[start:end] * np.interp(at_s, grid_s, gain)
        turn = np.interp(at_s, grid_s, angle)
        out[start:end, 0] = level * np.maximum(0.0, np.cos(turn))
        out[start:end, 1] = level * np.sin(turn)
    return out


def _object_in(job: BedJob, frame: BedFrame, finder: MaskFinder) -> tuple[Any, SoundingObject] | None:
    """The frame's pixels and the object with its mask; None where it is absent. Raises: EngineError."""
    from sounddesk.engine.images.movie_file import load_frame

    image = load_frame(frame.path)
    found = finder.find_objects(frame.objects, image.pixels, image_name=image.name, orientation=image.orientation)
    sounding = next((each for each in found.objects if each.name == job.name), None)
    return None if sounding is None else (image.pixels, sounding)


def _facts(job: BedJob, settings: RenderSettings, places: Sequence[Place], bed: GeneratedBed) -> dict[str, Any]:
    recordings = {"recordings": list(bed.recordings)} if bed.recordings else {}
    return {
        **settings.facts(),
        **recordings,
        "seconds": job.seconds,
        "hint": job.hint,
        **_timecode_facts(job),
        "joins_s": [round(join, 4) for join in bed.joins_s],
        "automation": [[round(each.time_s, 4), round(each.gain, 5), round(each.pan, 4)] for each in places],
    }


def _timecode_facts(job: BedJob) -> dict[str, Any]:
    rate = job.timecode_rate
    if job.start_timecode_s is None or rate is None:
        return {}
    return {
        "start_timecode_s": job.start_timecode_s,
        "frame_rate": float(rate.frames_per_s),
        "drop_frame": rate.drop_frame,
    }


def _chunks(job: BedJob, recordings: Sequence[Mapping[str, Any]]) -> tuple[bytes, bytes]:
    """What goes before and behind the samples: when the sound begins, and what it is made of, where that is known.

    Without a date, so that the same bed is the same file.
    """
    if job.start_timecode_s is None and not recordings:
        return b"", b""
    start = round((job.start_timecode_s or 0.0) * PROJECT_RATE_HZ)
    what = "; ".join([f"{job.name}, continuous over {job.shot}", *(recording_line(each) for each in recordings)])
    return (
        bext_chunk(BroadcastInfo(description=what, time_reference_samples=start)),
        ixml_chunk(
            project=job.shot,
            scene=job.shot,
            take=str(job.take),
            note=what,
            tracks=[f"{job.name} L", f"{job.name} R"],
            start_samples=start,
            sample_rate_hz=PROJECT_RATE_HZ,
            timecode_rate=job.timecode_rate,
        ),
    )


def _filled(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Gaps (NaN) bridged from what is known on both sides."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return np.zeros_like(values)
    return np.interp(np.arange(len(values)), known, values[known])
