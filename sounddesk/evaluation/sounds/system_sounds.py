"""The sounds of each system: which file belongs to which clip, and what is wrong with the others."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import SoundFile
from sounddesk.audio.files.wav_io import SoundFileError
from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.tasks import StageReporter
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.recordings.recording_folder import ENDINGS
from sounddesk.evaluation.recordings.recording_folder import MIN_SECONDS

GROUND_TRUTH: Final = "Ground truth"
NOISE: Final = "Noise"
_NAMED: Final = 5
# Sounds of other lengths than most differ by more than this.
_SAME_LENGTH_S: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class UsableSound:
    """A sound that can be measured.

    Attributes:
        key: of its content; equal sounds have equal keys.
    """

    path: Path
    key: str
    sample_rate_hz: int
    seconds: float
    channels: int


@dataclass(frozen=True, kw_only=True)
class SystemSounds:
    """What was found in a system's folder.

    Attributes:
        sounds: by the id of the clip.
        problems: ids (or names of files) by what is wrong with them, e.g. 'missing'.
    """

    name: str
    folder: Path | None
    sounds: Mapping[str, UsableSound]
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rates(self) -> Mapping[int, int]:
        """How many sounds have each sample rate in Hz, the most frequent first."""
        return dict(Counter(each.sample_rate_hz for each in self.sounds.values()).most_common())

    def notes(self, *, reference: SystemSounds | None = None) -> list[str]:
        """What a reader of the figures has to know, one sentence each."""
        told = [f"{len(ids)} {problem}: {_listed(ids)}" for problem, ids in self.problems.items()]
        if len(self.rates) > 1:
            told.append("sample rates differ: " + ", ".join(f"{n} at {rate} Hz" for rate, n in self.rates.items()))
        seconds = [each.seconds for each in self.sounds.values()]
        if seconds and max(seconds) - min(seconds) > _SAME_LENGTH_S:
            told.append(f"lengths differ: from {min(seconds):.2f} s to {max(seconds):.2f} s")
        if reference is not None and reference.sounds and self.rates:
            own, real = next(iter(self.rates)), next(iter(reference.rates))
            if own != real:
                told.append(f"sample rate is {own} Hz, that of the references {real} Hz")
            other = [
                key
                for key, each in self.sounds.items()
                if key in reference.sounds and abs(each.seconds - reference.sounds[key].seconds) > _SAME_LENGTH_S
            ]
            if other:
                told.append(f"{len(other)} of another length than their reference: {_listed(other)}")
        return told


def parse_systems(texts: Sequence[str]) -> dict[str, Path]:
    """'NAME=FOLDER' of each system. Raises: BadInputError."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        name = name.strip()
        if not (equals and name and folder):
            raise BadInputError(f"{text!r} is no system: write NAME=FOLDER, as ours=takes")
        if name in found or name in (GROUND_TRUTH, NOISE):
            raise BadInputError(f"the name {name!r} is taken: give each system a name of its own")
        if not Path(folder).is_dir():
            raise BadInputError(f"{folder} is not a folder: name the one that holds the sounds of {name}, as ID.wav")
        found[name] = Path(folder)
    if not found:
        raise BadInputError("no system is named: write NAME=FOLDER, as ours=takes")
    return found


def find_sounds(
    name: str, folder: Path, clips: Sequence[EvaluationClip], *, reporter: StageReporter, done: int = 0
) -> SystemSounds:
    """Look at every file of a system; nothing is left out silently.

    Args:
        reporter: gets a step for each clip, counted from `done`.

    Raises:
        BadInputError: not a folder, or no sound of any clip in it.
        Cancelled: through the reporter.
    """
    files: dict[str, list[Path]] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in ENDINGS:
                files.setdefault(path.stem, []).append(path)
    except OSError as error:
        raise BadInputError(f"cannot read the folder {folder} ({error.strerror}): name another") from error
    places: dict[str, list[Path]] = {clip.id: files.get(clip.id, []) for clip in clips}
    found = look_at(name, folder, places, reporter=reporter, done=done)
    unknown = tuple(sorted(set(files) - {clip.id for clip in clips}))
    problems = {**found.problems, **({"of no clip": unknown} if unknown else {})}
    if not found.sounds:
        told = "; ".join(f"{len(ids)} {problem}" for problem, ids in problems.items())
        raise BadInputError(f"{folder} holds no sound of any clip ({told}): name sounds by the ids of the manifest")
    return SystemSounds(name=name, folder=folder, sounds=found.sounds, problems=problems)


def look_at(
    name: str, folder: Path | None, places: Mapping[str, Sequence[Path]], *, reporter: StageReporter, done: int = 0
) -> SystemSounds:
    """Check the files of clips, given by id. Raises: Cancelled."""
    sounds: dict[str, UsableSound] = {}
    problems: dict[str, list[str]] = {}
    for clip_id, paths in places.items():
        usable, problem = _checked(paths)
        if usable is not None:
            sounds[clip_id] = usable
        if problem:
            problems.setdefault(problem, []).append(clip_id)
        done += 1
        reporter.step(done)
    shared = Counter(each.key for each in sounds.values())
    same = [clip_id for clip_id, each in sounds.items() if shared[each.key] > 1]
    if same:
        problems["the same sound as another clip"] = same
    return SystemSounds(
        name=name, folder=folder, sounds=sounds, problems={key: tuple(ids) for key, ids in problems.items()}
    )


def _checked(paths: Sequence[Path]) -> tuple[UsableSound | None, str]:
    """The sound, and what is wrong; silence is a sound, though one to be told of."""
    if not paths:
        return None, "missing"
    if len(paths) > 1:
        return None, "there in several formats, which are not told apart"
    path = paths[0]
    try:
        if path.stat().st_size == 0:
            return None, "empty (0 bytes)"
        sound = read_sound(path)
        key = hashlib.sha256(path.read_bytes()).hexdigest()
    except (SoundFileError, OSError):
        return None, "not readable as sound"
    if not np.isfinite(sound.samples).all():
        return None, "with numbers that are not finite"
    if sound.seconds < MIN_SECONDS:
        return None, f"shorter than {MIN_SECONDS:g} s"
    channels = 1 if sound.samples.ndim == 1 else sound.samples.shape[1]
    usable = UsableSound(
        path=path, key=key, sample_rate_hz=sound.sample_rate_hz, seconds=sound.seconds, channels=channels
    )
    return usable, "" if sound.samples.any() else "silent, and measured as silence"


def noise_like(clip: EvaluationClip, like: SoundFile | None) -> SoundFile:
    """White noise for a clip, always the same: as long, loud (RMS) and wide as `like`, or 10 s at 16 kHz and -20 dB."""
    rate = 16_000 if like is None else like.sample_rate_hz
    count = 10 * rate if like is None else len(like.samples)
    level = 0.1 if like is None else float(np.sqrt(np.mean(np.square(like.mono, dtype=np.float64))))
    seed = int.from_bytes(hashlib.sha256(clip.id.encode(errors="surrogatepass")).digest()[:8], "big")
    samples = np.random.default_rng(seed).standard_normal(count) * (level or 0.1)
    return SoundFile(samples=samples.astype(np.float32), sample_rate_hz=rate, encoding="PCM_16")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
