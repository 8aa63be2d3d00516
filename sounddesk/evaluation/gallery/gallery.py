"""What fails, to look at and to listen to: a page with picture, mask, spectrogram and sound of every kind.

For every kind that bundle and classifier know, a cut-out is laid on a background, alone, and a take is made through
its true mask, exactly as `sounddesk render` makes it. The classifier chooses among all kinds that it knows, which is
harder than the choice among the kinds of a scene in `sounddesk evaluate right-object`. Beside it stands which kind's
text vector the condition is nearest to: where that is another kind, the picture failed, else the sound.
"""

from __future__ import annotations

import difflib
import json
import zlib
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.files.wav_io import encode_wav
from sounddesk.audio.metering.loudness import measure_levels
from sounddesk.audio.pictures.spectrogram_image import encode_jpeg
from sounddesk.audio.pictures.spectrogram_image import encode_png
from sounddesk.audio.pictures.spectrogram_image import spectrogram_image
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.preset import PresetName
from sounddesk.engine.images.masks_picture import draw_masks
from sounddesk.engine.session import EngineSession
from sounddesk.engine.specs import check_seconds
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import RgbImage
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import Waveform
from sounddesk.evaluation.evaluation_scenes import draw_single
from sounddesk.evaluation.evaluation_scenes import read_backgrounds
from sounddesk.evaluation.gallery.gallery_page import gallery_page
from sounddesk.evaluation.gallery.gallery_recordings import find_recordings
from sounddesk.evaluation.gallery.gallery_recordings import read_recording
from sounddesk.evaluation.gallery.gallery_result import FIGURES_FILE
from sounddesk.evaluation.gallery.gallery_result import PAGE_FILE
from sounddesk.evaluation.gallery.gallery_result import SPECTROGRAM_RANGE_DB
from sounddesk.evaluation.gallery.gallery_result import GalleryKind
from sounddesk.evaluation.gallery.gallery_result import GalleryRecording
from sounddesk.evaluation.gallery.gallery_result import GalleryResult
from sounddesk.evaluation.gallery.gallery_result import GalleryTake
from sounddesk.evaluation.gallery.gallery_result import HeardSound
from sounddesk.evaluation.gallery.gallery_result import Ranking
from sounddesk.evaluation.gallery.gallery_result import worst_first
from sounddesk.evaluation.picture_folder import BundleKind
from sounddesk.evaluation.picture_folder import PictureFolder
from sounddesk.evaluation.picture_folder import normal_name
from sounddesk.evaluation.picture_folder import read_bundle_kinds
from sounddesk.evaluation.picture_folder import read_picture_folder
from sounddesk.evaluation.sound_classifier import SoundJudge
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.storage.output_folder import OutputFolder

BEST_SHOWN: Final = 3
SPECTROGRAM_WIDTH: Final = 480
SPECTROGRAM_HEIGHT: Final = 200
_PICTURES_BYTES: Final = 400_000


def run(
    pictures_dir: Path,
    *,
    out: Path,
    bundle: str | Path = SHIPPED_BUNDLE,
    kinds: Sequence[str] = (),
    takes: int = 1,
    seed: int = 0,
    preset: PresetName = "fast",
    sampling: SamplingSettings | None = None,
    seconds: float = 5.0,
    backgrounds: Path | None = None,
    recordings: Path | None = None,
    classifier: Path | None = None,
    device: str = "auto",
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> GalleryResult:
    """Make the gallery of a bundle: all of it appears at once, or nothing does, and nothing is overwritten.

    Args:
        pictures_dir: holds KIND/*.png cut-outs with alpha.
        out: folder for the page; where it holds a gallery already, the new one goes beside it.
        kinds: only these; all by default.
        takes: of each kind, with another cut-out each, as far as there are any, and another background.
        seed: a kind's takes follow from it, whichever other kinds are asked for.
        sampling: every setting of the denoising loop; replaces `preset`.
        seconds: length of each take.
        backgrounds: folder of photographs; by default plain, gradient and noise backgrounds are made.
        recordings: holds KIND/*.flac, real recordings to compare with.
        classifier: folder of another sound classifier than the one that ships.

    Raises:
        BadInputError: pictures, recordings or kinds cannot be used.
        EngineError: bundle or classifier cannot be used.
        OutputError: `out` cannot be written.
        ValueError: a value out of range.
        Cancelled: through `cancel`, within one denoising step; nothing was written.
    """
    if takes < 1:
        raise ValueError(f"takes is {takes}: choose 1 or more")
    check_seconds(seconds)
    settings = sampling or SamplingSettings(preset=preset)
    judge = SoundJudge.load(classifier)
    photographs = read_backgrounds(backgrounds) if backgrounds is not None else []
    real = find_recordings(recordings) if recordings is not None else {}
    with EngineSession.open(bundle=bundle, device=device) as session:
        judged = set(judge.kinds)
        known = [kind for kind in read_bundle_kinds(session.bundle) if kind.name in judged]
        wanted = _wanted([kind.name for kind in known], kinds)
        folder = read_picture_folder(pictures_dir, [kind.name for kind in known], only=wanted)
        missing = sorted(wanted - set(folder.cut_outs))
        if kinds and missing:
            raise BadInputError(f"{pictures_dir} holds no usable picture of {', '.join(missing)}: add one")
        shown = [kind for kind in known if kind.name in folder.cut_outs]
        rate = session.audio.sample_rate_hz
        needed = len(shown) * (takes + bool(real)) * (round(seconds * rate) * 2 + _PICTURES_BYTES)
        # Taken before the long part, so that a folder that cannot be written is known at once.
        with OutputFolder(out, needed_bytes=needed) as target:
            session.load(on_progress=progress, cancel=cancel)
            maker = _Maker(
                session=session,
                target=target,
                judge=judge,
                vectors=_KindVectors.of(session, known),
                folder=folder,
                recordings=real,
                seed=seed,
                seconds=seconds,
                sampling=settings,
                backgrounds=photographs,
                cancel=cancel,
            )
            reporter = StageReporter(stage="gallery", total=len(shown) * takes, on_progress=progress, cancel=cancel)
            result = GalleryResult(
                place=out,
                bundle=session.bundle.name,
                bundle_sha256=session.bundle.sha256,
                seed=seed,
                seconds=seconds,
                sampling=settings,
                sample_rate_hz=rate,
                known_kinds=len(judge.kinds),
                kinds=worst_first(maker.kinds(shown, takes=takes, reporter=reporter)),
                without_picture=tuple(missing),
                pictures=folder,
            )
            target.write(FIGURES_FILE, (json.dumps(result.to_json(), indent=1) + "\n").encode())
            target.write(PAGE_FILE, gallery_page(result).encode("utf-8"))
            if cancel is not None:
                cancel.raise_if_cancelled()
            place = target.commit()
    # As the user wrote it, not with all the folders around it.
    return result if place == out.resolve() else replace(result, place=out.with_name(place.name))


@dataclass(frozen=True, kw_only=True, eq=False)
class _KindVectors:
    """Unit vectors float32[K, C] of the bundle's kinds in the space of its conditions; none where there is no such."""

    names: tuple[str, ...]
    vectors: npt.NDArray[np.float32]

    @classmethod
    def of(cls, session: EngineSession, kinds: Sequence[BundleKind]) -> _KindVectors:
        if not session.bundle.texts_are_conditions:
            return cls(names=(), vectors=np.zeros((0, 0), dtype=np.float32))
        vectors = session.text_vectors([kind.caption for kind in kinds])
        return cls(names=tuple(kind.name for kind in kinds), vectors=vectors)

    def cosines(self, condition: npt.NDArray[np.float32]) -> Ranking:
        """All kinds with the cosine to a condition float32[C], nearest first."""
        if not self.names:
            return ()
        values = self.vectors @ (condition / max(float(np.linalg.norm(condition)), 1e-12))
        return tuple((self.names[int(i)], float(values[i])) for i in np.argsort(-values, kind="stable"))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Maker:
    """Generates, judges and stages the files of takes and recordings."""

    session: EngineSession
    target: OutputFolder
    judge: SoundJudge
    vectors: _KindVectors
    folder: PictureFolder
    recordings: Mapping[str, Sequence[Path]]
    seed: int
    seconds: float
    sampling: SamplingSettings
    backgrounds: Sequence[RgbImage]
    cancel: CancelToken | None

    def kinds(self, kinds: Sequence[BundleKind], *, takes: int, reporter: StageReporter) -> list[GalleryKind]:
        """All kinds, each in a folder of its own; reports every take."""
        made = []
        stems = unique_file_stems([kind.name for kind in kinds])
        for index, (kind, stem) in enumerate(zip(kinds, stems, strict=True)):
            of_kind = []
            for number in range(1, takes + 1):
                of_kind.append(self.take(kind.name, number, place=f"kinds/{stem}"))
                reporter.step(index * takes + number)
            recording = self.recording(kind.name, place=f"kinds/{stem}")
            made.append(GalleryKind(name=kind.name, caption=kind.caption, takes=tuple(of_kind), recording=recording))
        return made

    def take(self, kind: str, number: int, *, place: str) -> GalleryTake:
        """Take `number` of a kind, its files in `place`."""
        key = zlib.crc32(kind.encode())
        cut_outs = self.folder.cut_outs[kind]
        order = np.random.default_rng((self.seed, key)).permutation(len(cut_outs))
        chosen = int(order[(number - 1) % len(cut_outs)])
        scene = draw_single(cut_outs[chosen], kind=kind, seed=self.seed, number=number, backgrounds=self.backgrounds)
        # A further number keeps the noise apart from the draws that composed the scene.
        seed = int(np.random.default_rng((self.seed, key, number, 1)).integers(2**63 - 1))
        request = ObjectRequest(name=kind, mask=scene.masks[0], seed=seed)
        condition = self.session.condition(scene.image, request).condition
        made = self.session.generate(
            GenerationRequest(image=scene.image, takes=(request,), seconds=self.seconds, sampling=self.sampling),
            cancel=self.cancel,
        )[0]
        cosines = self.vectors.cosines(condition)
        ending = "" if number == 1 else str(number)
        files = {name: f"{place}/{name}{ending}" for name in ("picture", "overlay", "mask", "take")}
        self.target.write(f"{files['picture']}.jpg", encode_jpeg(scene.image))
        overlay = draw_masks(scene.image, [("", scene.masks[0])])
        self.target.write(f"{files['overlay']}.jpg", encode_jpeg(np.asarray(overlay)))
        mask = np.where(scene.masks[0], 255, 0).astype(np.uint8)
        self.target.write(f"{files['mask']}.png", encode_png(mask))
        return GalleryTake(
            number=number,
            cut_out=self.folder.files[kind][chosen],
            size=(scene.image.shape[1], scene.image.shape[0]),
            seed=seed,
            sound=self.sound(kind, made.mono, files["take"]),
            seen=cosines[:BEST_SHOWN],
            own_cosine=dict(cosines).get(kind),
            picture_file=f"{files['picture']}.jpg",
            overlay_file=f"{files['overlay']}.jpg",
            mask_file=f"{files['mask']}.png",
            notes=made.notes,
        )

    def recording(self, kind: str, *, place: str) -> GalleryRecording | None:
        """A real recording of a kind, where there is one that can be heard."""
        rate = self.session.audio.sample_rate_hz
        found = read_recording(self.recordings, kind, seconds=self.seconds, sample_rate_hz=rate)
        if found is None:
            return None
        sound = self.sound(kind, found.waveform, f"{place}/recording")
        return GalleryRecording(name=f"{found.file.parent.name}/{found.file.name}", sound=sound)

    def sound(self, kind: str, waveform: Waveform, stem: str) -> HeardSound:
        """Stage a sound of the session's rate as STEM.wav, its spectrogram as STEM.png, and have it judged."""
        rate = self.session.audio.sample_rate_hz
        data, _ = encode_wav(waveform, sample_rate_hz=rate, wav_format="PCM_16")
        self.target.write(f"{stem}.wav", data)
        # All pictures are as long as a take, so that they compare.
        padded = np.pad(waveform, (0, max(0, round(self.seconds * rate) - len(waveform))))
        image = spectrogram_image(
            padded,
            sample_rate_hz=rate,
            width=SPECTROGRAM_WIDTH,
            height=SPECTROGRAM_HEIGHT,
            range_db=SPECTROGRAM_RANGE_DB,
        )
        self.target.write(f"{stem}.png", encode_png(image))
        scores = self.judge.log_probabilities(waveform, sample_rate_hz=rate)
        return HeardSound(
            kind=kind,
            heard=self.judge.most_probable(scores, BEST_SHOWN),
            probability=0.0 if scores is None else self.judge.probability(scores, kind, self.judge.kinds),
            levels=measure_levels(waveform, sample_rate_hz=rate),
            sound_file=f"{stem}.wav",
            spectrogram_file=f"{stem}.png",
        )


def _wanted(known: Sequence[str], asked: Sequence[str]) -> set[str]:
    """The known kinds that were asked for, all by default. Raises: BadInputError, an unknown one."""
    by_name = {normal_name(kind): kind for kind in known}
    wanted = set()
    for name in asked:
        kind = by_name.get(normal_name(name))
        if kind is None:
            near = difflib.get_close_matches(normal_name(name), by_name, n=3)
            remedy = f"did you mean {' or '.join(by_name[match] for match in near)}?" if near else "see its kinds.json"
            raise BadInputError(f"kind {name!r} is not known to bundle and classifier: {remedy}")
        wanted.add(kind)
    return wanted or set(known)
