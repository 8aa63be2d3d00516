"""A network hears every sound and sees every picture that it has not met before, several at a time."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.engine.images.image_file import load_image
from sounddesk.engine.images.mask_file import load_mask
from sounddesk.engine.images.picture_decoding import ImageFileError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter
from sounddesk.engine.verified_files import hash_file
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.sound_metrics.registry import ClipEvidence
from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import SeeingNetwork
from sounddesk.evaluation.sound_networks.registry import SoundNetwork
from sounddesk.evaluation.sounds.feature_store import FeatureStore
from sounddesk.evaluation.sounds.system_sounds import GROUND_TRUTH
from sounddesk.evaluation.sounds.system_sounds import NOISE
from sounddesk.evaluation.sounds.system_sounds import SystemSounds
from sounddesk.evaluation.sounds.system_sounds import UsableSound
from sounddesk.evaluation.sounds.system_sounds import noise_like

# Reading, resampling and the network itself release the interpreter, each for a part of the time.
_THREADS: Final = 2

_Work = Callable[[], Features]


@dataclass(frozen=True, kw_only=True)
class HeardClips:
    """What a network made of the clips.

    Attributes:
        evidence: of each row of the table: of every system, of the ground truth and of noise.
        unseen: why the picture or mask of a clip could not be seen, by the clip's id.
    """

    evidence: Mapping[str, Sequence[ClipEvidence]]
    unseen: Mapping[str, str]


def hear_all(
    network: SoundNetwork,
    store: FeatureStore,
    clips: Sequence[EvaluationClip],
    systems: Sequence[SystemSounds],
    real: SystemSounds,
    *,
    name: str,
    with_pictures: bool,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> HeardClips:
    """Features of all, from the store where they are there.

    Args:
        name: of the network, for progress.
        with_pictures: whether a metric asks for what the network sees.

    Raises:
        BadInputError: a file that was readable no longer is.
        OutputError: the store cannot be written.
        Cancelled: through `cancel`; what was heard is in the store.
    """
    work: dict[str, _Work] = {}
    for system in (*systems, real):
        for sound in system.sounds.values():
            work[sound.key] = _hearing(network, sound)
    noise_keys = {}
    for clip in clips:
        like = real.sounds.get(clip.id)
        noise_keys[clip.id] = f"noise {clip.id} {like.key if like else ''}"
        work[noise_keys[clip.id]] = _hearing_noise(network, clip, like)
    picture_keys: dict[str, str] = {}
    unseen: dict[str, str] = {}  # by the key of the picture
    if with_pictures and isinstance(network, SeeingNetwork):
        for clip in clips:
            if cancel is not None:
                cancel.raise_if_cancelled()
            if clip.image is not None:
                # The same picture for several clips is seen once, and another in its place anew.
                key = f"picture {_content(clip.image)} {_content(clip.mask)}"
                picture_keys[clip.id] = key
                work[key] = _seeing(network, clip.image, clip.mask, tell=partial(unseen.__setitem__, key))
    _do(work, store, stage=name, progress=progress, cancel=cancel)
    every = {clip.id: clip for clip in clips}

    def found(key: str | None) -> Features | None:
        return None if key is None else store.get(key)

    def evidence(keys: Iterable[tuple[str, str]]) -> list[ClipEvidence]:
        rows = []
        for clip_id, key in keys:
            heard = store.get(key)
            reference = real.sounds.get(clip_id)
            if heard is not None:
                rows.append(
                    ClipEvidence(
                        clip=every[clip_id],
                        heard=heard,
                        heard_key=key,
                        real=found(reference.key) if reference else None,
                        real_key=reference.key if reference else "",
                        seen=found(picture_keys.get(clip_id)),
                    )
                )
        return rows

    rows = {each.name: evidence((key, sound.key) for key, sound in each.sounds.items()) for each in (real, *systems)}
    return HeardClips(
        evidence={GROUND_TRUTH: rows.pop(real.name), NOISE: evidence(noise_keys.items()), **rows},
        unseen={clip_id: unseen[key] for clip_id, key in picture_keys.items() if key in unseen},
    )


def _do(
    work: Mapping[str, _Work],
    store: FeatureStore,
    *,
    stage: str,
    progress: OnProgress | None,
    cancel: CancelToken | None,
) -> None:
    """Do what the store has not, and keep it."""
    left = {key: each for key, each in work.items() if store.get(key) is None}
    before = len(work) - len(left)
    reporter = StageReporter(
        stage=stage, total=len(work), on_progress=progress, cancel=cancel, done_before=before, unit=""
    )
    with ThreadPoolExecutor(_THREADS) as pool:
        futures = {pool.submit(each): key for key, each in left.items()}
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                # A picture that cannot be seen has no features, and is tried again in the next run.
                if features := future.result():
                    store.add(futures[future], features)
                reporter.step(before + done)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _hearing(network: SoundNetwork, sound: UsableSound) -> _Work:
    return lambda: network.hear(read_sound(sound.path))


def _hearing_noise(network: SoundNetwork, clip: EvaluationClip, like: UsableSound | None) -> _Work:
    return lambda: network.hear(noise_like(clip, None if like is None else read_sound(like.path)))


def _content(path: Path | None) -> str:
    """Stands for what is in a file; for one that cannot be read, its name, which gets no features."""
    if path is None:
        return ""
    try:
        return hash_file(path).sha256
    except OSError:
        return str(path)


def _seeing(network: SeeingNetwork, picture: Path, mask: Path | None, *, tell: Callable[[str], None]) -> _Work:
    """Sees a picture; of a file that cannot be used it is told why, and there are no features."""

    def see() -> Features:
        try:
            image = load_image(picture)
            area = None
            if mask is not None:
                area = load_mask(mask, image_size=(image.width, image.height), orientation=image.orientation)
        except ImageFileError as error:
            tell(str(error))
            return {}
        return network.see(image.pixels, area)

    return see
