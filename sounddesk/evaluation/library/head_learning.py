"""Learns the library's classifier of kinds from recordings, as the library hears them. `sounddesk evaluate library`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from sounddesk.engine.library.kind_space import KindSpace
from sounddesk.engine.library.scan import LibraryEars
from sounddesk.engine.perception.effects_head import HEAD_NAME
from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.evaluation.library.reference_library import build_reference_library
from sounddesk.evaluation.recordings.recording_folder import ReferenceRecording

# Of the squared weights; any from 0.001 to 0.01 gave the same answers on recordings that were not learned from.
_PENALTY: Final = 0.003
_ROUNDS: Final = 100


def learn_head(
    recordings: Sequence[ReferenceRecording],
    *,
    ears: LibraryEars,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> EffectsHead:
    """A classifier of the starter's kinds by embeddings of events; every kind counts alike, and every recording of one.

    Raises:
        BadInputError: no recordings.
        Cancelled: through `cancel`.
    """
    with tempfile.TemporaryDirectory(prefix="sounddesk-library-") as folder:
        built = build_reference_library(recordings, Path(folder), ears=ears, progress=progress, cancel=cancel)
        with built.library as library:
            vectors = library.vectors()
            known = library.recordings(vectors.recording_ids)
        names = {name: number for number, name in enumerate(ears.kinds.kinds)}
        kinds = [names.get(built.kind_of[known[int(each)].path], -1) for each in vectors.recording_ids]
    rows = np.array(kinds) >= 0
    # Events that share a window are one.
    unique = np.unique(
        np.concatenate([vectors.recording_ids[:, None], vectors.embeddings.view(np.int16)], axis=1),
        axis=0,
        return_index=True,
    )[1]
    chosen = np.array([row for row in sorted(unique) if rows[row]])
    return fit_head(
        vectors.embeddings[chosen].astype(np.float32),
        np.array(kinds)[chosen],
        vectors.recording_ids[chosen],
        kinds=len(names),
    )


def fit_head(
    embeddings: npt.NDArray[np.float32],
    kinds_of: npt.NDArray[np.int64],
    recordings_of: npt.NDArray[np.int64],
    *,
    kinds: int,
) -> EffectsHead:
    """Multinomial logistic regression of embeddings float32[n, D] of known kinds int[n]. Deterministic."""
    head = EffectsHead(embeddings.shape[1], kinds)
    x, y = torch.from_numpy(embeddings), torch.from_numpy(kinds_of)
    head.mean.copy_(x.mean(dim=0))
    head.scale.copy_(x.std(dim=0) + 1e-6)
    torch.nn.init.zeros_(head.linear.weight)
    torch.nn.init.zeros_(head.linear.bias)
    weights = torch.from_numpy(_balanced(kinds_of, recordings_of)).float()
    optimiser = torch.optim.LBFGS(head.linear.parameters(), max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        per_row = torch.nn.functional.nll_loss(head(x), y, reduction="none")
        total = (per_row * weights).sum() + _PENALTY * head.linear.weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)
    return head.eval().requires_grad_(False)


def save_head(head: EffectsHead, folder: Path) -> None:
    """Write a head in half precision, as it ships."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in head.state_dict().items()}, folder / HEAD_NAME)


def unlearned_kinds(width: int) -> KindSpace:
    """The starter's kinds with a classifier that has learned nothing, for the scan that it learns from."""
    kinds = len(KindSpace.read_kinds())
    return KindSpace.load(head=EffectsHead(width, kinds))


def _balanced(kinds_of: npt.NDArray[np.int64], recordings_of: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Weights that add up to 1: kinds alike, recordings of a kind alike, rows of a recording alike."""
    weights = np.zeros(len(kinds_of))
    present = np.unique(kinds_of)
    for kind in present:
        rows = np.flatnonzero(kinds_of == kind)
        owners = np.unique(recordings_of[rows])
        for owner in owners:
            own = rows[recordings_of[rows] == owner]
            weights[own] = 1.0 / (len(present) * len(owners) * len(own))
    return weights
