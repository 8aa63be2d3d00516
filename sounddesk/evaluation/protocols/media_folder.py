"""Pictures and sounds of published clips in a folder of the user's, by the names that such files go by."""

from __future__ import annotations

from pathlib import Path

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.evaluation_clip import EvaluationClip
from sounddesk.evaluation.protocols.registry import PICTURE_ENDINGS
from sounddesk.evaluation.protocols.registry import PublishedClip
from sounddesk.evaluation.recordings.recording_folder import ENDINGS


class MediaFolder:
    """What lies in a folder and below it, by name without ending.

    Raises:
        BadInputError: not a folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInputError(f"{folder} is not a folder: name the one that holds pictures and sounds")
        self._sounds: dict[str, Path] = {}
        self._pictures: dict[str, Path] = {}
        for path in sorted(folder.rglob("*")):
            ending = path.suffix.lower()
            if ending in ENDINGS:
                self._sounds.setdefault(path.stem, path)
            elif ending in PICTURE_ENDINGS:
                self._pictures.setdefault(path.stem, path)

    def clip_of(self, clip: PublishedClip) -> EvaluationClip | None:
        """The clip with its files, as absolute paths; None where there is neither picture nor sound."""
        sound = next((self._sounds[stem] for stem in clip.stems() if stem in self._sounds), None)
        picture = next((self._pictures[stem] for stem in clip.stems() if stem in self._pictures), None)
        if sound is None and picture is None:
            return None
        return EvaluationClip(
            id=clip.id,
            image=None if picture is None else picture.resolve(),
            object=clip.object,
            caption=clip.caption,
            labels=clip.labels,
            reference=None if sound is None else sound.resolve(),
        )
