"""The library's classifier of kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sounddesk.engine.perception.effects_head import EffectsHead
from sounddesk.evaluation.library.head_learning import fit_head
from sounddesk.evaluation.library.head_learning import save_head


def test_kinds_that_lie_apart_are_told_apart_however_few_recordings_one_has(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (3, 8))
    kinds = np.array([0] * 30 + [1] * 30 + [2] * 2)
    embeddings = (centres[kinds] + rng.normal(0, 0.1, (62, 8))).astype(np.float32)
    head = fit_head(embeddings, kinds, np.arange(62), kinds=3)
    save_head(head, tmp_path)
    loaded = EffectsHead.load(tmp_path)
    assert loaded(torch.from_numpy(embeddings)).argmax(dim=1).numpy().tolist() == kinds.tolist()
    again = fit_head(embeddings, kinds, np.arange(62), kinds=3)
    assert np.array_equal(again.linear.weight.numpy(), head.linear.weight.numpy())
