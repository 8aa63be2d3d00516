"""Paired textures of one scene, and whether the sound follows: `sounddesk evaluate textures`.

Each held-out background is painted over twice, as two kinds of weather or of material, and the bundle makes an ambience
of either whole picture with the same seed. The sound follows where the independent judge finds the first kind likelier,
against the second, in the first picture's sound than in the other's; chance is one half. The condition follows by the
same rule with cosines to the kinds' names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.pictures.spectrogram_image import encode_png
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.preset import PresetName
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.evaluation.picture_folder import kind_captions
from sounddesk.evaluation.report_folder import check_report_folder
from sounddesk.evaluation.report_folder import keep_settings
from sounddesk.evaluation.sound_classifier import SoundJudge
from sounddesk.evaluation.split_pictures import read_split_backgrounds
from sounddesk.evaluation.textures.texture_operators import OPERATORS
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file

PAIRS: Final = (("wind", "rain"), ("river", "fire"), ("sea waves", "forest"))
SETTINGS_FILE: Final = "textures.json"


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """One pair of textures over all backgrounds."""

    first: str
    second: str
    sound: Proportion
    condition: Proportion

    def line(self) -> str:
        return f"{self.first} or {self.second}: sound {self.sound.text()}, condition {self.condition.text()}"


@dataclass(frozen=True, kw_only=True)
class TextureFollowing:
    """What was found; pictures and sounds are in `folder`."""

    pairs: tuple[PairResult, ...]
    bundle_sha256: str
    folder: Path

    @property
    def sound(self) -> Proportion:
        """Of all pairs."""
        return Proportion(
            hits=sum(each.sound.hits for each in self.pairs), trials=sum(each.sound.trials for each in self.pairs)
        )

    def line(self) -> str:
        return f"the sound follows the texture in {self.sound.text()}, chance 0.5: {self.folder}"

    def details(self) -> list[str]:
        return [each.line() for each in self.pairs]

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": "textures",
            "bundle_sha256": self.bundle_sha256,
            "folder": str(self.folder),
            "sound": self.sound.to_json(),
            "pairs": [
                {
                    "kinds": [each.first, each.second],
                    "sound": each.sound.to_json(),
                    "condition": each.condition.to_json(),
                }
                for each in self.pairs
            ],
        }


def run(
    *,
    out: Path,
    reference: Path,
    bundle: str | Path = "starter",
    seconds: float = 2.56,
    preset: PresetName = "fast",
    seed: int = 0,
    device: str = "auto",
    judge: SoundJudge | None = None,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> TextureFollowing:
    """Paint, make the sounds and judge them.

    Args:
        judge: the independent one by default.

    Raises:
        BadInputError: no backgrounds, kinds that bundle or judge does not know, or `out` holds others' files.
        EngineError: the bundle cannot be used, or its conditions are not in its text encoder's space.
        OutputError: `out` cannot be written.
        Cancelled: through `cancel`.
    """
    backgrounds = read_split_backgrounds(reference, split="test")
    asked = judge or SoundJudge.load_independent()
    check_report_folder(out, marker=SETTINGS_FILE)
    found = []
    with EngineSession.open(bundle=bundle, device=device) as session:
        captions = kind_captions(session.bundle)
        pairs = [pair for pair in PAIRS if all(kind in captions and kind in asked.kinds for kind in pair)]
        if not pairs:
            raise BadInputError(f"bundle {session.bundle.name!r} and the judge share no pair of {PAIRS}")
        with translate_os_errors(out, what="cannot make"):
            out.mkdir(parents=True, exist_ok=True)
        facts = {"bundle_sha256": session.bundle.sha256, "seconds": seconds, "preset": preset, "seed": seed}
        keep_settings(out / SETTINGS_FILE, facts)
        sampling = SamplingSettings(preset=preset)
        reporter = StageReporter(
            stage="textures", total=len(pairs) * len(backgrounds), on_progress=progress, cancel=cancel
        )
        for number, pair in enumerate(pairs):
            names = session.text_vectors([captions[kind] for kind in pair])
            by_sound, by_condition = [], []
            for index, background in enumerate(backgrounds):
                takes, conditions = [], []
                for kind in pair:
                    image = OPERATORS[kind](background, np.random.default_rng((seed, index)))
                    whole = np.ones(image.shape[:2], dtype=np.bool_)
                    take = ObjectRequest(name="scene", mask=whole, seed=1000 * seed + index, kind="ambience")
                    request = GenerationRequest(image=image, takes=(take,), seconds=seconds, sampling=sampling)
                    takes.append(session.generate(request, cancel=cancel)[0])
                    conditions.append(names @ session.condition(image, take).condition)
                    name = f"{'-'.join(pair).replace(' ', '_')}-{index:02d}-{kind.replace(' ', '_')}"
                    write_file(out / f"{name}.png", encode_png(image))
                    rate = takes[-1].sample_rate_hz
                    write_file(
                        out / f"{name}.wav",
                        encode_wav(takes[-1].waveform, sample_rate_hz=rate, wav_format="PCM_16")[0],
                    )
                by_sound.append(follows(likelihoods(asked, takes, pair)))
                by_condition.append(follows(np.stack(conditions)))
                reporter.step(number * len(backgrounds) + index + 1)
            found.append(
                PairResult(
                    first=pair[0],
                    second=pair[1],
                    sound=Proportion(hits=sum(by_sound), trials=len(by_sound)),
                    condition=Proportion(hits=sum(by_condition), trials=len(by_condition)),
                )
            )
        sha256 = session.bundle.sha256
    return TextureFollowing(pairs=tuple(found), bundle_sha256=sha256, folder=out)


def likelihoods(judge: SoundJudge, takes: Sequence[GeneratedTake], pair: tuple[str, str]) -> np.ndarray:
    """Log-probability of each kind of the pair, by take: float[2, 2]; NaN for a silent one, which follows nothing."""
    rows = []
    for take in takes:
        scores = judge.log_probabilities(take.mono, sample_rate_hz=take.sample_rate_hz)
        places = [judge.kinds.index(kind) for kind in pair]
        rows.append(np.full(2, np.nan) if scores is None else scores[places])
    return np.stack(rows)


def follows(scores: np.ndarray) -> bool:
    """Whether the first kind, against the second, is likelier in the first picture; scores float[picture, kind].

    Example:
        >>> follows(np.array([[0.3, 0.1], [0.4, 0.3]])), follows(np.array([[0.1, 0.1], [0.1, 0.1]]))
        (True, False)
    """
    return bool(scores[0, 0] - scores[0, 1] > scores[1, 0] - scores[1, 1])
