"""What ties objects, words and recordings together: how near each is to the kinds that the starter knows.

A recording is said to be of a kind by its words, in the text encoder's space, and by its sound, as a linear classifier
on embeddings of sound effects hears it. An object is of a kind by its condition, which lies in the same space as the
captions, and by its name. Both are distributions over the same kinds, and so can be compared though one is seen and the
other heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles import component_classes
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.guarded_loading import loading_component
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.types import BundleError
from sounddesk.resources_folder import SHIPPED_BUNDLE
from sounddesk.resources_folder import resource
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import read_json

HEAD_RESOURCE: Final = "library"
_KINDS_DOCUMENT: Final = "kinds.json"

# Chosen on half of the held-out pictures (`sounddesk evaluate library`): how sharply a cosine speaks for a kind.
WORDS_SHARPNESS: Final = 20.0
CONDITION_SHARPNESS: Final = 15.0

Vectors = npt.NDArray[np.float32]


class KindSpace:
    """Kinds with their texts' vectors, a text encoder and a classifier of sounds.

    Args:
        kinds: names, in the order of the classifier.
        texts: every text of a kind: its name, its caption, and other captions.
        caption_vectors: float32[K, C], unit vectors of the captions alone.
        text_vectors: float32[n, C], unit vectors of all texts.
        kind_of_text: int[n].
        text_encoder: makes such vectors of other texts.
        head: classifier of embeddings.
    """

    def __init__(
        self,
        *,
        kinds: Sequence[str],
        caption_vectors: Vectors,
        text_vectors: Vectors,
        kind_of_text: npt.NDArray[np.int64],
        text_encoder: Any,
        head: EffectsHead,
    ) -> None:
        self.kinds = tuple(kinds)
        self._caption_vectors = caption_vectors
        self._text_vectors = text_vectors
        self._starts = np.flatnonzero(np.diff(kind_of_text, prepend=-1))
        self._text_encoder = text_encoder
        self._head = head

    @classmethod
    def load(cls, *, head: EffectsHead | None = None) -> KindSpace:
        """That of the starter. Raises: EngineError, a part is missing or damaged."""
        bundle = find_bundle(SHIPPED_BUNDLE)
        rows = _kind_rows(bundle)
        text_encoder = load_text_encoder(bundle)
        texts, owners = [], []
        for number, (kind, caption, others) in enumerate(rows):
            for text in (kind, caption, *others):
                texts.append(text)
                owners.append(number)
        vectors = encode_texts(text_encoder, texts)
        captions = encode_texts(text_encoder, [caption for _, caption, _ in rows])
        head = head or EffectsHead.load(_head_folder())
        if head.linear.out_features != len(rows):
            raise EngineError("the library's classifier does not know the starter's kinds: install sounddesk again")
        return cls(
            kinds=[kind for kind, _, _ in rows],
            caption_vectors=captions,
            text_vectors=vectors,
            kind_of_text=np.array(owners),
            text_encoder=text_encoder,
            head=head,
        )

    @staticmethod
    def read_kinds() -> list[str]:
        """Names of the starter's kinds. Raises: EngineError."""
        return [kind for kind, _, _ in _kind_rows(find_bundle(SHIPPED_BUNDLE))]

    @property
    def sound_width(self) -> int:
        """D of the embeddings of sound effects that the classifier takes."""
        return self._head.linear.in_features

    @property
    def text_width(self) -> int:
        """C of the vectors of texts."""
        return int(self._caption_vectors.shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors float32[n, C]."""
        return encode_texts(self._text_encoder, texts)

    def by_words(self, vectors: Vectors) -> Vectors:
        """How near texts, float32[n, C], are to the nearest text of each kind: cosines float32[n, K]."""
        if not len(vectors):
            return np.zeros((0, len(self.kinds)), dtype=np.float32)
        cosines = vectors @ self._text_vectors.T
        return np.asarray(np.maximum.reduceat(cosines, self._starts, axis=1), dtype=np.float32)

    def by_sound(self, embeddings: Vectors) -> Vectors:
        """Log-probabilities of each kind, float32[n, K], by embeddings of sound effects float32[n, D]."""
        import torch

        if not len(embeddings):
            return np.zeros((0, len(self.kinds)), dtype=np.float32)
        with torch.no_grad():
            return np.asarray(self._head(torch.from_numpy(embeddings)).numpy(), dtype=np.float32)

    def standardised(self, embeddings: Vectors) -> Vectors:
        """Embeddings as unit vectors float32[n, D], each value counting alike: for likeness of sounds."""
        import torch

        if not len(embeddings):
            return embeddings.astype(np.float32)
        with torch.no_grad():
            scaled = self._head.standardised(torch.from_numpy(embeddings)).numpy()
        return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-9), dtype=np.float32)

    def of_condition(self, condition: Vectors) -> Vectors:
        """Probabilities float32[K] that an object with this condition, float32[C], is of each kind."""
        return softmax(CONDITION_SHARPNESS * (condition @ self._caption_vectors.T)[None])[0]

    def of_text(self, vector: Vectors) -> Vectors:
        """Probabilities float32[K] that a text, float32[C], means each kind."""
        return softmax(WORDS_SHARPNESS * self.by_words(vector[None]))[0]


def softmax(logits: Vectors) -> Vectors:
    """Rows that add up to 1, float32[n, K]."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def load_text_encoder(bundle: Bundle) -> Any:
    """The text encoder of a bundle alone, frozen, on the CPU. Raises: EngineError."""
    with loading_component(bundle, "text_encoder") as folder:
        return component_classes.load_text_encoder(bundle.manifest.component("text_encoder").class_name, folder)


def encode_texts(text_encoder: Any, texts: Sequence[str]) -> Vectors:
    """Unit vectors float32[n, C] of texts, a few at a time."""
    import torch

    made = []
    with torch.no_grad():
        for start in range(0, len(texts), 32):
            made.append(text_encoder.encode(list(texts[start : start + 32])).float().cpu().numpy())
    return np.concatenate(made) if made else np.zeros((0, 0), dtype=np.float32)


def _kind_rows(bundle: Bundle) -> list[tuple[str, str, tuple[str, ...]]]:
    try:
        rows = read_json(bundle.document(_KINDS_DOCUMENT))
        return [
            (str(row["kind"]), str(row["caption"]), tuple(str(each) for each in row.get("alt_captions", ())))
            for row in rows
        ]
    except (OSError, FieldError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{_KINDS_DOCUMENT} of bundle {bundle.name!r} cannot be read: install it again") from error


def _head_folder() -> Path:
    try:
        return resource(HEAD_RESOURCE)
    except FileNotFoundError as error:
        raise EngineError(str(error)) from error
